# What every model with weights costs on this machine. Times differ from run to run: nothing but the table of costs and
# its figure depends on them.
COSTS = [(model, task) for task in TASKS for model in ORIGINALS if model in TRAINED]


rule cost_model:
    input:
        model="<results>/models/{task}/{model}",
        table="<results>/data/{task}/test.parquet",
    output:
        "<results>/benchmarks/costs/{task}/{model}.json",
    log:
        "<logs>/cost_model/{task}/{model}.log",
    benchmark:
        "<benchmarks>/cost_model/{task}/{model}.tsv"
    wildcard_constraints:
        model=only(ORIGINALS),
    conda:
        "../envs/torch.yaml"
    # All that there are, so that no other job runs beside it; it computes with those of the study.
    # (`workflow.cores` is an error where none are named, as for a report)
    threads: workflow.resource_settings.cores or THREADS
    resources:
        mem_mb=memory(900, model=4),
        runtime=minutes(60),
        gpu=GPU,
    params:
        kind=lambda wildcards: kind_of(wildcards.task),
        text=lambda wildcards: plan.text_settings(config, wildcards.task),
        costs=config.get("costs", {}),
        device=config["compute"]["device"],
        compute_threads=THREADS,
        code=code("cost_model"),
    script:
        "../scripts/cost_model.py"


rule tabulate_costs:
    input:
        costs=[
            f"<results>/benchmarks/costs/{task}/{model}.json" for model, task in COSTS
        ],
        tolerance="<results>/tolerance.csv",
        scorecard="<results>/scorecard.csv",
    output:
        csv=report(
            "<results>/tables/costs.csv",
            caption="../report/figures/costs.rst",
            category="Tables",
        ),
        md="<results>/tables/costs.md",
        tex="<results>/tables/costs.tex",
        points="<results>/figures/costs.csv",
    log:
        "<logs>/tabulate_costs.log",
    benchmark:
        "<benchmarks>/tabulate_costs.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        pairs=[list(pair) for pair in COSTS],
        reference=config["reference"],
        code=code("tabulate_costs"),
    script:
        "../scripts/tabulate_costs.py"


rule plot_costs:
    input:
        costs="<results>/tables/costs.csv",
        points="<results>/figures/costs.csv",
    output:
        png=report(
            "<results>/figures/costs.png",
            caption="../report/figures/costs.rst",
            category="Figures",
        ),
        svg="<results>/figures/costs.svg",
        pdf="<results>/figures/costs.pdf",
    log:
        "<logs>/plot_costs.log",
    benchmark:
        "<benchmarks>/plot_costs.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        models=ORIGINALS,
        reference=config["reference"],
        code=code("plot_costs"),
    script:
        "../scripts/plot_costs.py"
