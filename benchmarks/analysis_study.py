"""A synthetic study of nine models: the files that the rules of agreement read, without a model being run.

Six models of a family, and three trainings of the largest with other seeds. Each has a hidden state that
mixes what all models share of an example with what is its own; embeddings and neighbors follow from it, and
in the same way distances, predictions and attacks. The numbers mean nothing; their sizes are those of SQuAD.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.files import write_npy, write_parquet
from miniature.seeds import generator
from miniature.statistics.halves import ranking_length
from miniature.statistics.thresholds import make_levels, resampled_thresholds

# Hidden sizes from BERT-large down to Tiny-BERT; the reference and three replicates of it come first.
HIDDEN = {
    "large": 1024, "large.seed1": 1024, "large.seed2": 1024, "large.seed3": 1024,
    "base": 768, "medium": 512, "small": 512, "mini": 256, "tiny": 128,
}  # fmt: skip
# Share of its own in each model's state.
OWN = {"large": 0.5, "base": 0.7, "medium": 0.8, "small": 0.9, "mini": 1.0, "tiny": 1.2}
LATENT = 64
KS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
CALIBRATION = 2000
PER_CLUSTER = 10
LABELS = ("negative", "positive")


class Sizes(NamedTuple):
    """How large the study is."""

    examples: int = 12_000
    k_max: int = 1000
    widest: int = 1024


def write_study(folder: Path, sizes: Sizes, seed: int) -> None:
    """Write the files of all models.

    Parameters
    ----------
    folder : Path
        As results/{study} of the workflow.
    sizes : Sizes
    seed : int
    """
    random = generator(seed, "analysis study")
    n = sizes.examples
    tables = {
        "questions/test": make_table(random, n, "q"),
        "questions/calibration": make_table(random, CALIBRATION, "c"),
        "news/test": make_table(random, n, "w"),
        "reviews/test": make_table(random, n, "r"),
    }
    for name, table in tables.items():
        write_parquet(table, folder / "data" / f"{name}.parquet")
    shared = random.normal(size=(n, LATENT))
    difficulty = random.normal(size=n)
    truth = random.integers(0, 2, n)
    distance = {name: random.normal(size=size) for name, size in
                {"test": n, "ood": n, "calibration": CALIBRATION}.items()}  # fmt: skip
    # What a word does to any model's decision: the words of all texts, one after the other.
    words = random.normal(size=int(tables["reviews/test"]["text"].str.count("word").sum()))
    for model in HIDDEN:
        own = OWN[model.split(".")[0]]
        state = (shared + own * random.normal(size=(n, LATENT))).astype(np.float32)
        write_representation(folder, model, state, sizes, random)
        of_model = {name: part + own * random.normal(size=len(part)) for name, part in distance.items()}
        write_distances(folder, model, of_model, tables)
        write_answers(folder, model, difficulty + own * random.normal(size=n), truth, tables, random)
        write_attributions(folder, model, own, words, truth, tables["reviews/test"], random)


def make_table(random: np.random.Generator, n: int, prefix: str) -> pd.DataFrame:
    """Data table with about `PER_CLUSTER` examples a cluster; texts are as short as a length needs."""
    clusters = np.sort(random.integers(0, max(2, n // PER_CLUSTER), n))
    lengths = random.integers(5, 40, n)
    return pd.DataFrame(
        {
            "id": [f"{prefix}{i}" for i in range(n)],
            "cluster": [f"{prefix}p{c}" for c in clusters],
            "text": [" ".join(["word"] * length) for length in lengths],
        }
    )


def write_representation(
    folder: Path, model: str, state: np.ndarray, sizes: Sizes, random: np.random.Generator
) -> None:
    """Embeddings of the model's width, and neighbors found in its state in single precision."""
    hidden = min(HIDDEN[model], sizes.widest)
    embeddings = state @ random.normal(size=(LATENT, hidden)).astype(np.float32)
    embeddings += random.normal(size=embeddings.shape).astype(np.float32)
    place = f"questions/questions/test/{model}"
    write_npy(embeddings, folder / "embeddings" / f"{place}.npy")
    unit = state / np.linalg.norm(state, axis=1, keepdims=True)
    length = ranking_length(sizes.k_max, len(unit))
    neighbors = np.empty((len(unit), length), dtype=np.int32)
    for start in range(0, len(unit), 1000):
        cosine = unit[start : start + 1000] @ unit.T
        rows = np.arange(len(cosine))
        cosine[rows, start + rows] = -np.inf
        nearest = np.argpartition(-cosine, length - 1, axis=1)[:, :length]
        order = np.argsort(-np.take_along_axis(cosine, nearest, axis=1), axis=1)
        neighbors[start : start + 1000] = np.take_along_axis(nearest, order, axis=1)
    write_npy(neighbors, folder / "neighbors" / f"{place}.ranking.npy")
    write_npy(np.ascontiguousarray(neighbors[:, : sizes.k_max]), folder / "neighbors" / f"{place}.npy")
    none = pd.DataFrame({"example": [], "first": [], "last": []}, dtype="int32")
    write_parquet(none, folder / "neighbors" / f"{place}.ties.parquet")


