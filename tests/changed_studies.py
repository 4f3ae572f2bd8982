"""Studies for tests: the smallest with something changed in it, and those of models trained elsewhere."""

import json
import struct
from pathlib import Path

import yaml

from miniature.config.validate import validate_study

REMOVED = object()
ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "config" / "schema.yaml"
TINY = ROOT / "tests" / "config" / "tiny.yaml"


def validate(text, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return validate_study(yaml.safe_load(text), [path], SCHEMA)


def changed(*edits):
    config = yaml.safe_load(TINY.read_text())
    for place, value in edits:
        node = config
        *parents, last = place
        for key in parents:
            node = node[key]
        if value is REMOVED:
            del node[last]
        else:
            node[last] = value
    return yaml.safe_dump(config, sort_keys=False)


def untrained_study(name, models, datasets, characteristics, *, verdict, **more):
    """A study of models that are not trained in it; the first is the reference.

    A characteristic that is not named is off.
    """
    every = ("errors", "representation", "distribution", "vulnerability", "calibration")
    return {
        "study": name,
        "seed": 0,
        "compute": {"device": "cpu", "threads": 1},
        "reference": next(iter(models)),
        "models": models,
        "datasets": datasets,
        "characteristics": {
            key: {"enabled": True, **characteristics[key]} if key in characteristics else {"enabled": False}
            for key in every
        },
        "statistics": {"resamples": 200, "blocks": 5, "rsa_examples": 20},
        "verdict": verdict,
        **more,
    }


def question_dataset(file):
    """A dataset of questions whose only split is the test split, in a SQuAD file."""
    return {
        "task": "question-answering",
        "format": "squad",
        "splits": {"test": {"path": str(file), "examples": "all"}},
    }


def write_encoder(folder, **more):
    """As much of a model folder as is looked at before it is loaded: a configuration, no tensors."""
    folder.mkdir()
    config = {"model_type": "bert", "num_hidden_layers": 6, "max_position_embeddings": 512, **more}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    (folder / "tokenizer.json").write_text("{}")
    return folder
