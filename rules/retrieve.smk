# The only rules that speak to the network. What they bring is plain files with digests and resolved revisions.


def hub_models():
    """Every Hub model that the study names."""
    entries = [*config["models"].values(), *config.get("masked_lms", {}).values()]
    return sorted({retrieved_model(entry) for entry in entries if "hub" in entry})


def hub_datasets():
    """Every Hub dataset that the study names."""
    return sorted({retrieved_dataset(entry) for entry in config["datasets"].values() if "hub" in entry})


rule retrieve:
    input:
        hub_models(),
        hub_datasets(),


localrules:
    retrieve_model,
    retrieve_dataset,


rule retrieve_model:
    output:
        directory("resources/retrieved/models/{repository}/{revision}"),
    log:
        "logs/retrieve_model/{repository}/{revision}.log",
    wildcard_constraints:
        repository=r"[A-Za-z0-9_.-]+",
        revision=r"[A-Za-z0-9_./-]+",
    conda:
        "../envs/torch.yaml"
    script:
        "../scripts/retrieve_model.py"


rule retrieve_dataset:
    output:
        directory("resources/retrieved/datasets/{repository}/{revision}"),
    log:
        "logs/retrieve_dataset/{repository}/{revision}.log",
    params:
        config_name=lambda wildcards: next(
            entry.get("config_name")
            for entry in config["datasets"].values()
            if entry.get("hub", "").replace("/", "--") == wildcards.repository
        ),
    wildcard_constraints:
        repository=r"[A-Za-z0-9_.-]+",
        revision=r"[A-Za-z0-9_./-]+",
    conda:
        "../envs/torch.yaml"
    script:
        "../scripts/retrieve_dataset.py"
