# Comparison with the paper: its published numbers, its claims, and one page with both.


rule tabulate_reproduction:
    input:
        published=os.path.relpath(PUBLISHED),
        errors=(
            "<results>/tables/table2_errors.csv"
            if plan.enabled(config, "errors")
            else []
        ),
    output:
        csv=report(
            "<results>/tables/reproduction.csv",
            caption="../report/tables/reproduction.rst",
            category="Reproduction",
        ),
        md="<results>/tables/reproduction.md",
        tex="<results>/tables/reproduction.tex",
    log:
        "<logs>/tabulate_reproduction.log",
    benchmark:
        "<benchmarks>/tabulate_reproduction.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        models=model_sources(),
        task=paper_task(),
        code=code("tabulate_reproduction"),
    script:
        "../scripts/tabulate_reproduction.py"


rule tabulate_claims:
    input:
        scorecard="<results>/scorecard.csv",
        agreement=AGREEMENT,
        resamples=[
            f"<results>/agreement/{name}.resamples.parquet" for name in RESAMPLED
        ],
        attacks=verdict_attacks(),
        # The clusters of the attacked examples.
        table=(
            f"<results>/data/{config['verdict']['vulnerability']['task']}/test.parquet"
            if verdict_attacks()
            else []
        ),
    output:
        csv=report(
            "<results>/tables/claims.csv",
            caption="../report/tables/claims.rst",
            category="Reproduction",
        ),
        md="<results>/tables/claims.md",
        tex="<results>/tables/claims.tex",
    log:
        "<logs>/tabulate_claims.log",
    benchmark:
        "<benchmarks>/tabulate_claims.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500, resamples=40),
        runtime=minutes(15),
    params:
        compressed=compressed_models(),
        floor=FLOOR,
        reference=config["reference"],
        resampled=RESAMPLED,
        verdict=config["verdict"],
        study=config["study"],
        command=study_command(),
        code=code("tabulate_claims"),
    script:
        "../scripts/tabulate_claims.py"
