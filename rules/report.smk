# One page of everything that the study has, and a card for each of its models.
REPORT = PROJECT / "report"
# Models whose examples are shown side by side, the reference first.
SHOWN = [model for model in ORIGINALS if model in TRAINED]


rule write_report:
    input:
        templates=[
            os.path.relpath(REPORT / name)
            for name in (
                "page.html",
                "study.html",
                "card.html",
                "card.md",
                "style.css",
            )
        ],
        captions=sorted(map(os.path.relpath, REPORT.rglob("*.rst"))),
        answer="<results>/answer.json",
        scorecard="<results>/scorecard.csv",
        tolerance="<results>/tolerance.csv",
        sizes="<results>/tables/table1_models.csv",
        provenance="<results>/provenance.json",
        figures=[file for file in FIGURES if file.endswith(".png")],
        tables=[file for file in TABLES if file.endswith(".md")],
        findings=FINDINGS,
        changes=[f"<results>/tables/changed_{model}.csv" for model in CHANGED],
        attacks=[
            f"<results>/attacks/{task}/{recipe}/{model}.parquet"
            for task, recipe in ATTACKED
            for model in SHOWN
        ],
        attributions=[
            f"<results>/attributions/{task}/{task}/test/{model}.parquet"
            for task in ATTRIBUTED
            for model in SHOWN
        ],
        attributed=[f"<results>/data/{task}/test.parquet" for task in ATTRIBUTED],
    output:
        report=report(
            "<results>/report.html", caption="../report/answer.rst", category="Answer"
        ),
        # Of a thousand models, two thousand files: each of them by name would take a second of every start.
        cards=directory("<results>/cards"),
    log:
        "<logs>/write_report.log",
    benchmark:
        "<benchmarks>/write_report.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500, attributed=20, attributions=10, attacks=10),
        runtime=minutes(15),
    params:
        config=config,
        captions=lambda wildcards, input: os.path.commonpath(input.captions),
        models=JUDGED,
        shown=SHOWN,
        changed=CHANGED,
        attacks=ATTACKED,
        attributions=[[task, kind_of(task)] for task in ATTRIBUTED],
        code=code("write_report"),
    script:
        "../scripts/write_report.py"
