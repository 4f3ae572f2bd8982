"""Prediction errors: which examples a model gets wrong, and how far two models get the same ones wrong."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.agreement.comparison import Comparing, Comparison, check_same_examples, concat_comparisons
from miniature.agreement.table import count_clusters, list_pairs
from miniature.characteristics.errors.answers import (
    COLUMNS,
    NOT_MEASURED,
    SoftPair,
    compare_predictions,
    read_predictions,
    soft_measures,
)
from miniature.measures.sets import COUNTS, set_counts, set_measures, set_values
from miniature.messages import StudyError
from miniature.statistics.bootstrap import cluster_index
from miniature.statistics.pairs import (
    PAIR_BLOCK,
    batched,
    chance_of_sets,
    draw_counts,
    keep_resamples,
    make_pair_rows,
    resample_measures,
)


def find_errors(predictions: pd.DataFrame, task: str) -> pd.DataFrame:
    """Which examples a model gets wrong.

    Question answering: the normalized exact match is 0 against every gold answer (for an unanswerable
    question only the empty answer is right). Classification: the prediction is not the label. Multiple
    choice, generation and predictions read from a file: as recorded.

    Parameters
    ----------
    predictions : DataFrame, [examples]
        Columns ``id`` and, for question answering, ``exact``; for classification, ``label`` and
        ``prediction``; ``correct`` in predictions read from a file.
    task : str
        A key of `ERROR_RULES`.

    Returns
    -------
    DataFrame, [examples]
        ``id`` and ``error`` (nullable boolean; null where the gold answer is withheld or there is no
        prediction).

    Raises
    ------
    StudyError
        If a column is missing or there is no such kind of task.

    Examples
    --------
    >>> find_errors(pd.DataFrame({"id": ["q"], "exact": [0.0]}), "question-answering")["error"].tolist()
    [True]
    """
    if task not in ERROR_RULES:
        raise StudyError(
            f"Errors are not defined for the task {task}.",
            where="datasets: ...: task",
            fix=f"task: {'  # or '.join(ERROR_RULES)}",
        )
    needed, rule = ERROR_RULES[task]
    missing = [c for c in ("id", *needed) if c not in predictions]
    if missing:
        raise StudyError(
            f"Predictions for {task} lack the column{'s' * (len(missing) > 1)} {', '.join(missing)}.",
            where="the predictions table",
            fix=f"columns: {', '.join(('id', *needed))}",
        )
    # What a file recorded is the judgment; where it gives an answer too, both were compared when it was read.
    error, known = (_recorded_wrong if "correct" in predictions else rule)(predictions)
    values = pd.array(np.where(known, error, False).astype(bool), dtype="boolean")
    values[~known] = pd.NA
    return pd.DataFrame({"id": predictions["id"].astype("str").to_numpy(), "error": values})


def _no_exact_match(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    exact = predictions["exact"].to_numpy(dtype=np.float64, na_value=np.nan)
    return exact == 0, ~np.isnan(exact)


def _wrong_label(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    label, prediction = (predictions[c].to_numpy(dtype=object) for c in ("label", "prediction"))
    return label != prediction, ~(pd.isna(label) | pd.isna(prediction))


def _recorded_wrong(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    correct = predictions["correct"].astype("boolean")
    return ~correct.fillna(True).to_numpy(dtype=bool), ~correct.isna().to_numpy(dtype=bool)


ErrorRule = Callable[[pd.DataFrame], tuple[np.ndarray, np.ndarray]]
ERROR_RULES: dict[str, tuple[tuple[str, ...], ErrorRule]] = {
    "question-answering": (("exact",), _no_exact_match),
    "classification": (("label", "prediction"), _wrong_label),
    "multiple-choice": (("correct",), _recorded_wrong),
    "generation": (("correct",), _recorded_wrong),
}


def compare_errors(
    errors: Mapping[str, pd.DataFrame],
    comparing: Comparing,
    clusters: np.ndarray,
    *,
    predictions: Mapping[str, pd.DataFrame] | None = None,
    labels: Sequence[str] | None = None,
    kind: str | None = None,
) -> Comparison:
    """Agreement of every pair of models on which examples they get wrong, and on what they say.

    Examples whose error is unknown for either model are left out of that pair; ``n`` says how many remain.
    Intervals resample whole clusters of examples, the trainings held fixed; the chance and the ceiling that a
    corrected measure is made from are recomputed in each resample.

    Parameters
    ----------
    errors : mapping of str to DataFrame, each [examples]
        For each model, in the study's order, ``id`` and ``error``, as `find_errors` returns them. Models
        without are absent.
    comparing : Comparing
        Labels of the rows, reference, resampling and verdict.
    clusters : array_like of str, shape [examples]
        Cluster of each example of the data table.
    predictions : mapping of str to DataFrame, optional
        Predictions tables of the models that have them; without, only errors are compared.
    labels : sequence of str, optional
        Class names in class order; absent for question answering and where choices differ by example.
    kind : str, optional
        Kind of task; without, classification where there are `labels`, else question answering.

    Returns
    -------
    Comparison
        Agreement rows: for each pair ``jaccard``, ``jaccard_corrected``, ``kappa``, ``kappa_corrected``,
        ``accuracy_difference``, ``negative_flips`` and ``positive_flips``, with chance (independent errors at
        the same rates) and ceiling (the best value that the two error counts allow). Without any error of
        either model the Jaccard index is empty; with one cluster there is no interval. Then what
        `miniature.characteristics.errors.answers.compare_predictions` measures, empty where either model's
        predictions are not known.

    Raises
    ------
    StudyError
        If the models' tables list different examples, or as `read_predictions`.
    """
    n = check_same_examples(errors, clusters, what="error lists")
    known = {m: ~t["error"].isna().to_numpy(dtype=bool) for m, t in errors.items()}
    wrong = {m: t["error"].astype("boolean").fillna(False).to_numpy(dtype=bool) for m, t in errors.items()}
    index, n_clusters = cluster_index(clusters)
    counts = draw_counts(n_clusters, comparing.resampling)
    check_same_examples(predictions or {}, clusters, what="predictions")
    said = read_predictions(predictions or {}, labels, kind)
    unknown = SoftPair(
        [] if predictions is None else NOT_MEASURED, np.zeros((n_clusters, COLUMNS)), np.zeros(n, dtype=bool)
    )
    names = comparing.labels("errors")
    blocks = []
    # What is known of each cluster, of as many pairs as are resampled at once: it would not fit into memory
    # for all pairs of hundreds of models.
    for pairs in batched(list_pairs(errors, comparing.reference), PAIR_BLOCK):
        used = [known[a] & known[b] if n else np.zeros(0, dtype=bool) for a, b in pairs]
        sums = [
            set_counts(wrong[a][rows], wrong[b][rows], index[rows], n_clusters)
            for (a, b), rows in zip(pairs, used, strict=True)
        ]
        soft = [
            compare_predictions(
                said[a], said[b], index=index, clusters=n_clusters, seed=comparing.resampling.seed
            )
            if a in said and b in said
            else unknown
            for a, b in pairs
        ]
        resampled = resample_measures(np.reshape(sums, (len(pairs), n_clusters, COUNTS)), counts, set_values)
        soft_sums = np.reshape([pair.sums for pair in soft], (len(pairs), n_clusters, COLUMNS))
        soft_again = resample_measures(soft_sums, counts, soft_measures)
        found = []
        for i, ((a, b), again, more) in enumerate(zip(pairs, resampled, soft_again, strict=True)):
            both = wrong[a][used[i]], wrong[b][used[i]]
            for rows, values, where in (
                (error_measures(*both), again, used[i]),
                (soft[i].rows, more, soft[i].used),
            ):
                pair = {"model_a": a, "model_b": b, **names}
                size = {"n": int(where.sum()), "n_clusters": count_clusters(clusters, where)}
                table = make_pair_rows(rows, values, **pair, **size)
                chance = {name: by_chance for name, _, by_chance, _ in rows}
                chosen = (comparing.verdict or {}).get("measure")
                if chosen in values and values is again:
                    chance[chosen] = chance_of_sets(sums[i], counts, chosen)
                kept = keep_resamples(values, comparing.verdict, chance=chance, **pair)
                found.append(Comparison(table, kept))
        blocks.append(concat_comparisons(found))
    return concat_comparisons(blocks)


def error_measures(a: np.ndarray, b: np.ndarray) -> list[tuple[str, float, float, float]]:
    """All measures of agreement of two error sets."""
    return [(name, *map(float, found)) for name, found in set_measures(set_counts(a, b)[0]).items()]
