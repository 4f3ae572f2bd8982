"""The paper's claims, one row each, with the verdict that this study's own numbers allow.

A claim of a difference is a rejected null: the agreement lies below what two trainings of one model reach, by
more than the margin, with confidence. A low agreement alone decides nothing, so that without second trainings
(the noise floor) every such claim is inconclusive.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
from scipy.stats import binomtest

from miniature.agreement.intervals import make_resamples
from miniature.attack.rows import ATTACKED, BROKEN
from miniature.config.names import replicate_of
from miniature.scorecard import select_rows
from miniature.tables.among import judge_pairs
from miniature.verdicts import INCONCLUSIVE, MINIATURE, NOT_MEASURED, NOT_MINIATURE

SUPPORTED = "supported"
NOT_SUPPORTED = "not supported"
NOT_TESTED = "not tested in this study"

COLUMNS = ("claim", "characteristic", "verdict", "evidence", "command", "file")

# The paper's four characteristics, in its words.
ASPECTS = {
    "errors": "prediction errors",
    "representation": "data representation",
    "distribution": "data distribution",
    "vulnerability": "adversarial vulnerability",
}
# Chance of a false alarm of the sign test on vulnerability, shared among the models tested.
ALPHA = 0.05


def claims_table(
    scorecard: pd.DataFrame,
    agreement: pd.DataFrame,
    attacks: Mapping[str, pd.DataFrame],
    *,
    compressed: Sequence[str],
    reference: str,
    verdict: Mapping[str, Mapping],
    results: str,
    command: str,
    resamples: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """One row for each claim of the paper.

    Parameters
    ----------
    scorecard : DataFrame
        See `miniature.scorecard.build_scorecard`.
    agreement : DataFrame
        Agreement rows of all characteristics.
    attacks : mapping of str to DataFrame
        Attack tables of the verdict's recipe by model, replicates included; empty where there was no attack.
    compressed : sequence of str
        The models that the claims are about: neither the reference nor a second training of any model.
    reference : str
    verdict : mapping
        The study's ``verdict:`` block.
    results : str
        The study's folder of results, for the column ``file``.
    command : str
        What runs this study, without a target, for the column ``command``.
    resamples : mapping of str to DataFrame, optional
        By characteristic, as for `miniature.scorecard.build_scorecard`.

    Returns
    -------
    DataFrame
        With `COLUMNS`.
    """
    rows = []
    for name, aspect in ASPECTS.items():
        where = {
            "characteristic": name,
            "command": f"{command} {name}",
            "file": f"{results}/agreement/{name}.csv",
        }
        card = scorecard[(scorecard["characteristic"] == name) & scorecard["model"].isin(compressed)]
        found, evidence = judge_models(dict(zip(card["model"], card["verdict"], strict=True)))
        claim = f"Every compressed model differs from {reference} in {aspect}."
        rows.append({"claim": claim, "verdict": found, "evidence": evidence, **where})
        found, evidence = NOT_TESTED, "no verdict is asked for"
        if name in verdict:
            draws = (resamples or {}).get(name, make_resamples())
            found, evidence = judge_among(
                select_rows(agreement, name, verdict[name]),
                draws[draws["task"] == verdict[name]["task"]],
                compressed,
                verdict[name],
            )
        claim = f"The compressed models differ among themselves in {aspect}."
        rows.append({"claim": claim, "verdict": found, "evidence": evidence, **where})
    found, evidence = judge_vulnerability(attacks, compressed, reference)
    rows.append(
        {
            "claim": f"Every compressed model is more vulnerable to the attack than {reference}.",
            "characteristic": "vulnerability",
            "verdict": found,
            "evidence": evidence,
            "command": f"{command} tables",
            "file": f"{results}/tables/table3_attacks.csv",
        }
    )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def judge_models(verdicts: Mapping[str, str]) -> tuple[str, str]:
    """Verdict on a claim about every model, and what it rests on.

    Parameters
    ----------
    verdicts : mapping of str to str
        The scorecard's verdict on each model (or each pair).

    Returns
    -------
    verdict, evidence : str
        One counterexample refutes the claim; all must differ to support it.

    Examples
    --------
    >>> judge_models({"small": "not-miniature", "tiny": "inconclusive"})
    ('inconclusive', 'differs: small; open: tiny')
    >>> judge_models({"small": "not-measured"})
    ('not tested in this study', 'not measured: small')
    """
    words = {
        NOT_MINIATURE: "differs", MINIATURE: "does not differ", INCONCLUSIVE: "open",
        NOT_MEASURED: "not measured",
    }  # fmt: skip
    groups = {word: [m for m, v in verdicts.items() if v == key] for key, word in words.items()}
    evidence = "; ".join(f"{word}: {', '.join(names)}" for word, names in groups.items() if names)
    if len(groups["not measured"]) == len(verdicts):
        return NOT_TESTED, evidence or "not measured"
    if groups["does not differ"]:
        return NOT_SUPPORTED, evidence
    if len(groups["differs"]) == len(verdicts):
        return SUPPORTED, evidence
    return INCONCLUSIVE, evidence


def judge_among(
    rows: pd.DataFrame, draws: pd.DataFrame, compressed: Sequence[str], settings: Mapping
) -> tuple[str, str]:
    """Verdict on the claim that the compressed models differ among themselves.

    Parameters
    ----------
    rows, draws, compressed, settings
        As for `miniature.tables.among.judge_pairs`.

    Returns
    -------
    verdict, evidence : str
    """
    if len(compressed) < 2:
        return NOT_TESTED, "fewer than two compressed models"
    verdicts, lacking = judge_pairs(rows, draws, compressed, settings)
    verdict, evidence = judge_models(verdicts)
    if lacking and verdict != NOT_TESTED:
        said = f"fewer than two second trainings of {', '.join(lacking)} (replicates: 3)"
        decided = any(v in (MINIATURE, NOT_MINIATURE) for v in verdicts.values())
        pairs = f"{len(verdicts)} pair{'s' * (len(verdicts) > 1)}"
        evidence = f"{evidence if decided else pairs}; {said}"
    return verdict, evidence


def judge_vulnerability(
    attacks: Mapping[str, pd.DataFrame], compressed: Sequence[str], reference: str
) -> tuple[str, str]:
    """Verdict on the claim that the compressed models are broken more often than the reference.

    A sign test on the examples that both models had right before the attack: of those that broke one of the
    two only, how many broke the compressed one. To be the effect of compression and not of a seed it must
    hold against every second training of the reference too; without one the claim stays inconclusive.

    Parameters
    ----------
    attacks : mapping of str to DataFrame
        Attack tables with ``id`` and ``outcome``.
    compressed : sequence of str
    reference : str

    Returns
    -------
    verdict, evidence : str
    """
    tested = [model for model in compressed if model in attacks]
    if reference not in attacks or not tested:
        return NOT_TESTED, "no attack was run"
    versions = [reference, *(model for model in attacks if replicate_of(model) == reference)]
    level = ALPHA / len(tested)
    shown, verdicts = [], {}
    for model in tested:
        more, fewer = zip(*(count_broken(attacks[model], attacks[v]) for v in versions), strict=True)
        shown.append(f"{model} alone broken on {more[0]}, {reference} alone on {fewer[0]}")
        if all(sign_test(m, f) < level for m, f in zip(more, fewer, strict=True)) and len(versions) > 1:
            verdicts[model] = NOT_MINIATURE
        elif all(sign_test(f, m) < level for m, f in zip(more, fewer, strict=True)) and len(versions) > 1:
            verdicts[model] = MINIATURE
        else:
            verdicts[model] = INCONCLUSIVE
    verdict, _ = judge_models(verdicts)
    if len(versions) == 1:
        shown.append(f"no second training of {reference}")
    if len(tested) < len(compressed):
        shown.append(f"not attacked: {', '.join(m for m in compressed if m not in tested)}")
        verdict = INCONCLUSIVE if verdict == SUPPORTED else verdict
    return verdict, "; ".join(shown)


def count_broken(model: pd.DataFrame, other: pd.DataFrame) -> tuple[int, int]:
    """Examples that broke `model` only, and those that broke `other` only, of those both had right.

    Raises
    ------
    ValueError
        The tables list different examples.
    """
    if list(model["id"]) != list(other["id"]):
        raise ValueError("the attacks were run on different examples")
    usable = model["outcome"].isin(ATTACKED) & other["outcome"].isin(ATTACKED)
    a, b = model["outcome"].isin(BROKEN), other["outcome"].isin(BROKEN)
    return int((usable & a & ~b).sum()), int((usable & b & ~a).sum())


def sign_test(more: int, fewer: int) -> float:
    """One-sided exact p-value of `more` against `fewer` under even odds.

    Examples
    --------
    >>> sign_test(5, 0), sign_test(0, 0)
    (0.03125, 1.0)
    """
    return float(binomtest(more, more + fewer, alternative="greater").pvalue) if more + fewer else 1.0
