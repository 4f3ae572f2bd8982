"""How agreements of several pairs vary together over samples of examples."""

import numpy as np

from miniature.agreement.intervals import BOOTSTRAP, JACKKNIFE


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
        11.5).
    clusters : int
        Clusters of examples.

    Returns
    -------
    covariance : ndarray of float64, shape [estimates, estimates]
        NaN where an estimate is not defined in some resample: to leave that resample out would make the
        covariance too small in silence.
    degrees_of_freedom : int
        Clusters or blocks, minus 1.

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
    if method not in (BOOTSTRAP, JACKKNIFE) or clusters < 2 or resamples < 2:
        raise ValueError(f"No covariance of {resamples} resamples of {clusters} clusters by '{method}'.")
    deviations = values - values.mean(axis=1, keepdims=True)
    products = deviations @ deviations.T
    if method == JACKKNIFE:
        return products * (resamples - 1) / resamples, resamples - 1
    return products / (resamples - 1) * clusters / (clusters - 1), clusters - 1
