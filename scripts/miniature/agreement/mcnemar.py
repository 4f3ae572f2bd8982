"""McNemar's test: could two models of equal accuracy differ as much on the same examples?"""

from scipy.stats import binom


def mcnemar(negative: int, positive: int) -> float:
    """Two-sided p-value of McNemar's exact test (McNemar 1947).

    Under equal accuracy every example on which exactly one model errs is as likely to be one model's as the
    other's, so the smaller count is binomial with probability one half. Examples are taken as independent:
    where several share a context, the p-value is too small.

    Parameters
    ----------
    negative, positive : int
        Examples that only the second, and only the first model gets wrong.

    Returns
    -------
    float
        In (0, 1]; 1 where the models never differ.

    Raises
    ------
    ValueError
        If a count is negative.

    Examples
    --------
    >>> mcnemar(0, 3)
    0.25
    """
    if negative < 0 or positive < 0:
        raise ValueError(f"Counts cannot be negative: {negative}, {positive}.")
    return min(1.0, 2 * float(binom.cdf(min(negative, positive), negative + positive, 0.5)))
