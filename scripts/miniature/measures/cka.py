"""Centered kernel alignment of two representations, with a linear kernel."""

import numpy as np

from miniature.measures.cross_products import Moments, add_blocks, block_moments, center_features, leave_out


def linear_cka(a: np.ndarray, b: np.ndarray, *, debiased: bool = False) -> float:
    """Linear CKA (Kornblith et al. 2019): how alike the similarities are that two models see among examples.

    The cosine of the two centered Gram matrices. Invariant to rotation and scale of either side, but not to
    linear maps in general. With few examples for many dimensions unrelated representations come out alike;
    the debiased form estimates both the alignment and its normalizers without that bias (`hsic_unbiased`).

    Parameters
    ----------
    a, b : array_like of float, shape [examples, hidden_a], [examples, hidden_b]
    debiased : bool
        Whether to use the unbiased estimator.

    Returns
    -------
    float
        In [0, 1]; debiased in [-1, 1], about 0 for independent representations. NaN where a side does not
        vary, and debiased below four examples.

    Raises
    ------
    ValueError
        If the numbers of examples differ or a value is NaN.

    Examples
    --------
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0], [4.0, 3.0], [1.0, 1.0]])
    >>> turned = 3 * x[:, ::-1] + 7
    >>> round(linear_cka(x, turned), 12), round(linear_cka(x, turned, debiased=True), 12)
    (1.0, 1.0)
    """
    whole = np.zeros(len(np.asarray(a)), dtype=np.int64)
    x, y = center_features(a, whole, 1), center_features(b, np.zeros(len(np.asarray(b)), dtype=np.int64), 1)
    measure = hsic_unbiased if debiased else hsic_biased
    sides = (measure(add_blocks(block_moments(*pair))) for pair in ((x, y), (x, x), (y, y)))
    return float(alignment(*sides))


def hsic_biased(moments: Moments) -> float:
    """Squared Frobenius norm of the centered cross-covariance, up to the factor that CKA cancels.

    Parameters
    ----------
    moments : Moments
        Without an axis of blocks.

    Returns
    -------
    float
        NaN without an example.
    """
    m = moments
    if not m.n:
        return float("nan")
    # || X'Y - s t' / n ||^2 with s, t the sums of the features that are left.
    along = m.sum_a @ m.cross @ m.sum_b
    lengths = (m.sum_a @ m.sum_a) * (m.sum_b @ m.sum_b)
    return float(np.vdot(m.cross, m.cross) - 2 * along / m.n + lengths / m.n**2)


def hsic_unbiased(moments: Moments) -> float:
    """Unbiased estimator of the Hilbert-Schmidt independence criterion with linear kernels.

    Song, Smola, Gretton, Bedo and Borgwardt 2012, equation 5: with K~ and L~ the Gram matrices with zeros on
    the diagonal, ``[tr(K~L~) + 1'K~1 1'L~1 / ((n-1)(n-2)) - 2 / (n-2) 1'K~L~1] / (n(n-3))``. Each term is
    written in sums over examples of products of features, which needs no Gram matrix. It does not change
    when features are shifted, so that they may stay centered over all examples when a block is left out.

    Parameters
    ----------
    moments : Moments
        Without an axis of blocks.

    Returns
    -------
    float
        NaN below four examples.
    """
    m = moments
    n = float(m.n)
    if n < 4:
        return float("nan")
    trace = np.vdot(m.cross, m.cross) - m.both
    total_a, total_b = m.sum_a @ m.sum_a - m.square_a, m.sum_b @ m.sum_b - m.square_b
    # Row sums of K~ are x.s - |x|^2; this is the sum over examples of their product with those of L~.
    rows = m.sum_a @ m.cross @ m.sum_b - m.sum_a @ m.weighted_a - m.sum_b @ m.weighted_b + m.both
    return float((trace + total_a * total_b / ((n - 1) * (n - 2)) - 2 * rows / (n - 2)) / (n * (n - 3)))


def alignment(cross: np.ndarray, own_a: np.ndarray, own_b: np.ndarray) -> np.ndarray:
    """CKA from the three criteria, NaN where a side has no variation.

    Parameters
    ----------
    cross, own_a, own_b : float or array_like of float, one shape
        Of both sides, and of each with itself.

    Returns
    -------
    ndarray of float64

    Examples
    --------
    >>> alignment([2.0, 0.0], [4.0, 0.0], [1.0, 1.0]).tolist()
    [1.0, nan]
    """
    cross, own_a, own_b = (np.asarray(x, dtype=np.float64) for x in (cross, own_a, own_b))
    varies = (own_a > 0) & (own_b > 0)
    # Two roots, whose product neither overflows nor vanishes before the ratio is taken.
    scale = np.sqrt(np.where(varies, own_a, 1)) * np.sqrt(np.where(varies, own_b, 1))
    return np.where(varies, cross / scale, np.nan)


def chance_cka(own_a: Moments, own_b: Moments) -> float:
    """Mean of the (biased) linear CKA over all ways to pair the examples of one side with the other's.

    In closed form: the mean over permutations of the trace of a product of centered Gram matrices is the
    product of their traces, divided by n - 1.

    Parameters
    ----------
    own_a, own_b : Moments
        Of each side with itself, centered over all examples.

    Returns
    -------
    float
        NaN where a side does not vary, or with one example.
    """
    n = float(own_a.n)
    if n < 2:
        return float("nan")
    traces = float(own_a.square_a) * float(own_b.square_a)
    return float(alignment(traces / (n - 1), hsic_biased(own_a), hsic_biased(own_b)))


def hsic_values(moments: Moments) -> tuple[Moments, np.ndarray]:
    """HSIC of all blocks together and without each block in turn, exactly.

    Parameters
    ----------
    moments : Moments
        With a first axis of blocks.

    Returns
    -------
    tuple of Moments and ndarray of float64, shape [2, 1 + blocks]
        The moments of all blocks; and `hsic_biased` and `hsic_unbiased` of all blocks, then without each.
    """
    whole = add_blocks(moments)
    values = np.empty((2, 1 + len(moments.n)))
    for i in range(1 + len(moments.n)):
        rest = leave_out(whole, moments, i - 1) if i else whole
        values[:, i] = hsic_biased(rest), hsic_unbiased(rest)
    return whole, values
