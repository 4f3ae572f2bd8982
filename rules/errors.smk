# Prediction errors: which test examples each model gets wrong, and whether two models get the same ones wrong.


rule find_errors:
    input:
        "<results>/predictions/{task}/{dataset}/{split}/{model}.parquet",
    output:
        "<results>/errors/{task}/{dataset}/{split}/{model}.parquet",
    log:
        "<logs>/find_errors/{task}/{dataset}/{split}/{model}.log",
    benchmark:
        "<benchmarks>/find_errors/{task}/{dataset}/{split}/{model}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=500,
        runtime=30,
    params:
        kind=lambda wildcards: kind_of(wildcards.task),
        code=code("find_errors"),
    script:
        "../scripts/find_errors.py"


rule compare_errors:
    input:
        errors=expand(
            "<results>/errors/{task}/{task}/test/{model}.parquet",
            task=plan.tasks_of(config, "errors"),
            model=MODELS,
        ),
        tables=expand(
            "<results>/data/{task}/test.parquet", task=plan.tasks_of(config, "errors")
        ),
    output:
        "<results>/agreement/errors.csv",
    log:
        "<logs>/compare_errors.log",
    benchmark:
        "<benchmarks>/compare_errors.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        tasks=plan.tasks_of(config, "errors"),
        models=MODELS,
        code=code("compare_errors"),
    script:
        "../scripts/compare_errors.py"
