# The only rules that use the network. They retrieve plain files with digests and resolved revisions.


rule retrieve:
    input:
        hub_models(),
        hub_datasets(),
        REGISTRY,
        list(sources.pinned_sources(config)),


localrules:
    retrieve_model,
    retrieve_dataset,
    record_registry,
    retrieve_artifact,


rule retrieve_model:
    output:
        directory("resources/retrieved/models/{repository}/{revision}"),
    log:
        "logs/retrieve_model/{repository}/{revision}.log",
    wildcard_constraints:
        repository=r"[A-Za-z0-9_.-]+",
        revision=names.REVISION,
    conda:
        "../envs/torch.yaml"
    params:
        pins="resources/retrieved/pins",
    script:
        "../scripts/retrieve_model.py"


rule retrieve_dataset:
    output:
        directory("resources/retrieved/datasets/{repository}/{config_name}/{revision}"),
    log:
        "logs/retrieve_dataset/{repository}/{config_name}/{revision}.log",
    wildcard_constraints:
        repository=r"[A-Za-z0-9_.-]+",
        config_name=names.CONFIG_NAME,
        revision=names.REVISION,
    conda:
        "../envs/torch.yaml"
    params:
        pins="resources/retrieved/pins",
    script:
        "../scripts/retrieve_dataset.py"


# Needs no network: collects the retrieval records, including those of other studies.
rule record_registry:
    input:
        hub_models(),
        hub_datasets(),
        list(sources.pinned_sources(config)),
    output:
        "resources/retrieved/registry.json",
    log:
        "logs/record_registry.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("record_registry"),
    script:
        "../scripts/record_registry.py"


rule retrieve_artifact:
    output:
        file=f"{sources.RETRIEVED}/{{digest}}{{suffix}}/file{{suffix}}",
        record=f"{sources.RETRIEVED}/{{digest}}{{suffix}}/RETRIEVED.json",
    log:
        "logs/retrieve_artifact/{digest}{suffix}.log",
    wildcard_constraints:
        digest="[0-9a-f]{64}",
        suffix=r"(\.[A-Za-z0-9]+){0,2}",
    conda:
        "../envs/analysis.yaml"
    params:
        source=lambda wildcards, output: sources.pinned_sources(config)[output.file],
        url=lambda wildcards, output: sources.source_url(
            sources.pinned_sources(config)[output.file]
        ),
    script:
        "../scripts/retrieve_artifact.py"
