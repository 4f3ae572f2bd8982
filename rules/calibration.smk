# Calibration: whether each model's confidence matches its accuracy, and how far two models differ in that.


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
        confidences=of_models(
            "calibration", "<results>/calibration/{task}/{task}/test/{model}.parquet"
        ),
        table="<results>/data/{task}/test.parquet",
    output:
        agreement="<results>/agreement/calibration/{task}.csv",
        resamples="<results>/agreement/calibration/{task}.resamples.parquet",
    log:
        "<logs>/compare_calibration/{task}.log",
    benchmark:
        "<benchmarks>/compare_calibration/{task}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
    params:
        models=models_of("calibration"),
        comparing=comparing("calibration"),
        bins=plan.setting(config, "calibration", "bins"),
        code=code("compare_calibration"),
    script:
        "../scripts/compare_calibration.py"
