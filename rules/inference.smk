# One forward pass of a fine-tuned model over one table gives its predictions and its embeddings.


rule predict_split:
    input:
        table="<results>/data/{dataset}/{split}.parquet",
        model=checkpoint,
    output:
        predictions="<results>/predictions/{task}/{dataset}/{split}/{model}.parquet",
        embeddings="<results>/embeddings/{task}/{dataset}/{split}/{model}.npy",
    log:
        "<logs>/predict_split/{task}/{dataset}/{split}/{model}.log",
    benchmark:
        "<benchmarks>/predict_split/{task}/{dataset}/{split}/{model}.tsv"
    wildcard_constraints:
        model=only([*TRAINED, *CONTROL]),
    conda:
        "../envs/torch.yaml"
    threads: lambda wildcards: replicates.inference_threads(config, wildcards.model)
    resources:
        # Three times the weights (loaded, and laid out for products), and text as tables, tokens and character
        # spans.
        mem_mb=memory(900, model=3, table=60),
        runtime=minutes(60),
        gpu=GPU,
    params:
        kind=lambda wildcards: kind_of(wildcards.task),
        labels=lambda wildcards: plan.labels_of(config, wildcards.task),
        text=lambda wildcards: plan.text_settings(config, wildcards.task),
        inference=lambda wildcards: replicates.inference_settings(
            config, wildcards.model
        ),
        device=config["compute"]["device"],
        compute_threads=lambda wildcards: replicates.inference_threads(
            config, wildcards.model
        ),
        code=code("predict_split"),
    script:
        "../scripts/predict_split.py"
