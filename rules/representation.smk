# Data representation: the nearest neighbors of every example, and whether two models agree on them, for every
# K.


rule representation:
    input:
        target_of("representation"),
    localrule: True


rule find_neighbors:
    input:
        "<results>/embeddings/{task}/{dataset}/{split}/{model}.npy",
    output:
        neighbors="<results>/neighbors/{task}/{dataset}/{split}/{model}.npy",
        ranking="<results>/neighbors/{task}/{dataset}/{split}/{model}.ranking.npy",
        ties="<results>/neighbors/{task}/{dataset}/{split}/{model}.ties.parquet",
    log:
        "<logs>/find_neighbors/{task}/{dataset}/{split}/{model}.log",
    benchmark:
        "<benchmarks>/find_neighbors/{task}/{dataset}/{split}/{model}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(1500),
        runtime=minutes(30),
    params:
        k_max=plan.setting(config, "representation", "k_max"),
        compute_threads=THREADS,
        code=code("find_neighbors"),
    script:
        "../scripts/find_neighbors.py"


rule compare_representation:
    input:
        neighbors=of_models(
            "representation", "<results>/neighbors/{task}/{task}/test/{model}.npy"
        ),
        rankings=of_models(
            "representation",
            "<results>/neighbors/{task}/{task}/test/{model}.ranking.npy",
        ),
        ties=of_models(
            "representation",
            "<results>/neighbors/{task}/{task}/test/{model}.ties.parquet",
        ),
        embeddings=of_models(
            "representation", "<results>/embeddings/{task}/{task}/test/{model}.npy"
        ),
        table="<results>/data/{task}/test.parquet",
    output:
        agreement="<results>/agreement/representation/{task}.csv",
        resamples="<results>/agreement/representation/{task}.resamples.parquet",
    log:
        "<logs>/compare_representation/{task}.log",
    benchmark:
        "<benchmarks>/compare_representation/{task}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: THREADS
    resources:
        # Lists in 64 bits in addition to those read, and features in float64 in addition to float32.
        mem_mb=memory(1500, neighbors=3, rankings=1, embeddings=3),
        runtime=minutes(60),
    params:
        models=models_of("representation"),
        comparing=comparing("representation"),
        compute_threads=THREADS,
        code=code("compare_representation"),
    script:
        "../scripts/compare_representation.py"
