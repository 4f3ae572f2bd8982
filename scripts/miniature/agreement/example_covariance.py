"""How agreements of several pairs vary together over samples of examples."""

import numpy as np

from miniature.agreement.halves import halves_degrees
from miniature.agreement.intervals import BOOTSTRAP, HALVES, JACKKNIFE


def example_covariance(values: np.ndarray, method: str, *, clusters: int) -> tuple[np.ndarray, int]:
    """Covariance of estimates over samples of examples, and its degrees of freedom.

    The same resamples serve all rows, so that the variance of any difference of them can be read off it.

    Parameters
    ----------
    values : array_like of float, shape [estimates, resamples]
        Each estimate in each resample.
    method : str
        `BOOTSTRAP`: covariance over draws, times clusters / (clusters - 1), because a resample of few
        clusters varies too little (Davison and Hinkley 1997). `JACKKNIFE`: (B - 1)/B times the sum of
        products of deviations over the B leave-one-block-out values (Efron and Tibshirani 1993, section
        11.5). `HALVES`: covariance over draws, which `agreement.halves` has scaled.
    clusters : int
        Clusters of examples.

    Returns
    -------
    covariance : ndarray of float64, shape [estimates, estimates]
        NaN where an estimate is not defined in some resample: to leave that resample out would make the
        covariance too small in silence.
    degrees_of_freedom : int
        Clusters or blocks, minus 1; of `HALVES`, as `halves_degrees` counts them.

    Raises
    ------
    ValueError
        With a method of another name, fewer than two clusters or fewer than two resamples.

    Examples
    --------
    >>> covariance, df = example_covariance([[1.0, 2.0, 3.0]], JACKKNIFE, clusters=3)
    >>> covariance.round(4).tolist(), df
    ([[1.3333]], 2)
    """
    values = np.asarray(values, dtype=np.float64)
    resamples = values.shape[1]
    if method not in (BOOTSTRAP, JACKKNIFE, HALVES) or clusters < 2 or resamples < 2:
        raise ValueError(f"No covariance of {resamples} resamples of {clusters} clusters by '{method}'.")
    deviations = values - values.mean(axis=1, keepdims=True)
    products = deviations @ deviations.T
    if method == JACKKNIFE:
        return products * (resamples - 1) / resamples, resamples - 1
    if method == HALVES:
        return products / (resamples - 1), max(1, int(halves_degrees(resamples, clusters)))
    return products / (resamples - 1) * clusters / (clusters - 1), clusters - 1
