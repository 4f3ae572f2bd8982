"""Whether compressed models are more vulnerable than the reference, against what its trainings differ by."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from miniature.agreement.holm import holm
from miniature.characteristics.alignment import check_same_examples
from miniature.config.names import replicate_of
from miniature.success_difference import ONE_TRAINING, SuccessDifference, measure_success_difference
from miniature.verdicts import ALPHA, INCONCLUSIVE, MINIATURE, NOT_MEASURED, NOT_MINIATURE

WORDS = {
    NOT_MINIATURE: "more vulnerable", MINIATURE: "less vulnerable", INCONCLUSIVE: "open",
    NOT_MEASURED: "not attacked",
}  # fmt: skip


def judge_success(
    attacks: Mapping[str, pd.DataFrame],
    clusters: np.ndarray,
    compressed: Sequence[str],
    reference: str,
) -> tuple[dict[str, str], str]:
    """Verdict on every compressed model's success rate against those of the reference's trainings.

    Holm's correction covers the models, the claims of each kind for themselves.

    Parameters
    ----------
    attacks : mapping of str to DataFrame, each [examples]
        ``id`` and ``outcome`` by model, the reference and its second trainings among them.
    clusters : array_like of str, shape [examples]
        Cluster of each example.
    compressed : sequence of str
        A model without a table was not attacked.
    reference : str

    Returns
    -------
    verdicts : dict of str to str
        The scorecard's words: ``not-miniature`` is more vulnerable, ``miniature`` less.
    evidence : str
        The differences with their one-sided 95 % bounds and, where these do not tell it, why a model is open.

    Raises
    ------
    StudyError
        If the models' tables list different examples.

    Examples
    --------
    >>> rates = {"large": 20, "large.seed1": 21, "large.seed2": 22, "small": 60}
    >>> attacks = {
    ...     model: pd.DataFrame({"id": range(100), "outcome": ["success"] * k + ["failure"] * (100 - k)})
    ...     for model, k in rates.items()
    ... }
    >>> judge_success(attacks, np.arange(100), ["small"], "large")[1]
    'more vulnerable: small +0.39 (+0.30 to +0.48); success rate minus that of large (mean of 3 trainings)'
    """
    check_same_examples(attacks, clusters, what="attacks")
    trainings = [reference, *(model for model in attacks if replicate_of(model) == reference)]
    outcomes = {model: table["outcome"].to_numpy(dtype=object) for model, table in attacks.items()}
    found = {
        model: measure_success_difference(outcomes[model], [outcomes[t] for t in trainings], clusters)
        for model in compressed
        if model in attacks
    }
    verdicts = {model: INCONCLUSIVE if model in found else NOT_MEASURED for model in compressed}
    for claim, field in ((NOT_MINIATURE, "p_more"), (MINIATURE, "p_less")):
        verdicts |= {model: claim for model, p in _adjusted(found, field).items() if p <= ALPHA}
    shown = {model: model for model in compressed}
    shown |= {model: f"{model}{_say(f, why=_why_open(model, found, verdicts))}" for model, f in found.items()}
    groups = {word: [shown[m] for m in compressed if verdicts[m] == key] for key, word in WORDS.items()}
    said = [f"{word}: {', '.join(group)}" for word, group in groups.items() if group]
    if any(f.n for f in found.values()):
        of = reference if len(trainings) == 1 else f"{reference} (mean of {len(trainings)} trainings)"
        said.append(f"success rate minus that of {of}")
    if len(trainings) == 1:
        said.append(f"no second training of {reference}")
    return verdicts, "; ".join(said)


def _adjusted(found: Mapping[str, SuccessDifference], field: str) -> dict[str, float]:
    """P-values of all models after Holm's correction; NaN where there are no bounds."""
    p = np.array([getattr(f, field) for f in found.values()], dtype=np.float64)
    return dict(zip(found, holm(p).tolist(), strict=True))


def _why_open(model: str, found: Mapping[str, SuccessDifference], verdicts: Mapping[str, str]) -> str:
    """Why there is no verdict on a model, where its bounds and the number of trainings do not tell."""
    f = found[model]
    if verdicts[model] != INCONCLUSIVE or f.reason == ONE_TRAINING:
        return ""
    if f.reason:
        return f.reason
    if min(f.p_more, f.p_less) <= ALPHA:
        return "not after Holm's correction"
    # Some reading of the spent budgets would decide it, and another does not.
    at_best = [_adjusted(found, field)[model] for field in ("p_more_at_best", "p_less_at_best")]
    return "spent budgets keep it open" if min(at_best) <= ALPHA else ""


def _say(f: SuccessDifference, *, why: str) -> str:
    """A difference with its bounds, as the evidence shows it."""
    value = f" {f.difference:+z.2f}" if f.n else ""
    bounds = f"{f.low:+z.2f} to {f.high:+z.2f}" if not f.reason else ""
    brackets = ", ".join(part for part in (bounds, why) if part)
    return f"{value} ({brackets})" if brackets else value
