# Helpers for the rules: the library on the path, the validated study, and functions from a study to paths.
import atexit
import gc
import os
import re
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(PROJECT / "scripts"))

from miniature.job.code_cache import code_versions
from miniature.job.contents import ContentDigests
from miniature.job.machine import python_without_blanks, put_first_on_path
from miniature.job.failure import first_failure
from miniature import names
from miniature.characteristics.declared import DECLARED
from miniature.config import plan, replicates
from miniature.retrieval import references as sources
from miniature.config.resolve import write_resolved
from miniature.config.validate import resolve_and_check
from miniature.messages import StudyError
from miniature.models import entry as model_entry
from miniature.models.derived import derived_by_training, sees_training_data

put_first_on_path(PROJECT / "scripts")

# The plan of a thousand models is a million objects that stay: looking for garbage among them at Python's usual
# pace takes a sixth of its time.
gc.set_threshold(200_000, 20, 20)

try:
    sys.executable = python_without_blanks(sys.executable, os.getcwd())
    resolved = resolve_and_check(
        config,
        files=workflow.overwrite_configfiles or [PROJECT / "config.yaml"],
    )
except StudyError as error:
    # No traceback for an error in a study: the message says what, where, and the line to paste.
    print(error, file=sys.stderr)
    sys.exit(1)

# From here on an additional training is a model like any other.
config = replicates.expand_replicates(resolved.config)

RESULTS = f"results/{config['study']}"
MODELS = plan.model_names(config)
TRAINED = plan.trained_models(config)
FINETUNED = plan.finetuned_models(config)
AS_IS = plan.as_is_models(config)
DERIVED = plan.derived_models(config)
# Without additional trainings, for what shows models rather than trainings; and the reference's checkpoint
# run again.
ORIGINALS = replicates.original_models(config)
CONTROL = [name for name in [replicates.control_model(config)] if name]
TASKS = plan.all_tasks(config)
THREADS = config["compute"]["threads"]
# Settings of intervals over examples: see miniature.agreement.comparison.Resampling.
RESAMPLING = {
    **{key: value for key, value in config["statistics"].items() if key != "family"},
    "seed": config["seed"],
}
# Other realizations of the reference and of other models, by kind; the reference's other trainings; what is compared.
FLOOR = plan.floor_models(config)
TRAININGS = plan.trainings_of(config, config["reference"])
COMPARED = plan.subject_models(config)
JUDGED = plan.judged_models(config)
GPU = 1 if config["compute"]["device"] == "cuda" else 0


wildcard_constraints:
    characteristic="|".join(DECLARED),
    task=names.NAME,
    dataset=names.NAME,
    model=names.MODEL,
    recipe=names.NAME,
    masked_lm=names.NAME,
    ood_dataset=names.NAME,
    split="train|bank|calibration|test",


_versions = code_versions(
    PROJECT / "scripts", Path(".snakemake") / "code-versions.json"
)


def code(rule_name):
    """Version of the library code that a rule's script can reach."""
    return _versions[rule_name]


_digests = ContentDigests(Path(".snakemake") / "content-digests.json")
# Once for all: thousands of files are digested one by one.
atexit.register(_digests.keep)


def content(files):
    """Parameter function: digests of the user's own files among those that an input function names.

    What a rule makes has its time from the run that made it; what the Hub brings is pinned. It does not take
    the input itself, since Snakemake does not compare parameters that do.
    """

    def digests(wildcards):
        made = (f"{RESULTS}/", "resources/retrieved/", "<")
        found = files(wildcards)
        named = [found] if isinstance(found, str) else found
        return _digests.of(file for file in named if not str(file).startswith(made))

    return digests


def kind_of(dataset):
    """question-answering or classification."""
    return config["datasets"][dataset]["task"]


def checkpoint_sources(entry):
    """Files that a model entry starts from; a model that is trained from scratch has its vocabulary."""
    return model_entry.source_files(entry) or ["<results>/vocabulary"]


def retrieved_model(entry):
    """Folder of a Hub model at its revision."""
    return model_entry.model_spec(entry)["path"]


def retrieved_dataset(entry):
    """Folder of a Hub dataset at its revision."""
    configuration = entry.get("config_name", "default")
    return f"resources/retrieved/datasets/{names.hub_folder(entry['hub'])}/{configuration}/{entry['revision']}"


def checkpoint(wildcards):
    """Folder of the checkpoint that a model is run from; a control has that of its model."""
    model = names.control_of(wildcards.model) or wildcards.model
    return f"<results>/models/{wildcards.task}/{model}"


def teacher_folder(wildcards):
    """Checkpoint of a model's teacher on the same task, where it has one."""
    teacher = config["models"][wildcards.model].get("teacher")
    return [f"<results>/models/{wildcards.task}/{teacher}"] if teacher else []


def derived(wildcards):
    """How a model is made from another."""
    return config["models"][wildcards.model]["derive"]


