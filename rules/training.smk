# Checkpoints: every model fine-tuned on every task or taken as it stands, and the masked language models that attacks draw on.


rule finetune_model:
    input:
        train="<results>/data/{task}/train.parquet",
        sources=lambda wildcards: checkpoint_sources(config["models"][wildcards.model]),
        teacher=teacher_folder,
    output:
        directory("<results>/models/{task}/{model}"),
    log:
        "<logs>/finetune_model/{task}/{model}.log",
    benchmark:
        "<benchmarks>/finetune_model/{task}/{model}.tsv"
    wildcard_constraints:
        model=only(FINETUNED),
    priority: 10  # every other job waits for the trainings
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        # Weights, gradients and AdamW's moments, and a copy to load or save them; text as tokens.
        mem_mb=memory(900, sources=6, train=100),
        runtime=minutes(720),
        gpu=GPU,
    params:
        spec=lambda wildcards: model_entry.model_spec(config["models"][wildcards.model]),
        kind=lambda wildcards: kind_of(wildcards.task),
        labels=lambda wildcards: plan.labels_of(config, wildcards.task),
        label_values=lambda wildcards: plan.label_values_of(config, wildcards.task),
        settings=lambda wildcards: plan.training_settings(
            config, wildcards.task, wildcards.model
        ),
        text=lambda wildcards: plan.window_settings(config, wildcards.task),
        seed=config["seed"],
        device=config["compute"]["device"],
        compute_threads=THREADS,
        partial=f"{RESULTS}/.partial/models/{{task}}/{{model}}",
        content=content(lambda w: checkpoint_sources(config["models"][w.model])),
        code=code("finetune_model"),
    script:
        "../scripts/finetune_model.py"


rule copy_model:
    input:
        sources=lambda wildcards: checkpoint_sources(config["models"][wildcards.model]),
    output:
        directory("<results>/models/{task}/{model}"),
    log:
        "<logs>/copy_model/{task}/{model}.log",
    benchmark:
        "<benchmarks>/copy_model/{task}/{model}.tsv"
    wildcard_constraints:
        model=only(AS_IS),
    priority: 10
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=memory(900, sources=2),
        runtime=minutes(30),
    params:
        spec=lambda wildcards: model_entry.model_spec(config["models"][wildcards.model]),
        kind=lambda wildcards: kind_of(wildcards.task),
        labels=lambda wildcards: plan.labels_of(config, wildcards.task),
        label_values=lambda wildcards: plan.label_values_of(config, wildcards.task),
        text=lambda wildcards: plan.window_settings(config, wildcards.task),
        compute_threads=THREADS,
        content=content(lambda w: checkpoint_sources(config["models"][w.model])),
        code=code("copy_model"),
    script:
        "../scripts/copy_model.py"


rule derive_model:
    input:
        origin=lambda wildcards: f"<results>/models/{wildcards.task}/{derived(wildcards)['from']}",
        train=lambda wildcards: (
            [f"<results>/data/{wildcards.task}/train.parquet"]
            if sees_training_data(derived(wildcards))
            else []
        ),
    output:
        directory("<results>/models/{task}/{model}"),
    log:
        "<logs>/derive_model/{task}/{model}.log",
    benchmark:
        "<benchmarks>/derive_model/{task}/{model}.tsv"
    wildcard_constraints:
        model=only(DERIVED),
    priority: 10
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        # As of a training, with a second model that teaches.
        mem_mb=memory(900, origin=8, train=100),
        runtime=minutes(720),
        gpu=GPU,
    params:
        derive=derived,
        kind=lambda wildcards: kind_of(wildcards.task),
        labels=lambda wildcards: plan.labels_of(config, wildcards.task),
        label_values=lambda wildcards: plan.label_values_of(config, wildcards.task),
        settings=lambda wildcards: (
            plan.training_settings(config, wildcards.task, wildcards.model)
            if derived_by_training(derived(wildcards))
            else None
        ),
        text=lambda wildcards: plan.window_settings(config, wildcards.task),
        seed=config["seed"],
        device=config["compute"]["device"],
        compute_threads=THREADS,
        partial=f"{RESULTS}/.partial/models/{{task}}/{{model}}",
        code=code("derive_model"),
    script:
        "../scripts/derive_model.py"


rule train_masked_lm:
    input:
        tables=lambda wildcards: [
            f"<results>/data/{name}/train.parquet"
            for name in config["masked_lms"][wildcards.masked_lm].get("datasets", [])
        ],
        sources=lambda wildcards: checkpoint_sources(
            config["masked_lms"][wildcards.masked_lm]
        ),
    output:
        directory("<results>/masked_lms/{masked_lm}"),
    log:
        "<logs>/train_masked_lm/{masked_lm}.log",
    benchmark:
        "<benchmarks>/train_masked_lm/{masked_lm}.tsv"
    priority: 10
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(900, sources=6, tables=100),
        runtime=minutes(720),
        gpu=GPU,
    params:
        spec=lambda wildcards: model_entry.model_spec(
            config["masked_lms"][wildcards.masked_lm]
        ),
        kinds=lambda wildcards: [
            kind_of(name)
            for name in config["masked_lms"][wildcards.masked_lm].get("datasets", [])
        ],
        settings=lambda wildcards: config["masked_lms"][wildcards.masked_lm].get(
            "training"
        ),
        seed=config["seed"],
        device=config["compute"]["device"],
        compute_threads=THREADS,
        partial=f"{RESULTS}/.partial/masked_lms/{{masked_lm}}",
        content=content(lambda w: checkpoint_sources(config["masked_lms"][w.masked_lm])),
        code=code("train_masked_lm"),
    script:
        "../scripts/train_masked_lm.py"
