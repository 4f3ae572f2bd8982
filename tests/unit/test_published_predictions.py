"""The studies of published predictions, file by file: the tables that were counted independently come out."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from miniature.config.validate import validate_study
from miniature.data.build import build_split
from miniature.measures.calibration import equal_width_bins, expected_calibration_error
from miniature.measures.sets import set_counts, set_measures
from miniature.predictions.formats import read_recorded
from miniature.predictions.gold import log_reader
from miniature.predictions.match import match_predictions
from miniature.predictions.records import Options
from miniature.retrieval.files import check_digest

REAL = os.environ.get("MINIATURE_REAL_DATA")
pytestmark = pytest.mark.skipif(not REAL, reason="MINIATURE_REAL_DATA names no folder with real files")
CONFIG = Path(__file__).parents[2] / "config"
# Accuracy, answers changed and Jaccard of errors with the original, counted without the project.
CODE = {
    "original": (0.6296, 0, 1.0), "int8": (0.6270, 21, 0.980), "float8": (0.6299, 43, 0.958),
    "int4": (0.6197, 285, 0.756),
    "other-training": (0.6340, 454, 0.632), "pruned-20": (0.6025, 620, 0.544),
    "graphcodebert": (0.6212, 683, 0.500), "pruned-60": (0.5933, 763, 0.471),
    "pruned-40": (0.5842, 782, 0.466), "distilled": (0.6160, 795, 0.443),
    "distilled-3mb": (0.5948, 907, 0.401),
}  # fmt: skip
CHAT = {
    "int8": {"qwen": (0.925, 0.895, 0.888), "llama": (0.904, 0.857, 0.869)},
    "int4": {"qwen": (0.727, 0.723, 0.693), "llama": (0.761, 0.751, 0.752)},
}
CHANGED_BY_INT4 = {"qwen": (111, 186, 100), "llama": (111, 157, 86)}
BENCHMARKS = ("arc", "mmlu", "csqa")


def study(name):
    return yaml.safe_load((CONFIG / name).read_text().replace("${MINIATURE_REAL_DATA}", REAL))


def data(dataset, name):
    return build_split(dataset, "test", name=name, seed=0, read_log=log_reader(name))


def predictions(source, table, dataset, name, model):
    """What `import_predictions` does with one file, after its digest."""
    check_digest(source["local"], source["sha256"], where=model)
    in_order = source.get("order") == "data"
    options = Options(columns=source.get("columns", {}), in_order=in_order)
    labels = dataset.get("labels")
    return match_predictions(
        read_recorded(source["local"], options, where=f"{source['local']}, predictions of model {model}"),
        table, kind=dataset["task"], labels=labels and list(labels), values=labels and list(labels.values()),
        in_order=in_order, model=model, dataset=name,
    )  # fmt: skip


def jaccard(a, b):
    wrong = [~table["correct"].to_numpy(dtype=bool) for table in (a, b)]
    return float(set_measures(set_counts(*wrong)[0])["jaccard"].value)


@pytest.mark.parametrize("name", ["published-code", "llm-quantization", "lm-eval"])
def test_the_studies_are_valid(name):
    files = [CONFIG / f"{name}.yaml"]
    validate_study(yaml.safe_load(files[0].read_text()), files, CONFIG / "schema.yaml")


def test_codebert_and_its_compressed_versions():
    config = study("published-code.yaml")
    dataset = config["datasets"]["devign"]
    table = data(dataset, "devign")
    found = {
        model: predictions(entry["predictions"]["devign"], table, dataset, "devign", model)
        for model, entry in config["models"].items()
    }
    assert set(found) == set(CODE)
    original = found["original"]
    for model, (accuracy, changed, agreement) in CODE.items():
        assert round(found[model]["correct"].mean(), 4) == accuracy
        assert (found[model]["prediction"] != original["prediction"]).sum() == changed
        assert round(jaccard(original, found[model]), 3) == agreement


@pytest.mark.parametrize("chat", ["qwen", "llama"])
def test_chat_models_at_three_precisions(chat):
    config = study("llm-quantization.yaml")
    for i, benchmark in enumerate(BENCHMARKS):
        name = f"{chat}-{benchmark}"
        dataset = config["datasets"][name]
        table = data(dataset, name)
        found = {
            model: predictions(entry["predictions"][name], table, dataset, name, model)
            for model, entry in config["models"].items()
        }
        for model in ("int8", "int4"):
            assert round(jaccard(found["fp16"], found[model]), 3) == CHAT[model][chat][i]
        assert (found["int4"]["prediction"] != found["fp16"]["prediction"]).sum() == CHANGED_BY_INT4[chat][i]
        # The confidences are used as they are published.
        confidence, correct = (
            found["fp16"][name].to_numpy(dtype=float) for name in ("confidence", "correct")
        )
        error = expected_calibration_error(confidence, correct, equal_width_bins(confidence, bins=15))
        edges = np.linspace(0, 1, 16)
        plain = sum(
            abs((correct - confidence)[(confidence > low) & (confidence <= high)].sum())
            for low, high in itertools.pairwise(edges)
        )
        assert error == pytest.approx(plain / len(table), abs=1e-12)
