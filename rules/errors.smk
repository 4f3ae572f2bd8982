# Prediction errors: the test examples that each model gets wrong, and whether they are the same for two
# models.


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
        errors=of_models(
            "errors", "<results>/errors/{task}/{task}/test/{model}.parquet"
        ),
        predictions=lambda wildcards: [
            f"<results>/predictions/{wildcards.task}/{wildcards.task}/test/{model}.parquet"
            for model in predicting(wildcards)
        ],
        table="<results>/data/{task}/test.parquet",
    output:
        agreement="<results>/agreement/errors/{task}.csv",
        resamples="<results>/agreement/errors/{task}.resamples.parquet",
    log:
        "<logs>/compare_errors/{task}.log",
    benchmark:
        "<benchmarks>/compare_errors/{task}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(megabytes_of_pairs),
        runtime=minutes(60),
    params:
        models=models_of("errors"),
        comparing=comparing("errors"),
        predicting=predicting,
        kind=lambda wildcards: kind_of(wildcards.task),
        labels=lambda wildcards: plan.labels_of(config, wildcards.task),
        code=code("compare_errors"),
    script:
        "../scripts/compare_errors.py"


rule tabulate_errors:
    input:
        agreement="<results>/agreement/errors.csv",
        errors=[
            f"<results>/errors/{task}/{task}/test/{model}.parquet"
            for task in plan.tasks_of(config, "errors")
            for model in plan.models_with(config, "errors", task)
        ],
    output:
        csv=report(
            "<results>/tables/table2_errors.csv",
            caption="../report/tables/table2_errors.rst",
            category="Tables",
        ),
        md="<results>/tables/table2_errors.md",
        tex="<results>/tables/table2_errors.tex",
    log:
        "<logs>/tabulate_errors.log",
    benchmark:
        "<benchmarks>/tabulate_errors.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        tasks=plan.tasks_of(config, "errors"),
        models=MODELS,
        reference=config["reference"],
        originals=ORIGINALS,
        comparing=[
            plan.models_with(config, "errors", task)
            for task in plan.tasks_of(config, "errors")
        ],
        code=code("tabulate_errors"),
    script:
        "../scripts/tabulate_errors.py"