def write_distances(
    folder: Path, model: str, distance: Mapping[str, np.ndarray], tables: Mapping[str, pd.DataFrame]
) -> None:
    """Distances at every K, and what is called out of distribution at the 95th percentile of calibration."""
    shift = np.concatenate([np.zeros(len(distance["test"])), np.ones(len(distance["ood"]))])
    both = np.concatenate([distance["test"], distance["ood"]]) + 1.5 * shift
    ids = [*tables["questions/test"]["id"], *tables["news/test"]["id"]]
    names = ["questions"] * len(distance["test"]) + ["news"] * len(distance["ood"])
    found, behind = [], []
    for k in KS:
        far, near = np.exp(both / 4) + k / 1000, np.exp(distance["calibration"] / 4) + k / 1000
        level = make_levels(near, []).calibration
        whole = np.ones((1, len(near)), dtype=np.float32)
        threshold = np.unique(near)[resampled_thresholds(level, whole, percentile=95)[0]]
        found.append(
            pd.DataFrame(
                {"id": ids, "dataset": names, "k": np.int32(k), "distance": far,
                 "threshold": threshold, "is_ood": far > threshold}
            )
        )  # fmt: skip
        behind.append(
            pd.DataFrame({"id": tables["questions/calibration"]["id"], "k": np.int32(k), "distance": near})
        )
    place = folder / "ood" / "questions" / "news"
    write_parquet(pd.concat(found, ignore_index=True), place / f"{model}.parquet")
    write_parquet(pd.concat(behind, ignore_index=True), place / f"{model}.calibration.parquet")


def write_answers(
    folder: Path,
    model: str,
    difficulty: np.ndarray,
    truth: np.ndarray,
    tables: Mapping[str, pd.DataFrame],
    random: np.random.Generator,
) -> None:
    """Predictions of a classifier that is wrong on the hardest examples, its errors, and an attack on it."""
    ids = tables["reviews/test"]["id"]
    right = 1 / (1 + np.exp(difficulty - 2))  # probability given to the right class
    error = right < 0.5
    label = np.asarray(LABELS)[truth]
    prediction = np.asarray(LABELS)[np.where(error, 1 - truth, truth)]
    of_second = np.where(truth == 1, right, 1 - right)
    predictions = pd.DataFrame({"id": ids, "label": label, "prediction": prediction})
    predictions["probabilities"] = list(np.stack([1 - of_second, of_second], axis=1))
    write_parquet(predictions, folder / "predictions/reviews/reviews/test" / f"{model}.parquet")
    errors = pd.DataFrame({"id": ids, "error": pd.array(error, dtype="boolean")})
    write_parquet(errors, folder / "errors/reviews/reviews/test" / f"{model}.parquet")
    broken = difficulty + random.normal(size=len(ids)) > 0.3
    outcome = np.where(error, "skipped", np.where(broken, "success", "failure"))
    after = np.where(outcome == "success", np.asarray(LABELS)[1 - truth], prediction)
    attack = pd.DataFrame(
        {"id": ids, "label": label, "prediction_before": prediction, "prediction_after": after,
         "outcome": outcome, "original_text": "a text", "perturbed_text": "a text", "words": 2,
         "words_changed": 0, "queries": 10, "message": ""}
    )  # fmt: skip
    write_parquet(attack, folder / "attacks/reviews/synonyms" / f"{model}.parquet")


def write_attributions(
    folder: Path,
    model: str,
    own: float,
    words: np.ndarray,
    truth: np.ndarray,
    table: pd.DataFrame,
    random: np.random.Generator,
) -> None:
    """A score for each word of each text, as one of a model that shares most of it with the others."""
    scores = words + own * random.normal(size=len(words))
    ends = np.cumsum(table["text"].str.count("word"))
    found = pd.DataFrame({"id": table["id"], "target": np.asarray(LABELS)[truth]})
    found["score"] = np.split(scores, ends[:-1])
    write_parquet(found, folder / "attributions/reviews/reviews/test" / f"{model}.parquet")
