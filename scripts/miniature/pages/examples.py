"""Examples for the report: decisions that changed, and texts that broke a model, side by side."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

import pandas as pd

from miniature.tables.changed import CHANGES
from miniature.tables.escape import one_line

# So many changed decisions of one model and of all of them; the tables have every one.
CHANGED, CHANGED_IN_ALL = 10, 100
# So many attacked texts, each with at most so many models beside it.
ATTACKED, BESIDE = 4, 8
BROKEN = "success"


def changed_section(table: pd.DataFrame, model: str, *, models: int) -> dict:
    """Counts of the decisions that one model changed, and the first of them.

    Parameters
    ----------
    table : DataFrame
        `miniature.tables.changed.COLUMNS`, of this model.
    model : str
    models : int
        How many models have such a section.

    Returns
    -------
    dict
        model, count, counts by kind of change, and rows.
    """
    count = max(3, min(CHANGED, CHANGED_IN_ALL // max(models, 1)))
    found = table["change"].value_counts()
    return {
        "model": model,
        "count": len(table),
        "counts": [(change, int(found[change])) for change in CHANGES if change in found],
        "rows": table.head(count).fillna("").to_dict("records"),
    }


def attacked_examples(
    attacks: Mapping[str, pd.DataFrame], *, reference: str, models: Sequence[str]
) -> list[dict]:
    """Texts whose attack broke the reference and, of these, most other models.

    Parameters
    ----------
    attacks : mapping of str to DataFrame, each [examples]
        Attacks tables by model: see `miniature.attack.rows`.
    reference : str
    models : sequence of str
        Models to show beside the reference.

    Returns
    -------
    list of dict
        id, label, text, and sides: model, outcome, what it said before and after, words with whether the
        attack changed them.
    """
    tables = {name: attacks[name].set_index("id") for name in (reference, *models)}
    own = tables[reference]
    broken = own.index[own["outcome"] == BROKEN]
    others = {
        name: sum(name in table.index and table.at[name, "outcome"] == BROKEN for table in tables.values())
        for name in broken
    }
    # Most models broken first; among equals the order of the data.
    chosen = sorted(broken, key=lambda name: -others[name])[:ATTACKED]
    return [
        {
            "id": name,
            "label": own.at[name, "label"],
            "text": one_line(str(own.at[name, "original_text"])),
            "sides": [
                _side(model, table.loc[name])
                for model, table in list(tables.items())[: BESIDE + 1]
                if name in table.index
            ],
        }
        for name in chosen
    ]


def _side(model: str, row: pd.Series) -> dict:
    changed = row["outcome"] == BROKEN
    words = changed_words(str(row["original_text"]), str(row["perturbed_text"])) if changed else []
    return {
        "model": model, "outcome": row["outcome"], "before": row["prediction_before"],
        "after": row["prediction_after"] if changed else "", "words": words,
    }  # fmt: skip


def changed_words(before: str, after: str) -> list[tuple[str, bool]]:
    """Runs of words of a changed text, and whether the change brought them.

    Examples
    --------
    >>> changed_words("a good film", "a fine film")
    [('a', False), ('fine', True), ('film', False)]
    """
    old, new = before.split(), after.split()
    runs = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(one_line(" ".join(new[c:d])), tag != "equal") for tag, _, _, c, d in runs if d > c]
