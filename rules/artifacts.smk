# Models that are not run here: their outputs from elsewhere, in the order of the data table.


rule import_predictions:
    input:
        artifact=lambda wildcards: sources.source_files(
            artifact("predictions", wildcards)
        ),
        table="<results>/data/{dataset}/{split}.parquet",
        reference=reference_predictions,
    output:
        "<results>/predictions/{task}/{dataset}/{split}/{model}.parquet",
    log:
        "<logs>/import_predictions/{task}/{dataset}/{split}/{model}.log",
    benchmark:
        "<benchmarks>/import_predictions/{task}/{dataset}/{split}/{model}.tsv"
    wildcard_constraints:
        model=only(plan.models_giving(config, "predictions")),
        split="test",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500, artifact=6),
        runtime=minutes(15),
    params:
        source=prediction_source,
        other_prompts=lambda wildcards: (
            config["models"][wildcards.model].get("floor") == "prompt"
        ),
        kind=lambda wildcards: kind_of(wildcards.dataset),
        labels=lambda wildcards: plan.labels_of(config, wildcards.dataset),
        label_values=lambda wildcards: plan.label_values_of(config, wildcards.dataset),
        sha256=artifact_digest("predictions"),
        content=content(lambda w: sources.source_files(artifact("predictions", w))),
        code=code("import_predictions"),
    script:
        "../scripts/import_predictions.py"


rule import_errors:
    input:
        artifact=artifact_file("errors"),
        table="<results>/data/{dataset}/{split}.parquet",
    output:
        "<results>/errors/{task}/{dataset}/{split}/{model}.parquet",
    log:
        "<logs>/import_errors/{task}/{dataset}/{split}/{model}.log",
    benchmark:
        "<benchmarks>/import_errors/{task}/{dataset}/{split}/{model}.tsv"
    wildcard_constraints:
        model=only(plan.models_giving(config, "errors")),
        split="test",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        sha256=artifact_digest("errors"),
        content=content(artifact_file("errors")),
        code=code("import_errors"),
    script:
        "../scripts/import_errors.py"


rule import_embeddings:
    input:
        artifact=artifact_file("embeddings"),
        table=table_of_split,
    output:
        "<results>/embeddings/{task}/{dataset}/{split}/{model}.npy",
    log:
        "<logs>/import_embeddings/{task}/{dataset}/{split}/{model}.log",
    benchmark:
        "<benchmarks>/import_embeddings/{task}/{dataset}/{split}/{model}.tsv"
    wildcard_constraints:
        model=only(plan.models_giving(config, "embeddings")),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=minutes(15),
    params:
        sha256=artifact_digest("embeddings"),
        content=content(artifact_file("embeddings")),
        code=code("import_embeddings"),
    script:
        "../scripts/import_embeddings.py"
