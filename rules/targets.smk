# The final results of a study, and the files of its targets. Only enabled parts are requested.


def model_files(characteristic):
    """Files of every model that a target asks for, so that one that went missing or was set aside is built anew.

    Snakemake does not miss a file that only finished jobs have read.
    """
    files = []
    for wildcards in plan.wildcards_of(config, characteristic):
        task = wildcards["task"]
        predicting = {*plan.predicting_models(config, task), *CONTROL}
        for model in replicates.compared_models(
            config, characteristic, *wildcards.values()
        ):
            files += [
                f"<results>/{file.format(**wildcards, model=model)}"
                for file in DECLARED[characteristic].files
                if model in predicting or not file.startswith("predictions/")
            ]
            if model in TRAINED:
                files.append(f"<results>/models/{task}/{model}")
    return files


def target_of(characteristic):
    """Input of a named target; one that is switched off is told, not made empty."""

    def agreement(wildcards):
        if not plan.enabled(config, characteristic):
            raise WorkflowError(
                f"'{characteristic}' is switched off in this study.\n"
                f"  fix:   characteristics: {{{characteristic}: {{enabled: true, ...}}}}"
            )
        return f"{RESULTS}/agreement/{characteristic}.csv"

    return [agreement, *model_files(characteristic), *summaries_of(characteristic)]


def summaries_of(characteristic):
    """Files of all models together that a characteristic ends in."""
    return [
        f"<results>/{file.format(**wildcards)}"
        for file in DECLARED[characteristic].summaries
        for wildcards in plan.wildcards_of(config, characteristic)
    ]


def finished_report(wildcards):
    """The study's report, made after all else; Snakemake's own is refused while it is not there."""
    page = f"{RESULTS}/report.html"
    asked = [word.partition("=")[0] for word in sys.argv]
    if "--report" in asked and not Path(page).is_file():
        run = study_command()
        told = StudyError(
            "The study is not finished.",
            where=f"{page} is not there yet",
            fix=f"{run.removesuffix(' --')}   # then --report once more\n"
            f"  or:    {run.replace('--cores 8', '--report part.html')} errors   # what is finished of it alone",
        )
        print(told, file=sys.stderr)
        sys.exit(1)
    return page


MEASURED = list(plan.measured(config))
AGREEMENT = [f"<results>/agreement/{name}.csv" for name in MEASURED]
PANELS = config.get("figure1", {}).get("panels", {})
PANEL_CHARACTERISTICS = sorted({panel["characteristic"] for panel in PANELS.values()})
# Agreement of neighbors that the tolerance shows beside its own measures.
NEIGHBORS = (
    [
        "<results>/agreement/representation.csv",
        "<results>/agreement/representation.resamples.parquet",
    ]
    if plan.enabled(config, "representation")
    and config["verdict"].get("representation", {}).get("measure") == "jaccard"
    else []
)
ANSWER = ["<results>/answer.md", "<results>/answer.json"]
# A noise floor from independently trained models, on the task of the verdict on errors.
# One's own other seeds are on the scorecard; models of other groups have a page of their own.
ORIGINS = plan.origins(config) if any(row["kind"] == "origin" for row in FLOOR) else {}
FLOOR_TASK = (
    config["verdict"]["errors"]["task"]
    if ORIGINS and plan.enabled(config, "errors") and "errors" in config["verdict"]
    else None
)
FLOOR_MODELS = plan.models_with(config, "errors", FLOOR_TASK) if FLOOR_TASK else []
FIGURES = [
    f"<results>/figures/{name}.{suffix}"
    for name, shown in {
        "figure1": PANELS,
        "scorecard": config["verdict"],
        "floor": FLOOR_TASK,
        "costs": "costs" in config,
        **{name: True for one in MEASURED for name in DECLARED[one].figures},
    }.items()
    if shown
    for suffix in ("png", "svg", "pdf")
]
# Characteristics whose verdict the control can check.
CONTROLLED = [
    name
    for name in config["verdict"]
    if CONTROL and name in MEASURED and DECLARED[name].control
]


def predicting(wildcards):
    """Models whose predictions are compared, the control among them."""
    return [*plan.predicting_models(config, wildcards.task), *CONTROL]


def runs_of(model):
    """Files of one of the two runs of the reference's checkpoint, one for each of CONTROLLED."""
    return [
        f"<results>/{DECLARED[name].control.file.format(**config['verdict'][name], model=model)}"
        for name in CONTROLLED
    ]


# The paper's claims and figures stand beside a study that names its models.
PUBLISHED = PROJECT / "resources/published-figures.yaml"
PAPERS_MODELS = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))["models"]
PAPER = len({*PAPERS_MODELS} & {*config["models"]}) > 1
TABLES = [
    f"<results>/tables/{name}.{suffix}"
    for name, shown in {
        "table1_models": True,
        **{name: True for one in MEASURED for name in DECLARED[one].tables},
        "scorecard": config["verdict"],
        "planning": config["verdict"],
        "noise": config["verdict"] and {f["model"] for f in FLOOR} - {*TRAININGS},
        "tolerance": True,
        "control": CONTROLLED,
        "reproduction": PAPER,
        "claims": PAPER,
        "floor": FLOOR_TASK,
        "costs": "costs" in config,
    }.items()
    if shown
    for suffix in ("csv", "md", "tex")
]


# Models whose predictions are known, by task.
PREDICTING = {
    task: {*plan.predicting_models(config, task)}
    for task in plan.tasks_of(config, "errors")
}


def changed_tasks(model):
    """Tasks on which the decisions of a model can be set beside those of the reference."""
    both = {model, config["reference"]}
    return [task for task, known in PREDICTING.items() if both <= known]


# Models whose changed decisions are listed: the compared ones, not the trainings of the floor.
CHANGED = [model for model in COMPARED if changed_tasks(model)]
CHANGES = [
    f"<results>/tables/changed_{model}.{suffix}"
    for model in CHANGED
    for suffix in ("csv", "md")
]
FINDINGS = ["<results>/findings.md"] if FLOOR_TASK else []


# Of two models at 2,000 resamples, beside what both models' own files take: docs/limits.md.
PAIR_MEGABYTES, PAIR_SECONDS, MOST_MODELS = 0.32, 0.02, 200


def compared_pairs(task):
    """Number of pairs of models whose errors are compared."""
    models = len(plan.models_with(config, "errors", task))
    return models * (models - 1) // 2


def megabytes_of_pairs(wildcards):
    """Megabytes for the resampled agreement of all pairs."""
    share = RESAMPLING["resamples"] / 2000
    return max(2000, 600 + PAIR_MEGABYTES * share * compared_pairs(wildcards.task))


# A study that will not fit is told so before anything runs.
for task in plan.tasks_of(config, "errors"):
    pairs = compared_pairs(task)
    if workflow.is_main_process and pairs > MOST_MODELS * (MOST_MODELS - 1) // 2:
        print(
            f"Note: {pairs:,} pairs of models are compared on {task}; at 2,000 resamples that takes about "
            f"{PAIR_MEGABYTES * pairs / 1000:.0f} GB and {PAIR_SECONDS * pairs / 3600:.1f} hours. Up to "
            f"{MOST_MODELS} models stay within 8 GB. A verdict does not depend on the other models: divide them "
            "among several studies with the same reference.",
            file=sys.stderr,
        )
