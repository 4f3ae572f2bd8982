# Data representation: which examples lie near which, and whether two models agree on it, for every K.


rule representation:
    input:
        target_of("representation"),
    localrule: True


rule find_neighbors:
    input:
        "<results>/embeddings/{task}/{dataset}/{split}/{model}.npy",
    output:
        neighbors="<results>/neighbors/{task}/{dataset}/{split}/{model}.npy",
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
        neighbors=[
            f"<results>/neighbors/{task}/{task}/test/{model}.npy"
            for task in plan.tasks_of(config, "representation")
            for model in replicates.compared_models(config, "representation", task)
        ],
        ties=[
            f"<results>/neighbors/{task}/{task}/test/{model}.ties.parquet"
            for task in plan.tasks_of(config, "representation")
            for model in replicates.compared_models(config, "representation", task)
        ],
        embeddings=[
            f"<results>/embeddings/{task}/{task}/test/{model}.npy"
            for task in plan.tasks_of(config, "representation")
            for model in replicates.compared_models(config, "representation", task)
        ],
        tables=expand(
            "<results>/data/{task}/test.parquet",
            task=plan.tasks_of(config, "representation"),
        ),
    output:
        agreement="<results>/agreement/representation.csv",
        resamples="<results>/agreement/representation.resamples.parquet",
    log:
        "<logs>/compare_representation.log",
    benchmark:
        "<benchmarks>/compare_representation.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: THREADS
    resources:
        # Longer lists of neighbours beside those read, and features in float64 beside those in float32.
        mem_mb=memory(1500, neighbors=6, embeddings=3),
        runtime=minutes(60),
    params:
        tasks=plan.tasks_of(config, "representation"),
        models=[
            replicates.compared_models(config, "representation", task)
            for task in plan.tasks_of(config, "representation")
        ],
        reference=config["reference"],
        feature=config.get("inference", {}).get("feature", ""),
        resampling=RESAMPLING,
        verdict=verdict_rows("representation"),
        compute_threads=THREADS,
        code=code("compare_representation"),
    script:
        "../scripts/compare_representation.py"
