# Prediction errors: the test examples that each model gets wrong, and whether they are the same for two
# models.


# Of two models at 2,000 resamples, beside what both models' own files take: docs/limits.md.
PAIR_MEGABYTES, PAIR_SECONDS, MOST_MODELS = 0.32, 0.02, 200


def compared_pairs(task):
    """Number of pairs of models whose errors are compared."""
    models = len(plan.models_with(config, "errors", task))
    return models * (models - 1) // 2


def megabytes_of_pairs(wildcards):
    """Megabytes for the resampled agreement of all pairs."""
    share = RESAMPLING["resamples"] / 2000
    return max(2000, 600 + PAIR_MEGABYTES * share * compared_pairs(wildcards.task))


# A study that will not fit is told so before anything runs.
for task in plan.tasks_of(config, "errors"):
    pairs = compared_pairs(task)
    if workflow.is_main_process and pairs > MOST_MODELS * (MOST_MODELS - 1) // 2:
        print(
            f"Note: {pairs:,} pairs of models are compared on {task}; at 2,000 resamples that takes about "
            f"{PAIR_MEGABYTES * pairs / 1000:.0f} GB and {PAIR_SECONDS * pairs / 3600:.1f} hours. Up to "
            f"{MOST_MODELS} models stay within 8 GB. A verdict does not depend on the other models: divide them "
            "among several studies with the same reference.",
            file=sys.stderr,
        )


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
