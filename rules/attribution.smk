# Attribution: the words that each model's decisions depend on, and whether they are the same for two models.
# What the report shows of it.
ATTRIBUTED = plan.tasks_of(config, "attribution") if config["texts"] else []

from miniature.attribution.methods import METHODS


rule attribution:
    input:
        target_of("attribution"),
    localrule: True


rule attribute_model:
    input:
        table="<results>/data/{task}/test.parquet",
        model=checkpoint,
    output:
        attributions="<results>/attributions/{task}/{task}/test/{model}.parquet",
        settings="<results>/attributions/{task}/{task}/test/{model}.settings.json",
    log:
        "<logs>/attribute_model/{task}/{model}.log",
    benchmark:
        "<benchmarks>/attribute_model/{task}/{model}.tsv"
    wildcard_constraints:
        model=only([*TRAINED, *CONTROL]),
    conda:
        "../envs/torch.yaml"
    threads: lambda wildcards: replicates.inference_threads(config, wildcards.model)
    resources:
        # Activations of every layer are kept for the backward pass.
        mem_mb=memory(2500, model=4, table=20),
        runtime=minutes(720),
        gpu=GPU,
    params:
        kind=lambda wildcards: kind_of(wildcards.task),
        labels=lambda wildcards: plan.labels_of(config, wildcards.task),
        text=lambda wildcards: plan.text_settings(config, wildcards.task),
        # Only those of the method: another setting changes nothing.
        settings={
            key: plan.setting(config, "attribution", key)
            for key in (
                "method",
                *METHODS.get(plan.setting(config, "attribution", "method"), ()),
            )
        },
        examples=plan.setting(config, "attribution", "examples"),
        batch_tokens=lambda wildcards: replicates.inference_settings(
            config, wildcards.model
        )["batch_tokens"],
        device=config["compute"]["device"],
        compute_threads=lambda wildcards: replicates.inference_threads(
            config, wildcards.model
        ),
        seed=config["seed"],
        partial=f"{RESULTS}/.partial/attributions/{{task}}/{{model}}",
        code=code("attribute_model"),
    script:
        "../scripts/attribute_model.py"


rule compare_attribution:
    input:
        attributions=of_models(
            "attribution", "<results>/attributions/{task}/{task}/test/{model}.parquet"
        ),
        table="<results>/data/{task}/test.parquet",
    output:
        agreement="<results>/agreement/attribution/{task}.csv",
        resamples="<results>/agreement/attribution/{task}.resamples.parquet",
    log:
        "<logs>/compare_attribution/{task}.log",
    benchmark:
        "<benchmarks>/compare_attribution/{task}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(1000, attributions=10),
        runtime=minutes(60),
    params:
        models=models_of("attribution"),
        comparing=comparing("attribution"),
        method=plan.setting(config, "attribution", "method"),
        k_max=plan.setting(config, "attribution", "k_max"),
        code=code("compare_attribution"),
    script:
        "../scripts/compare_attribution.py"


rule plot_attribution:
    input:
        "<results>/agreement/attribution.csv",
    output:
        png=report(
            "<results>/figures/attribution.png",
            caption="../report/figures/attribution.rst",
            category="Figures",
        ),
        svg="<results>/figures/attribution.svg",
        pdf="<results>/figures/attribution.pdf",
        csv="<results>/figures/attribution.csv",
    log:
        "<logs>/plot_attribution.log",
    benchmark:
        "<benchmarks>/plot_attribution.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        tasks=plan.tasks_of(config, "attribution"),
        models=ORIGINALS,
        reference=config["reference"],
        replicates=replicates.replicates_of(config, config["reference"]),
        code=code("plot_attribution"),
    script:
        "../scripts/plot_attribution.py"
