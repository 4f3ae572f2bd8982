# What a study ends in, and the files that its targets ask for. Only what is switched on is asked for.


def kept_of(characteristic):
    """Files of every model that a target asks for, so that one that went missing or was set aside is built anew.

    Snakemake does not miss a file that only finished jobs have read.
    """
    if not plan.enabled(config, characteristic):
        return []
    pairs = {
        "distribution": plan.ood_pairs(config),
        "vulnerability": plan.attack_pairs(config),
    }.get(
        characteristic, [(task, task) for task in plan.tasks_of(config, characteristic)]
    )
    return [
        path
        for task, other in pairs
        for model in kept_models(characteristic, task, other)
        for path in [
            *KEPT[characteristic](task, other, model),
            *([f"<results>/models/{task}/{model}"] if model in TRAINED else []),
        ]
    ]


def kept_models(characteristic, task, other):
    """Models that take part in a characteristic on a task."""
    if characteristic == "vulnerability":
        return TRAINED
    given = (task, other) if characteristic == "distribution" else (task,)
    return replicates.compared_models(config, characteristic, *given)


def embedding(task, dataset, split, model):
    """File of a model's embeddings."""
    return f"<results>/embeddings/{task}/{dataset}/{split}/{model}.npy"


KEPT = {
    "errors": lambda task, _, model: [
        f"<results>/errors/{task}/{task}/test/{model}.parquet",
        *(
            [f"<results>/predictions/{task}/{task}/test/{model}.parquet"]
            if model in [*plan.predicting_models(config, task), *CONTROL]
            else []
        ),
    ],
    "representation": lambda task, _, model: [
        f"<results>/neighbors/{task}/{task}/test/{model}.npy",
        embedding(task, task, "test", model),
    ],
    "distribution": lambda task, other, model: [
        f"<results>/ood/{task}/{other}/{model}.parquet",
        f"<results>/ood/{task}/{other}/{model}.calibration.parquet",
        *(embedding(task, task, s, model) for s in ("bank", "calibration", "test")),
        embedding(task, other, "test", model),
    ],
    "vulnerability": lambda task, recipe, model: [
        f"<results>/attacks/{task}/{recipe}/{model}.parquet"
    ],
    "calibration": lambda task, _, model: [
        f"<results>/calibration/{task}/{task}/test/{model}.parquet",
        f"<results>/predictions/{task}/{task}/test/{model}.parquet",
    ],
}


def agreement_of(characteristic):
    """Input function of a named target; one that is switched off is told, not made empty."""

    def table(wildcards):
        if not plan.enabled(config, characteristic):
            raise WorkflowError(
                f"'{characteristic}' is switched off in this study.\n"
                f"  fix:   characteristics: {{{characteristic}: {{enabled: true, ...}}}}"
            )
        return f"{RESULTS}/agreement/{characteristic}.csv"

    return table


AGREEMENT = [
    f"<results>/agreement/{name}.csv"
    for name in config["characteristics"]
    if plan.enabled(config, name)
]
PANELS = config.get("figure1", {}).get("panels", {})
PANEL_CHARACTERISTICS = sorted({panel["characteristic"] for panel in PANELS.values()})
# A noise floor from models of other origin, on the task that the verdict on errors rests on.
ORIGINS = plan.origins(config)
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
        "transfer": plan.enabled(config, "vulnerability") and len(TRAINED) > 1,
    }.items()
    if shown
    for suffix in ("png", "svg", "pdf")
]
# What the reference and its control put out, by characteristic with a verdict that the control can be set beside.
CONTROL_FILES = {
    "errors": lambda v: "<results>/errors/{task}/{task}/test/{{}}.parquet".format(**v),
    "representation": lambda v: "<results>/neighbors/{task}/{task}/test/{{}}.npy".format(
        **v
    ),
    "distribution": lambda v: "<results>/ood/{task}/{ood_dataset}/{{}}.parquet".format(
        **v
    ),
    "calibration": lambda v: "<results>/predictions/{task}/{task}/test/{{}}.parquet".format(
        **v
    ),
}
CONTROLLED = [
    name
    for name in config["verdict"]
    if CONTROL and name in CONTROL_FILES and plan.enabled(config, name)
]


def runs_of(model):
    """Files of one of the two runs of the reference's checkpoint, one for each of CONTROLLED."""
    return [
        CONTROL_FILES[name](config["verdict"][name]).format(model)
        for name in CONTROLLED
    ]


TABLES = [
    f"<results>/tables/{name}.{suffix}"
    for name, shown in {
        "table1_models": True,
        "table2_errors": plan.enabled(config, "errors"),
        "table3_attacks": plan.enabled(config, "vulnerability"),
        "scorecard": config["verdict"],
        "control": CONTROLLED,
        "reproduction": True,
        "claims": True,
        "floor": FLOOR_TASK,
    }.items()
    if shown
    for suffix in ("csv", "md", "tex")
]
TRANSFERS = [
    f"<results>/attacks/{task}/{recipe}/transfer.csv"
    for task, recipe in plan.attack_pairs(config)
]
FINDINGS = ["<results>/findings.md"] if FLOOR_TASK else []
