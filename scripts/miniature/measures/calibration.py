"""How far a model's confidence is from its accuracy: calibration errors over bins, and the Brier score."""

import numpy as np


def equal_width_bins(confidence: np.ndarray, *, bins: int) -> np.ndarray:
    """Bin of each confidence, the unit interval cut into bins of one width.

    Bin m of M holds confidences above (m - 1)/M and up to m/M, as Guo et al. (2017, section 2) have it; 0 is
    in the first.

    Parameters
    ----------
    confidence : array_like of float, shape [examples]
        In [0, 1].
    bins : int
        At least 1.

    Returns
    -------
    ndarray of int64, shape [examples]
        From 0 to ``bins - 1``.

    Raises
    ------
    ValueError
        If a confidence lies outside [0, 1] or there is no bin.

    Examples
    --------
    >>> equal_width_bins([0.0, 0.5, 0.51, 1.0], bins=2)
    array([0, 0, 1, 1])
    """
    confidence = _check_confidence(confidence, bins)
    edges = np.arange(1, bins) / bins
    return np.searchsorted(edges, confidence, side="left")


def equal_mass_bins(confidence: np.ndarray, *, bins: int) -> np.ndarray:
    """Bin of each confidence, cut so that the bins hold about as many examples each.

    The inner edges are the quantiles i/M of the confidences given. Equal confidences are never parted, so
    that the order of the examples does not matter; with many of them a bin can be larger than others, or
    empty.

    Parameters
    ----------
    confidence : array_like of float, shape [examples]
        In [0, 1].
    bins : int
        At least 1.

    Returns
    -------
    ndarray of int64, shape [examples]
        From 0 to ``bins - 1``.

    Raises
    ------
    ValueError
        As for `equal_width_bins`.

    Examples
    --------
    >>> equal_mass_bins([0.99, 0.9, 0.98, 0.97], bins=2)
    array([1, 0, 1, 0])
    """
    confidence = _check_confidence(confidence, bins)
    if not len(confidence):
        return np.zeros(0, dtype=np.int64)
    edges = np.quantile(confidence, np.arange(1, bins) / bins)
    return np.searchsorted(edges, confidence, side="left")


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, index: np.ndarray) -> float:
    """Mean distance of accuracy and confidence over bins, each weighted by its examples.

    With `equal_width_bins` the ECE (Naeini et al. 2015; Guo et al. 2017, equation 3), with `equal_mass_bins`
    the adaptive ECE (Nguyen and O'Connor 2015; Nixon et al. 2019), both of the predicted class. Within a bin
    chance differences of the two count as error, so that the value is biased upwards, more so with few
    examples or many bins, and most where the model is well calibrated.

    Parameters
    ----------
    confidence : array_like of float, shape [examples]
        Probability of the predicted class, in [0, 1].
    correct : array_like of bool, shape [examples]
    index : array_like of int, shape [examples]
        Bin of each example.

    Returns
    -------
    float
        In [0, 1], 0 is best; NaN where there is no example.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> expected_calibration_error([0.75, 0.75], [True, True], [0, 0])
    0.25
    """
    gaps, sizes = bin_gaps(confidence, correct, index)
    return float(np.abs(gaps).sum() / sizes.sum()) if sizes.sum() else float("nan")


def maximum_calibration_error(confidence: np.ndarray, correct: np.ndarray, index: np.ndarray) -> float:
    """Largest distance of accuracy and confidence in any bin that is not empty (Guo et al. 2017, equation 5).

    A bin of one example counts as much as any other: the value says more of the smallest bins than of the
    model where some are nearly empty.

    Parameters
    ----------
    confidence, correct, index
        As for `expected_calibration_error`.

    Returns
    -------
    float
        In [0, 1], 0 is best; NaN where there is no example.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> maximum_calibration_error([0.5, 0.5, 1.0], [True, False, False], [0, 0, 1])
    1.0
    """
    gaps, sizes = bin_gaps(confidence, correct, index)
    filled = sizes > 0
    return float(np.max(np.abs(gaps[filled]) / sizes[filled])) if filled.any() else float("nan")


def squared_errors(probabilities: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Squared error of each example's probabilities, summed over classes; their mean is the Brier score.

    Brier's own form (1950, equation 2), for any number of classes: 0 is best, 2 worst. With two classes it is
    twice the form that looks at one class alone.

    Parameters
    ----------
    probabilities : array_like of float, shape [examples, classes]
    label : array_like of int, shape [examples]
        Index of the right class.

    Returns
    -------
    ndarray of float64, shape [examples]
        In [0, 2].

    Raises
    ------
    ValueError
        If the shapes do not fit or a label is no class.

    Examples
    --------
    >>> squared_errors([[0.5, 0.5], [0.0, 1.0]], [0, 0]).tolist()
    [0.5, 2.0]
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    label = np.asarray(label)
    if probabilities.ndim != 2 or label.shape != probabilities.shape[:1]:
        raise ValueError(f"One label for each row is needed: {probabilities.shape}, {label.shape}.")
    if ((label < 0) | (label >= probabilities.shape[1])).any():
        raise ValueError(f"Labels are classes from 0 to {probabilities.shape[1] - 1}.")
    right = np.zeros_like(probabilities)
    right[np.arange(len(label)), label] = 1.0
    return np.square(probabilities - right).sum(axis=1)


def bin_gaps(confidence: np.ndarray, correct: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Right answers minus summed confidence in each bin, and its examples.

    Parameters
    ----------
    confidence, correct, index
        As for `expected_calibration_error`.

    Returns
    -------
    tuple of ndarray of float64, each [bins]

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> [part.tolist() for part in bin_gaps([0.5, 0.75], [True, False], [0, 2])]
    [[0.5, 0.0, -0.75], [1.0, 0.0, 1.0]]
    """
    confidence, correct, index = (np.asarray(x) for x in (confidence, correct, index))
    if confidence.ndim != 1 or not confidence.shape == correct.shape == index.shape:
        raise ValueError(f"Values pair up: {confidence.shape}, {correct.shape}, {index.shape}.")
    index = index.astype(np.int64)
    gap = correct.astype(np.float64) - confidence
    return np.bincount(index, weights=gap), np.bincount(index).astype(np.float64)


def _check_confidence(confidence: np.ndarray, bins: int) -> np.ndarray:
    confidence = np.asarray(confidence, dtype=np.float64)
    if bins < 1:
        raise ValueError(f"At least one bin is needed, not {bins}.")
    if confidence.ndim != 1 or not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("Confidences are one list of numbers in [0, 1].")
    return confidence
