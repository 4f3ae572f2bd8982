"""The paper's claims, one row each, with the verdict that this study's own numbers allow.

A claim of a difference is a rejected null, of a checkpoint (its scorecard verdict) or of a recipe
(trainings of every model), and says which. A low agreement alone decides nothing, so that without second
trainings every such claim is undecided.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from miniature.agreement.comparison import make_resamples
from miniature.claims.pairs import judge_pairs
from miniature.claims.success import judge_success
from miniature.scorecard.build import select_rows
from miniature.scorecard.floor import FloorModel
from miniature.scorecard.verdicts import MINIATURE, NOT_MEASURED, NOT_MINIATURE, UNDECIDED, UNINFORMATIVE

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
    clusters: Sequence[str] = (),
    floor: Sequence[FloorModel] = (),
) -> pd.DataFrame:
    """One row for each claim of the paper.

    Parameters
    ----------
    scorecard : DataFrame
        See `miniature.scorecard.build.build_scorecard`.
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
        By characteristic, as for `miniature.scorecard.build.build_scorecard`.
    clusters : array_like of str, shape [examples], optional
        Cluster of each example of the attack tables; needed where there are any.
    floor : sequence of FloorModel
        Second trainings of the reference and of the compressed models.

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
        claim = f"Every compressed checkpoint differs from {reference} in {aspect}."
        rows.append({"claim": claim, "verdict": found, "evidence": evidence, **where})
        found, evidence = NOT_TESTED, "no verdict is asked for"
        if name in verdict:
            draws = (resamples or {}).get(name, make_resamples())
            found, evidence = judge_among(
                select_rows(agreement[agreement["examples_of"] == ""], name, verdict[name]),
                draws,
                compressed,
                verdict[name],
                floor=floor,
            )
        claim = f"The compressed models, as recipes, differ among themselves in {aspect}."
        rows.append({"claim": claim, "verdict": found, "evidence": evidence, **where})
    found, evidence = judge_vulnerability(attacks, clusters, compressed, reference, floor=floor)
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
    """Verdict on a claim about every model, and what it rests on."""
    words = {
        NOT_MINIATURE: "differs", MINIATURE: "does not differ", UNDECIDED: "open",
        UNINFORMATIVE: "says nothing", NOT_MEASURED: "not measured",
    }  # fmt: skip
    groups = {word: [m for m, v in verdicts.items() if v == key] for key, word in words.items()}
    evidence = "; ".join(f"{word}: {', '.join(names)}" for word, names in groups.items() if names)
    if len(groups["not measured"]) == len(verdicts):
        return NOT_TESTED, evidence or "not measured"
    if groups["does not differ"]:
        return NOT_SUPPORTED, evidence
    if len(groups["differs"]) == len(verdicts):
        return SUPPORTED, evidence
    return UNDECIDED, evidence


def judge_among(
    rows: pd.DataFrame,
    draws: pd.DataFrame,
    compressed: Sequence[str],
    settings: Mapping,
    *,
    floor: Sequence[FloorModel] = (),
) -> tuple[str, str]:
    """Verdict on the claim that the compressed models differ among themselves."""
    if len(compressed) < 2:
        return NOT_TESTED, "fewer than two compressed models"
    verdicts, lacking = judge_pairs(rows, draws, compressed, settings, floor=floor)
    verdict, evidence = judge_models(verdicts)
    if lacking and verdict != NOT_TESTED:
        said = f"fewer than two second trainings of {', '.join(lacking)} (replicates: 3)"
        decided = any(v in (MINIATURE, NOT_MINIATURE) for v in verdicts.values())
        pairs = f"{len(verdicts)} pair{'s' * (len(verdicts) > 1)}"
        evidence = f"{evidence if decided else pairs}; {said}"
    return verdict, evidence


def judge_vulnerability(
    attacks: Mapping[str, pd.DataFrame],
    clusters: Sequence[str],
    compressed: Sequence[str],
    reference: str,
    *,
    floor: Sequence[FloorModel] = (),
) -> tuple[str, str]:
    """Verdict on the claim that the compressed models are broken more often than the reference."""
    if reference not in attacks or not any(model in attacks for model in compressed):
        return NOT_TESTED, "no attack was run"
    verdicts, evidence = judge_success(attacks, clusters, compressed, reference, floor=floor)
    return judge_models(verdicts)[0], evidence
