"""Which examples one model calls out of distribution."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from miniature.characteristics.embeddings import block_rows, unit_rows
from miniature.characteristics.nearest import PRODUCT_ROUNDING, nearest_candidates
from miniature.messages import StudyError

# Squared distances below this are the rounding of a cosine, not a distance; their root would look like 1e-8.
SAME_DIRECTION = 1e-13
# Decimals kept, so that two rows at one distance compare as equal whatever their place in the matrix product.
DISTANCE_DECIMALS = 10


def kth_distances(queries: np.ndarray, bank: np.ndarray, ks: Sequence[int], *, what: str) -> np.ndarray:
    """Euclidean distance of each query to its K-th nearest bank row, both divided by their length."""
    queries, bank = unit_rows(queries, what=what), unit_rows(bank, what="bank embeddings")
    if queries.shape[1] != bank.shape[1]:
        raise ValueError(f"Queries have {queries.shape[1]} dimensions, the bank has {bank.shape[1]}.")
    if not ks or min(ks) < 1 or max(ks) > len(bank):
        raise ValueError(f"K runs from 1 to {len(bank)}, the size of the bank; asked for: {list(ks)}.")
    # Unit or zero, so the squared length is exactly 1 or 0.
    square = (bank != 0).any(axis=1).astype(np.float64)
    own = (queries != 0).any(axis=1).astype(np.float64)[:, None]
    positions, most = np.asarray(ks) - 1, max(ks)
    distances = np.empty((len(queries), len(ks)))
    open_rows = [np.zeros(0, dtype=np.int64)]
    for found in nearest_candidates(queries, bank, most, bonus=-square / 2):
        score = -np.sort(-found.score, axis=1)
        distances[found.queries] = _roots(own[found.queries] - 2 * score[:, positions])
        # The farthest neighbor asked for has to be as near as anything left out, and no distance may lie so
        # that another way to add up its products would round it to another decimal.
        missed = score[:, most - 1] < found.limit
        open_rows.append(found.queries.start + np.flatnonzero(missed | _unsure(distances[found.queries])))
    remaining = np.concatenate(open_rows)
    block = block_rows(len(bank))
    for start in range(0, len(remaining), block):
        rows = remaining[start : start + block]
        squared = square - 2 * (queries[rows] @ bank.T)  # [rows, bank]; the query's own length is added below
        squared.partition(np.unique(positions), axis=1)
        distances[rows] = _roots(squared[:, positions] + own[rows])
    return np.round(distances, DISTANCE_DECIMALS)


def _roots(squared: np.ndarray) -> np.ndarray:
    return np.sqrt(np.where(squared < SAME_DIRECTION, 0, squared))


def _unsure(distances: np.ndarray) -> np.ndarray:
    """Whether rounding a row's distances hangs on the rounding of the products behind them."""
    scaled = distances * 10**DISTANCE_DECIMALS
    moved = 10**DISTANCE_DECIMALS * PRODUCT_ROUNDING / np.where(distances > 0, distances, 1)
    return ((distances > 0) & (np.abs(scaled - np.floor(scaled) - 0.5) < moved)).any(axis=1)


class Detection(NamedTuple):
    """What a model calls out of distribution, and what its thresholds rest on.

    Attributes
    ----------
    rows : DataFrame, [len(ks) * (test + ood)]
        ``id``, ``dataset``, ``k`` (int32), ``distance``, ``threshold`` (float64), ``is_ood`` (bool): for each
        K, the test rows and then the out-of-distribution rows.
    calibration : DataFrame, [len(ks) * calibration]
        ``id``, ``k`` (int32), ``distance`` (float64) of the calibration examples, for each K.
    """

    rows: pd.DataFrame
    calibration: pd.DataFrame


