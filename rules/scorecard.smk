# The verdict of every model on every characteristic, read from the agreement tables and the resampled values
# of the rows that verdicts depend on.
RESAMPLED = [name for name in config["verdict"] if plan.enabled(config, name)]


rule score_models:
    input:
        agreement=AGREEMENT,
        resamples=[
            f"<results>/agreement/{name}.resamples.parquet" for name in RESAMPLED
        ],
    output:
        report(
            "<results>/scorecard.csv",
            caption="../report/tables/scorecard.rst",
            category="Scorecard",
        ),
    log:
        "<logs>/score_models.log",
    benchmark:
        "<benchmarks>/score_models.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500, resamples=40),
        runtime=minutes(30),
    params:
        models=JUDGED,
        resampled=RESAMPLED,
        reference=config["reference"],
        verdict=config["verdict"],
        floor=FLOOR,
        family=config["statistics"]["family"],
        code=code("score_models"),
    script:
        "../scripts/score_models.py"


rule tabulate_noise:
    input:
        agreement=AGREEMENT,
        resamples=rules.score_models.input.resamples,
    output:
        csv=report(
            "<results>/tables/noise.csv",
            caption="../report/tables/noise.rst",
            category="Tables",
        ),
        md="<results>/tables/noise.md",
        tex="<results>/tables/noise.tex",
    log:
        "<logs>/tabulate_noise.log",
    benchmark:
        "<benchmarks>/tabulate_noise.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500, resamples=40),
        runtime=minutes(30),
    params:
        models=JUDGED,
        resampled=RESAMPLED,
        reference=config["reference"],
        verdict=config["verdict"],
        floor=FLOOR,
        code=code("tabulate_noise"),
    script:
        "../scripts/tabulate_noise.py"


rule tabulate_scorecard:
    input:
        "<results>/scorecard.csv",
    output:
        csv=report(
            "<results>/tables/scorecard.csv",
            caption="../report/tables/scorecard.rst",
            category="Tables",
        ),
        md="<results>/tables/scorecard.md",
        tex="<results>/tables/scorecard.tex",
    log:
        "<logs>/tabulate_scorecard.log",
    benchmark:
        "<benchmarks>/tabulate_scorecard.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        code=code("tabulate_scorecard"),
    script:
        "../scripts/tabulate_scorecard.py"


rule record_study:
    output:
        "<results>/study.yaml",
    log:
        "<logs>/record_study.log",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(300),
        runtime=minutes(10),
    params:
        # A function, because Snakemake would parse the braces of the text as wildcards.
        text=lambda wildcards: write_resolved(resolved.config, resolved.sources),
        code=code("record_study"),
    script:
        "../scripts/record_study.py"


rule record_provenance:
    input:
        AGREEMENT,
        FIGURES,
        TABLES,
        FINDINGS,
        "<results>/scorecard.csv",
        REGISTRY,
    output:
        "<results>/provenance.json",
    log:
        "<logs>/record_provenance.log",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        config=config,
        benchmarks=f"{RESULTS}/benchmarks",
        code=code("record_provenance"),
    script:
        "../scripts/record_provenance.py"
