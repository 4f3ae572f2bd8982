"""Transfer: do texts that broke one model break another?"""

from collections.abc import Mapping

import pandas as pd

from miniature.attack.rows import ATTACKED, BROKEN


def adversarial_table(attacks: pd.DataFrame) -> pd.DataFrame:
    """The texts that broke a model, as a classification table for any other model.

    Parameters
    ----------
    attacks : DataFrame
        A table of `rows.ATTACKS_SCHEMA`.

    Returns
    -------
    DataFrame
        id, cluster (the id), text (the perturbed one), label (the true one); one row per success, in order.
    """
    success = attacks[attacks["outcome"].isin(BROKEN)].reset_index(drop=True)
    return pd.DataFrame(
        {
            "id": success["id"],
            "cluster": success["id"],
            "text": success["perturbed_text"],
            "label": success["label"],
        }
    )


def count_transfer(source: pd.DataFrame, target: pd.DataFrame, predictions: Mapping[str, str]) -> dict:
    """Count how many of the texts that broke the source model also break the target.

    Counted over the examples that the target classified correctly before: others show nothing about the
    perturbation.

    Parameters
    ----------
    source, target : DataFrame
        The two models' tables of `rows.ATTACKS_SCHEMA`, over the same examples.
    predictions : mapping of str to str
        The target's prediction for each text of ``adversarial_table(source)``, by id.

    Returns
    -------
    dict
        n : successes against the source on examples that the target classified correctly
        broken : of these, how many the target gets wrong
        rate : broken / n, NaN where n is 0

    Raises
    ------
    ValueError
        A prediction is missing.
    """
    right = set(target["id"][target["outcome"].isin(ATTACKED)])
    texts = adversarial_table(source)
    texts = texts[texts["id"].isin(right)]
    missing = [id for id in texts["id"] if id not in predictions]
    if missing:
        raise ValueError(f"{len(missing)} adversarial texts have no prediction; the first is {missing[0]!r}.")
    broken = sum(predictions[id] != label for id, label in zip(texts["id"], texts["label"], strict=True))
    return {"n": len(texts), "broken": broken, "rate": broken / len(texts) if len(texts) else float("nan")}
