# Figures: they read agreement tables only, so restyling one reruns only that figure.


rule plot_figure1:
    input:
        [f"<results>/agreement/{name}.csv" for name in PANEL_CHARACTERISTICS],
    output:
        png=report(
            "<results>/figures/figure1.png",
            caption="../report/figures/figure1.rst",
            category="Figures",
        ),
        svg="<results>/figures/figure1.svg",
        pdf="<results>/figures/figure1.pdf",
        panels=[f"<results>/figures/figure1{name}.csv" for name in PANELS],
    log:
        "<logs>/plot_figure1.log",
    benchmark:
        "<benchmarks>/plot_figure1.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        options=config.get("figure1"),
        models=ORIGINALS,
        reference=config["reference"],
        replicates=replicates.replicates_of(config, config["reference"]),
        code=code("plot_figure1"),
    script:
        "../scripts/plot_figure1.py"


rule plot_scorecard:
    input:
        "<results>/scorecard.csv",
    output:
        png=report(
            "<results>/figures/scorecard.png",
            caption="../report/figures/scorecard.rst",
            category="Scorecard",
        ),
        svg="<results>/figures/scorecard.svg",
        pdf="<results>/figures/scorecard.pdf",
        csv="<results>/figures/scorecard.csv",
    log:
        "<logs>/plot_scorecard.log",
    benchmark:
        "<benchmarks>/plot_scorecard.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(15),
    params:
        reference=config["reference"],
        code=code("plot_scorecard"),
    script:
        "../scripts/plot_scorecard.py"
