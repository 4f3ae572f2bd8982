"""Two models that err together, with their true agreement in closed form.

Each gets an example wrong where a standard normal variable falls below a threshold; the correlation of the
two variables says how many errors they share.
"""

import numpy as np
from scipy.special import ndtri, owens_t

ERROR_RATE = 0.3
THRESHOLD = float(ndtri(ERROR_RATE))
# Correlation of two models: a Jaccard index of about one half.
CORRELATION = 0.75


def true_jaccard(correlation: np.ndarray) -> np.ndarray:
    """Jaccard index of two models' errors in the population.

    Both err with the bivariate normal probability of two thresholds, which for equal ones is
    P - 2 T(threshold, sqrt((1 - rho) / (1 + rho))) with Owen's T (Owen 1956).

    Examples
    --------
    >>> float(true_jaccard(np.array(0.0)).round(6)) == round(0.09 / 0.51, 6)
    True
    """
    both = ERROR_RATE - 2 * owens_t(THRESHOLD, np.sqrt((1 - correlation) / (1 + correlation)))
    return both / (2 * ERROR_RATE - both)
