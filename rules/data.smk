# Tables of examples with a fixed row order, one file per dataset and split.


rule build_data:
    input:
        split_files,
    output:
        "<results>/data/{dataset}/{split}.parquet",
    log:
        "<logs>/build_data/{dataset}/{split}.log",
    benchmark:
        "<benchmarks>/build_data/{dataset}/{split}.tsv"
    priority: 100  # an error in a data file is reported before any long job starts
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(60),
    params:
        dataset=dataset_settings,
        bank_examples=lambda wildcards: (
            plan.setting(config, "distribution", "bank_examples")
            if wildcards.split == "bank"
            else None
        ),
        seed=config["seed"],
        content=content(split_files),
        code=code("build_data"),
    script:
        "../scripts/build_data.py"


rule build_vocabulary:
    input:
        [
            f"<results>/data/{name}/train.parquet"
            for name in config.get("vocabulary", {}).get("datasets", [])
        ],
    output:
        directory("<results>/vocabulary"),
    log:
        "<logs>/build_vocabulary.log",
    benchmark:
        "<benchmarks>/build_vocabulary.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(60),
    params:
        size=config.get("vocabulary", {}).get("size"),
        kinds=[
            kind_of(name) for name in config.get("vocabulary", {}).get("datasets", [])
        ],
        code=code("build_vocabulary"),
    script:
        "../scripts/build_vocabulary.py"
