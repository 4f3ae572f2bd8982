# Calibration: whether each model is as often right as it is sure, and how far two models differ in that.


rule calibration:
    input:
        target_of("calibration"),
    localrule: True


rule measure_calibration:
    input:
        "<results>/predictions/{task}/{dataset}/{split}/{model}.parquet",
    output:
        "<results>/calibration/{task}/{dataset}/{split}/{model}.parquet",
    log:
        "<logs>/measure_calibration/{task}/{dataset}/{split}/{model}.log",
    benchmark:
        "<benchmarks>/measure_calibration/{task}/{dataset}/{split}/{model}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        labels=lambda wildcards: plan.labels_of(config, wildcards.task),
        code=code("measure_calibration"),
    script:
        "../scripts/measure_calibration.py"


rule compare_calibration:
    input:
        confidences=[
            f"<results>/calibration/{task}/{task}/test/{model}.parquet"
            for task in plan.tasks_of(config, "calibration")
            for model in replicates.compared_models(config, "calibration", task)
        ],
        tables=expand(
            "<results>/data/{task}/test.parquet",
            task=plan.tasks_of(config, "calibration"),
        ),
    output:
        agreement="<results>/agreement/calibration.csv",
        resamples="<results>/agreement/calibration.resamples.parquet",
    log:
        "<logs>/compare_calibration.log",
    benchmark:
        "<benchmarks>/compare_calibration.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
    params:
        tasks=plan.tasks_of(config, "calibration"),
        models=[
            replicates.compared_models(config, "calibration", task)
            for task in plan.tasks_of(config, "calibration")
        ],
        bins=plan.setting(config, "calibration", "bins"),
        reference=config["reference"],
        resampling=RESAMPLING,
        verdict=verdict_rows("calibration"),
        code=code("compare_calibration"),
    script:
        "../scripts/compare_calibration.py"
