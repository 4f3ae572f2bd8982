# Tables of examples with a fixed row order, one file per dataset and split.


def split_files(wildcards):
    """Files a split is read from; train, bank and held-out splits are cut from the same source."""
    dataset = config["datasets"][wildcards.dataset]
    if dataset["format"] == "hub":
        return [retrieved_dataset(dataset)]
    splits = split_blocks(wildcards)
    return sorted({block["path"] for block in splits.values() if "path" in block})


def split_blocks(wildcards):
    """The split entries that decide the rows of one split."""
    splits = config["datasets"][wildcards.dataset]["splits"]
    block = splits.get(wildcards.split, {})
    if wildcards.split in ("train", "bank") or "held_out_from" in block:
        return {name: b for name, b in splits.items() if name == "train" or "held_out_from" in b}
    return {wildcards.split: block}


def dataset_settings(wildcards):
    """A dataset entry with the splits that matter and the Hub's folder in place of its id."""
    dataset = config["datasets"][wildcards.dataset]
    settings = {k: v for k, v in dataset.items() if k not in ("splits", "hub", "revision")}
    if "hub" in dataset:
        settings["path"] = retrieved_dataset(dataset)
    return {**settings, "splits": split_blocks(wildcards)}


rule build_data:
    input:
        split_files,
    output:
        "<results>/data/{dataset}/{split}.parquet",
    log:
        "<logs>/build_data/{dataset}/{split}.log",
    benchmark:
        "<benchmarks>/build_data/{dataset}/{split}.tsv"
    params:
        dataset=dataset_settings,
        bank_examples=lambda wildcards: (
            config["characteristics"]["distribution"]["bank_examples"] if wildcards.split == "bank" else None
        ),
        seed=config["seed"],
        code=code("build_data"),
    resources:
        mem_mb=1000,
        runtime=60,
    conda:
        "../envs/analysis.yaml"
    script:
        "../scripts/build_data.py"


rule build_vocabulary:
    input:
        [f"<results>/data/{name}/train.parquet" for name in config.get("vocabulary", {}).get("datasets", [])],
    output:
        directory("<results>/vocabulary"),
    log:
        "<logs>/build_vocabulary.log",
    benchmark:
        "<benchmarks>/build_vocabulary.tsv"
    params:
        size=config.get("vocabulary", {}).get("size"),
        kinds=[kind_of(name) for name in config.get("vocabulary", {}).get("datasets", [])],
        code=code("build_vocabulary"),
    resources:
        mem_mb=1000,
        runtime=60,
    conda:
        "../envs/torch.yaml"
    script:
        "../scripts/build_vocabulary.py"
