# Data distribution: the inputs that each model finds out of distribution, and whether they are the same for
# two models.


rule distribution:
    input:
        target_of("distribution"),
    localrule: True


rule detect_ood:
    input:
        bank="<results>/embeddings/{task}/{task}/bank/{model}.npy",
        calibration="<results>/embeddings/{task}/{task}/calibration/{model}.npy",
        test="<results>/embeddings/{task}/{task}/test/{model}.npy",
        ood="<results>/embeddings/{task}/{ood_dataset}/test/{model}.npy",
        test_table="<results>/data/{task}/test.parquet",
        ood_table="<results>/data/{ood_dataset}/test.parquet",
        calibration_table=lambda wildcards: calibration_tables([wildcards.task]),
    output:
        rows="<results>/ood/{task}/{ood_dataset}/{model}.parquet",
        calibration="<results>/ood/{task}/{ood_dataset}/{model}.calibration.parquet",
    log:
        "<logs>/detect_ood/{task}/{ood_dataset}/{model}.log",
    benchmark:
        "<benchmarks>/detect_ood/{task}/{ood_dataset}/{model}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: THREADS
    resources:
        # Features in float64 beside those read in float32; of the bank two more in float32 for the search.
        mem_mb=memory(1500, bank=6, calibration=4, test=4, ood=4),
        runtime=minutes(30),
    params:
        k=plan.setting(config, "distribution", "k"),
        percentile=plan.setting(config, "distribution", "percentile"),
        compute_threads=THREADS,
        code=code("detect_ood"),
    script:
        "../scripts/detect_ood.py"


rule compare_distribution:
    input:
        ood=of_models(
            "distribution", "<results>/ood/{task}/{ood_dataset}/{model}.parquet"
        ),
        calibration=of_models(
            "distribution",
            "<results>/ood/{task}/{ood_dataset}/{model}.calibration.parquet",
        ),
        test_table="<results>/data/{task}/test.parquet",
        ood_table="<results>/data/{ood_dataset}/test.parquet",
        calibration_table=lambda wildcards: calibration_tables([wildcards.task]),
    output:
        agreement="<results>/agreement/distribution/{task}/{ood_dataset}.csv",
        resamples="<results>/agreement/distribution/{task}/{ood_dataset}.resamples.parquet",
    log:
        "<logs>/compare_distribution/{task}/{ood_dataset}.log",
    benchmark:
        "<benchmarks>/compare_distribution/{task}/{ood_dataset}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: THREADS
    resources:
        # Tables of strings in addition to the resampled counts.
        mem_mb=memory(1500, ood=30, calibration=30),
        runtime=minutes(60),
    params:
        models=models_of("distribution"),
        comparing=comparing("distribution"),
        percentile=plan.setting(config, "distribution", "percentile"),
        compute_threads=THREADS,
        code=code("compare_distribution"),
    script:
        "../scripts/compare_distribution.py"
