# The paper's tables, each as csv (exact), md (to read) and tex (to print).


rule tabulate_models:
    input:
        tables=expand("<results>/data/{task}/test.parquet", task=TASKS),
        predictions=[
            f"<results>/predictions/{task}/{task}/test/{model}.parquet"
            for task in TASKS
            for model in plan.predicting_models(config, task)
        ],
        errors=[
            f"<results>/errors/{task}/{task}/test/{model}.parquet"
            for task in TASKS
            for model in plan.models_giving(config, "errors", task)
        ],
        models=[f"<results>/models/{task}/{m}" for task in TASKS for m in TRAINED],
        distribution=(
            "<results>/agreement/distribution.csv"
            if plan.enabled(config, "distribution")
            else []
        ),
    output:
        csv=report(
            "<results>/tables/table1_models.csv",
            caption="../report/tables/table1_models.rst",
            category="Tables",
        ),
        md="<results>/tables/table1_models.md",
        tex="<results>/tables/table1_models.tex",
    log:
        "<logs>/tabulate_models.log",
    benchmark:
        "<benchmarks>/tabulate_models.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        tasks=TASKS,
        kinds=[kind_of(task) for task in TASKS],
        k=config["verdict"].get("distribution", {}).get("k"),
        models=MODELS,
        trained=TRAINED,
        stated={
            model: {
                key: config["models"][model][key]
                for key in ("bytes", "latency_ms")
                if key in config["models"][model]
            }
            for model in MODELS
        },
        predicting=[plan.predicting_models(config, task) for task in TASKS],
        listing=[plan.models_giving(config, "errors", task) for task in TASKS],
        code=code("tabulate_models"),
    script:
        "../scripts/tabulate_models.py"


rule tabulate_control:
    input:
        agreement=[f"<results>/agreement/{name}.csv" for name in CONTROLLED],
        reference=runs_of(config["reference"]),
        control=runs_of(CONTROL[0] if CONTROL else ""),
    output:
        csv=report(
            "<results>/tables/control.csv",
            caption="../report/tables/control.rst",
            category="Tables",
        ),
        md="<results>/tables/control.md",
        tex="<results>/tables/control.tex",
    log:
        "<logs>/tabulate_control.log",
    benchmark:
        "<benchmarks>/tabulate_control.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        characteristics=CONTROLLED,
        reference=config["reference"],
        control=CONTROL[0] if CONTROL else "",
        verdict={name: verdict_rows(name) for name in CONTROLLED},
        code=code("tabulate_control"),
    script:
        "../scripts/tabulate_control.py"


rule tabulate_changes:
    input:
        tables=lambda wildcards: [
            f"<results>/data/{task}/test.parquet"
            for task in changed_tasks(wildcards.model)
        ],
        reference=lambda wildcards: [
            f"<results>/predictions/{task}/{task}/test/{config['reference']}.parquet"
            for task in changed_tasks(wildcards.model)
        ],
        model=lambda wildcards: [
            f"<results>/predictions/{task}/{task}/test/{wildcards.model}.parquet"
            for task in changed_tasks(wildcards.model)
        ],
    output:
        csv=report(
            "<results>/tables/changed_{model}.csv",
            caption="../report/changed.rst",
            category="Tables",
        ),
        md="<results>/tables/changed_{model}.md",
    log:
        "<logs>/tabulate_changes/{model}.log",
    benchmark:
        "<benchmarks>/tabulate_changes/{model}.tsv"
    wildcard_constraints:
        model=only(CHANGED),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        tasks=lambda wildcards: changed_tasks(wildcards.model),
        labels=lambda wildcards: [
            plan.labels_of(config, task) for task in changed_tasks(wildcards.model)
        ],
        texts=config["texts"],
        code=code("tabulate_changes"),
    script:
        "../scripts/tabulate_changes.py"
