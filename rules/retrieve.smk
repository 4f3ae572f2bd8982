# The only rules that speak to the network. What they bring is plain files with digests and resolved revisions.


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
        directory("resources/retrieved/datasets/{repository}/{config_name}/{revision}"),
    log:
        "logs/retrieve_dataset/{repository}/{config_name}/{revision}.log",
    wildcard_constraints:
        repository=r"[A-Za-z0-9_.-]+",
        config_name=names.NAME,
        revision=r"[A-Za-z0-9_./-]+",
    conda:
        "../envs/torch.yaml"
    script:
        "../scripts/retrieve_dataset.py"
