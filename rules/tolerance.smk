# Every model against its own original, without any second training; and the answer of the whole study.


rule measure_tolerance:
    input:
        predictions=[
            f"<results>/predictions/{task}/{task}/test/{model}.parquet"
            for task in TASKS
            for model in plan.predicting_models(config, task)
        ],
        errors=[
            f"<results>/errors/{task}/{task}/test/{model}.parquet"
            for task in TASKS
            for model in plan.models_giving(config, "errors", task)
        ],
        tables=expand("<results>/data/{task}/test.parquet", task=TASKS),
        agreement=NEIGHBORS[:1],
        resamples=NEIGHBORS[1:],
    output:
        tolerance=report(
            "<results>/tolerance.csv",
            caption="../report/tables/tolerance.rst",
            category="Scorecard",
        ),
        warnings="<results>/tolerance.warnings.json",
    log:
        "<logs>/measure_tolerance.log",
    benchmark:
        "<benchmarks>/measure_tolerance.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(30),
    params:
        tasks=TASKS,
        kinds=[kind_of(task) for task in TASKS],
        labels=[plan.labels_of(config, task) for task in TASKS],
        predicting=[plan.predicting_models(config, task) for task in TASKS],
        listing=[plan.models_giving(config, "errors", task) for task in TASKS],
        subjects=COMPARED,
        judged=JUDGED,
        reference=config["reference"],
        originals={model: plan.original_of(config, model) for model in COMPARED},
        trainings={
            original: plan.trainings_of(config, original)
            for original in dict.fromkeys(
                plan.original_of(config, model) for model in COMPARED
            )
        },
        reruns=[[f["of"], f["model"]] for f in FLOOR if f["kind"] == "rerun"],
        limits=config["tolerance"],
        neighbors=verdict_rows("representation") if NEIGHBORS else None,
        code=code("measure_tolerance"),
    script:
        "../scripts/measure_tolerance.py"


rule tabulate_tolerance:
    input:
        "<results>/tolerance.csv",
    output:
        csv=report(
            "<results>/tables/tolerance.csv",
            caption="../report/tables/tolerance.rst",
            category="Tables",
        ),
        md="<results>/tables/tolerance.md",
        tex="<results>/tables/tolerance.tex",
    log:
        "<logs>/tabulate_tolerance.log",
    benchmark:
        "<benchmarks>/tabulate_tolerance.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        code=code("tabulate_tolerance"),
    script:
        "../scripts/tabulate_tolerance.py"


rule tabulate_planning:
    input:
        "<results>/scorecard.csv",
    output:
        csv="<results>/tables/planning.csv",
        md="<results>/tables/planning.md",
        tex="<results>/tables/planning.tex",
    log:
        "<logs>/tabulate_planning.log",
    benchmark:
        "<benchmarks>/tabulate_planning.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        code=code("tabulate_planning"),
    script:
        "../scripts/tabulate_planning.py"


rule write_answer:
    input:
        scorecard="<results>/scorecard.csv",
        tolerance="<results>/tolerance.csv",
        warnings="<results>/tolerance.warnings.json",
        agreement=AGREEMENT,
        noise=[path for path in TABLES if os.path.basename(path) == "noise.csv"],
    output:
        md=report(
            "<results>/answer.md", caption="../report/answer.rst", category="Answer"
        ),
        json="<results>/answer.json",
    log:
        "<logs>/write_answer.log",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        study=config["study"],
        reference=config["reference"],
        models=JUDGED,
        trainings=TRAININGS,
        verdict=config["verdict"],
        code=code("write_answer"),
    script:
        "../scripts/write_answer.py"