def split_files(wildcards):
    """Files a split is read from; train, bank and held-out splits are cut from the same source."""
    dataset = config["datasets"][wildcards.dataset]
    if dataset["format"] == "hub":
        return [retrieved_dataset(dataset)]
    splits = split_blocks(wildcards)
    return sorted({block["path"] for block in splits.values() if "path" in block})


def read_from(block):
    """A split entry with the file that its source stands for here, and the digest it must have."""
    if "source" not in block:
        return block
    source = block["source"]
    kept = {k: v for k, v in block.items() if k != "source"}
    return {
        **kept,
        "path": sources.source_file(source),
        "sha256": sources.source_digest(source),
    }


def split_blocks(wildcards):
    """The split entries that decide the rows of one split."""
    splits = {
        name: read_from(block)
        for name, block in config["datasets"][wildcards.dataset]["splits"].items()
    }
    block = splits.get(wildcards.split, {})
    if wildcards.split in ("train", "bank") or "held_out_from" in block:
        return {
            name: b
            for name, b in splits.items()
            if name == "train" or "held_out_from" in b
        }
    return {wildcards.split: block}


def dataset_settings(wildcards):
    """A dataset entry with the splits that matter and the Hub's folder in place of its id."""
    dataset = config["datasets"][wildcards.dataset]
    settings = {
        k: v for k, v in dataset.items() if k not in ("splits", "hub", "revision")
    }
    if "hub" in dataset:
        settings["path"] = retrieved_dataset(dataset)
    return {**settings, "splits": split_blocks(wildcards)}


def megabytes_of(path):
    """Megabytes of a file, or of all files in a folder."""
    path = Path(path)
    files = path.rglob("*") if path.is_dir() else [path]
    # A missing file is an error that Snakemake interprets as "to be determined".
    return sum(file.stat().st_size for file in files) / 1e6


# Megabytes of the two Snakemakes that start a job on a node, and of torch's kernels and the driver on a GPU.
STARTING, ON_GPU = 300, 3000


def memory(base, **times):
    """Resource function: megabytes of a job, from a base and so many times the size of each input named.

    The base is a number or a function of the wildcards.
    The bases rest on the max_rss in results/embedded/benchmarks. All of it once more with each attempt.
    """

    def needed(wildcards, input, attempt):
        sizes = {
            name: sum(map(megabytes_of, input_files(input, name))) for name in times
        }
        grows = sum(times[name] * sizes[name] for name in times)
        own = base(wildcards) if callable(base) else base
        return attempt * round(own + STARTING + ON_GPU * GPU + grows)

    return needed


def minutes(limit):
    """Resource function: minutes of a job, as many once more with each attempt.

    For the paper's models on one GPU, several times those of docs/cost-paper.md.
    """
    return lambda wildcards, attempt: attempt * limit


def input_files(files, name):
    """Files of one named input, as a list."""
    found = files.get(name, [])
    return [found] if isinstance(found, str) else found


def only(models):
    """Pattern of a model wildcard that stands for these models, or for none."""
    return "|".join(map(re.escape, models)) or r"(?!)"


def artifact(kind, wildcards):
    """Source of a model's outputs: predictions, errors or embeddings."""
    given = config["models"][wildcards.model][kind].get(wildcards.dataset, {})
    return given.get(wildcards.split) if kind == "embeddings" else given


def artifact_file(kind):
    """Input function: the file of an artifact."""
    return lambda wildcards: sources.source_file(artifact(kind, wildcards))


def prediction_source(wildcards):
    """Where a model's predictions lie, and what the study says of how they are read."""
    source = artifact("predictions", wildcards)
    said = ("format", "columns", "labels", "benchmark", "filter", "metric", "order")
    return {
        "path": sources.source_file(source),
        **{key: source[key] for key in said if key in source},
    }


def reference_predictions(wildcards):
    """Predictions of the reference, whose prompts must be those of every other model; none for itself."""
    reference, dataset = config["reference"], wildcards.dataset
    if wildcards.model == reference:
        return []
    if dataset not in config["models"][reference].get("predictions", {}):
        return []
    return f"<results>/predictions/{wildcards.task}/{dataset}/test/{reference}.parquet"


def artifact_digest(kind):
    """Parameter function: the digest that the file must have."""
    return lambda wildcards: sources.source_digest(artifact(kind, wildcards))


def table_of_split(wildcards):
    """Data table whose rows embeddings must have; none where a split is given as embeddings only."""
    splits = config["datasets"][wildcards.dataset]["splits"]
    cut_from = "train" if wildcards.split == "bank" else wildcards.split
    if cut_from not in splits:
        return []
    return f"<results>/data/{wildcards.dataset}/{wildcards.split}.parquet"


def calibration_tables(tasks):
    """Data tables of the calibration splits of tasks; none where a split is given as embeddings only."""
    return [
        f"<results>/data/{task}/calibration.parquet"
        for task in tasks
        if "calibration" in config["datasets"][task]["splits"]
    ]