def detect_ood(
    bank: np.ndarray,
    calibration: np.ndarray,
    test: np.ndarray,
    ood: np.ndarray,
    *,
    test_ids: Sequence[str],
    ood_ids: Sequence[str],
    calibration_ids: Sequence[str],
    dataset: str,
    ood_dataset: str,
    ks: Sequence[int],
    percentile: float = 95,
) -> Detection:
    """Which examples a model calls out of distribution, by the distance to its K-th nearest training example.

    Deep nearest neighbors (Sun et al. 2022, arXiv 2204.06507): features divided by their length; distance to
    the K-th nearest training feature; the threshold keeps 95 % of in-distribution data. Here the threshold
    comes from a calibration split used neither for training nor for test, so that the test split's own rate
    stays free to differ from 5 %.

    The threshold is the smallest calibration distance with at least `percentile` percent of them at or below
    it, a distance that occurs and no interpolation. Rows farther away are out of distribution; a row exactly
    at it is not. Calibration and test rows are not in the bank, but a text that occurs twice in the source
    can be in both; its nearest distance is then 0, in all models alike.

    Parameters
    ----------
    bank : array_like of float, shape [bank, hidden]
        Embeddings of training examples.
    calibration : array_like of float, shape [calibration, hidden]
        Embeddings of the calibration split.
    test, ood : array_like of float, shape [examples, hidden]
        Embeddings of the in-distribution test split and of the out-of-distribution dataset.
    test_ids, ood_ids, calibration_ids : sequence of str
        Their ids and those of the calibration split.
    dataset, ood_dataset : str
        Their names.
    ks : sequence of int
        Numbers of neighbors.
    percentile : float
        Of the calibration distances, in percent; the paper by Sun et al. keeps 95 % of in-distribution data.

    Returns
    -------
    Detection

    Raises
    ------
    StudyError
        If the bank has fewer rows than the largest K, calibration is empty, or as for `unit_rows`.

    Examples
    --------
    >>> found = detect_ood(
    ...     [[1.0, 0.0], [0.9, 0.1]], [[1.0, 0.2]], [[1.0, 0.1]], [[0.0, 1.0]],
    ...     test_ids=["t"], ood_ids=["o"], calibration_ids=["c"], dataset="id", ood_dataset="news", ks=[1])
    >>> found.rows["is_ood"].tolist()
    [False, True]
    """
    ks = list(ks)
    if len(bank) < max(ks):
        fits = [k for k in ks if k <= len(bank)]
        raise StudyError(
            f"K = {max(ks)} nearest training examples were asked for; the bank has {len(bank)}.",
            where="characteristics: distribution: k",
            fix=f"k: {fits}   # or raise bank_examples" if fits else f"bank_examples: {max(ks)}",
        )
    if len(calibration) == 0:
        raise StudyError(
            f"The calibration split of {dataset} is empty; no threshold can be set.",
            where=f"datasets: {dataset}: splits: calibration",
            fix="calibration: {held_out_from: train, examples: 1000}",
        )
    bounds = kth_distances(calibration, bank, ks, what="calibration embeddings")
    thresholds = np.percentile(bounds, percentile, axis=0, method="inverted_cdf")
    distances = np.concatenate(
        [
            kth_distances(test, bank, ks, what=f"test embeddings of {dataset}"),
            kth_distances(ood, bank, ks, what=f"embeddings of {ood_dataset}"),
        ]
    )  # [test + ood, ks]
    rows = len(distances)
    names = [dataset] * len(test) + [ood_dataset] * len(ood)
    if [len(test_ids), len(ood_ids), len(calibration_ids)] != [len(test), len(ood), len(calibration)]:
        raise ValueError("One id for each row of the embeddings is needed.")
    called = pd.DataFrame(
        {
            "id": pd.Series([*test_ids, *ood_ids] * len(ks), dtype="str"),
            "dataset": pd.Series(names * len(ks), dtype="str"),
            "k": np.repeat(np.asarray(ks, dtype=np.int32), rows),
            "distance": distances.T.ravel(),
            "threshold": np.repeat(thresholds, rows),
            "is_ood": (distances > thresholds).T.ravel(),
        }
    )
    behind = pd.DataFrame(
        {
            "id": pd.Series([*calibration_ids] * len(ks), dtype="str"),
            "k": np.repeat(np.asarray(ks, dtype=np.int32), len(calibration)),
            "distance": bounds.T.ravel(),
        }
    )
    return Detection(called, behind)
