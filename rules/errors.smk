# Prediction errors: which test examples each model gets wrong, and whether two models get the same ones wrong.


rule errors:
    input:
        target_of("errors"),
    localrule: True


rule find_errors:
    input:
        "<results>/predictions/{task}/{dataset}/{split}/{model}.parquet",
    output:
        "<results>/errors/{task}/{dataset}/{split}/{model}.parquet",
    log:
        "<logs>/find_errors/{task}/{dataset}/{split}/{model}.log",
    benchmark:
        "<benchmarks>/find_errors/{task}/{dataset}/{split}/{model}.tsv"
    wildcard_constraints:
        model=only([m for m in MODELS if "errors" not in config["models"][m]] + CONTROL),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        kind=lambda wildcards: kind_of(wildcards.task),
        code=code("find_errors"),
    script:
        "../scripts/find_errors.py"


rule compare_errors:
    input:
        errors=[
            f"<results>/errors/{task}/{task}/test/{model}.parquet"
            for task in plan.tasks_of(config, "errors")
            for model in replicates.compared_models(config, "errors", task)
        ],
        predictions=[
            f"<results>/predictions/{task}/{task}/test/{model}.parquet"
            for task in plan.tasks_of(config, "errors")
            for model in plan.predicting_models(config, task)
        ],
        tables=expand(
            "<results>/data/{task}/test.parquet", task=plan.tasks_of(config, "errors")
        ),
    output:
        agreement="<results>/agreement/errors.csv",
        resamples="<results>/agreement/errors.resamples.parquet",
    log:
        "<logs>/compare_errors.log",
    benchmark:
        "<benchmarks>/compare_errors.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        tasks=plan.tasks_of(config, "errors"),
        models=[
            replicates.compared_models(config, "errors", task)
            for task in plan.tasks_of(config, "errors")
        ],
        predicting=[
            plan.predicting_models(config, task)
            for task in plan.tasks_of(config, "errors")
        ],
        kinds=[kind_of(task) for task in plan.tasks_of(config, "errors")],
        labels=[
            plan.labels_of(config, task) for task in plan.tasks_of(config, "errors")
        ],
        reference=config["reference"],
        resampling=RESAMPLING,
        verdict=verdict_rows("errors"),
        code=code("compare_errors"),
    script:
        "../scripts/compare_errors.py"
