# A noise floor from independent trainings of the same large model: its table, figure and findings.


rule tabulate_floor:
    input:
        agreement="<results>/agreement/errors.csv",
        errors=[
            f"<results>/errors/{FLOOR_TASK}/{FLOOR_TASK}/test/{model}.parquet"
            for model in FLOOR_MODELS
        ],
    output:
        csv=report(
            "<results>/tables/floor.csv",
            caption="../report/figures/floor.rst",
            category="Tables",
        ),
        md="<results>/tables/floor.md",
        tex="<results>/tables/floor.tex",
    log:
        "<logs>/tabulate_floor.log",
    benchmark:
        "<benchmarks>/tabulate_floor.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        task=FLOOR_TASK,
        models=FLOOR_MODELS,
        reference=config["reference"],
        origins=ORIGINS,
        named_origins={
            name: model["origin"]
            for name, model in config["models"].items()
            if "origin" in model
        },
        code=code("tabulate_floor"),
    script:
        "../scripts/tabulate_floor.py"


rule plot_floor:
    input:
        "<results>/tables/floor.csv",
    output:
        png=report(
            "<results>/figures/floor.png",
            caption="../report/figures/floor.rst",
            category="Figures",
        ),
        svg="<results>/figures/floor.svg",
        pdf="<results>/figures/floor.pdf",
        csv="<results>/figures/floor.csv",
    log:
        "<logs>/plot_floor.log",
    benchmark:
        "<benchmarks>/plot_floor.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        task=FLOOR_TASK,
        code=code("plot_floor"),
    script:
        "../scripts/plot_floor.py"


rule write_findings:
    input:
        floor="<results>/tables/floor.csv",
        agreement="<results>/agreement/errors.csv",
        errors=[
            f"<results>/errors/{FLOOR_TASK}/{FLOOR_TASK}/test/{model}.parquet"
            for model in FLOOR_MODELS
        ],
        table=f"<results>/data/{FLOOR_TASK}/test.parquet",
        scorecard="<results>/scorecard.csv",
    output:
        "<results>/findings.md",
    log:
        "<logs>/write_findings.log",
    benchmark:
        "<benchmarks>/write_findings.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        task=FLOOR_TASK,
        models=FLOOR_MODELS,
        seed=config["seed"],
        code=code("write_findings"),
    script:
        "../scripts/write_findings.py"