def hub_models():
    """Every Hub model that the study names."""
    sections = ("models", "masked_lms", "sentence_encoders")
    entries = [entry for name in sections for entry in config.get(name, {}).values()]
    return sorted({retrieved_model(entry) for entry in entries if "hub" in entry})


def hub_datasets():
    """Every Hub dataset that the study names."""
    return sorted(
        {
            retrieved_dataset(entry)
            for entry in config["datasets"].values()
            if "hub" in entry
        }
    )


# The retrieved files of this study are listed with their licenses; a study without Hub entries has no list.
REGISTRY = (
    ["resources/retrieved/registry.json"]
    if hub_models() or hub_datasets() or sources.pinned_sources(config)
    else []
)


def paper_task():
    """Task that the paper's figures are about: that of the verdict on errors, or the first one measured."""
    tasks = plan.tasks_of(config, "errors")
    return config["verdict"].get("errors", {}).get("task", tasks[0] if tasks else "")


def model_sources():
    """Where each model comes from, which says whether a published figure is about it."""
    keys = (*model_entry.SOURCES, "layers")
    return {
        name: {key: entry[key] for key in keys if key in entry}
        for name, entry in config["models"].items()
    }


def compressed_models():
    """Models that the paper's claims are about.

    Not the reference, no second training of any model, and none that others made, where the study names origins.
    """
    own = config["models"][config["reference"]].get("origin")
    return [
        model for model in JUDGED if config["models"][model].get("origin", own) == own
    ]


def attack_inputs(wildcards):
    """What an attack needs besides victim and texts: only what its recipe names."""
    recipe = plan.attack_recipe(config, wildcards.recipe)
    files = {}
    if "masked_lm" in recipe:
        files["masked_lm"] = f"{RESULTS}/masked_lms/{recipe['masked_lm']}"
    if recipe.get("sentence_encoder"):
        entry = config["sentence_encoders"][recipe["sentence_encoder"]["model"]]
        files["sentence_encoder"] = checkpoint_sources(entry)
    if recipe.get("word_vectors"):
        files["word_vectors"] = recipe["word_vectors"]
    if recipe.get("pos_tagger"):
        files["pos_tagger"] = sorted(
            map(str, Path(recipe["pos_tagger"]).glob("*.json"))
        )
    return files


def sentence_encoder_folder(wildcards):
    """Folder of a recipe's sentence encoder; None where it has none."""
    named = plan.attack_recipe(config, wildcards.recipe).get("sentence_encoder")
    if not named:
        return None
    entry = config["sentence_encoders"][named["model"]]
    return retrieved_model(entry) if "hub" in entry else entry["path"]


def verdict_rows(characteristic):
    """What says which rows a verdict rests on; its bar is for the scorecard alone."""
    block = config["verdict"].get(characteristic)
    return block and {
        key: value for key, value in block.items() if key not in ("keep", "margin")
    }


def models_of(characteristic):
    """Parameter function: models that are compared, given the job's wildcards."""
    return lambda wildcards: replicates.compared_models(
        config, characteristic, *wildcards
    )


def of_models(characteristic, file):
    """Input function: a file of each of `models_of`."""
    models = models_of(characteristic)
    return lambda wildcards: [
        file.format(**dict(wildcards.items()), model=model)
        for model in models(wildcards)
    ]


def comparing(characteristic):
    """Parameter function: what all rows of a comparison share; a verdict on another task is none of its business."""
    shared = {
        "reference": config["reference"],
        "resampling": RESAMPLING,
        "trainings": TRAININGS,
    }
    if "embeddings" in DECLARED[characteristic].artifacts:
        shared["feature"] = config.get("inference", {}).get("feature", "")
    verdict = verdict_rows(characteristic)

    def settings(wildcards):
        here = verdict and verdict["task"] == wildcards.task
        return {**shared, "verdict": verdict if here else None}

    return settings


def parts_of(characteristic, suffix):
    """Agreement tables of one task each, or what lies beside them."""
    return [
        f"<results>/agreement/{characteristic}/{'/'.join(wildcards.values())}.{suffix}"
        for wildcards in plan.wildcards_of(config, characteristic)
    ]


def verdict_attacks():
    """Attack tables of every model under the recipe that the verdict on vulnerability rests on."""
    chosen = config["verdict"].get("vulnerability")
    if chosen is None or not plan.enabled(config, "vulnerability"):
        return []
    return [
        f"<results>/attacks/{chosen['task']}/{chosen['recipe']}/{model}.parquet"
        for model in TRAINED
    ]


def study_command():
    """What a reader types in the folder of the results to run this study, before a target."""
    files = [os.path.relpath(file) for file in workflow.overwrite_configfiles]
    return " ".join(
        ["snakemake --cores 8", *(["--configfile", *files] if files else []), "--"]
    )
