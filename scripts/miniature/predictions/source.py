"""From a source of predictions that a study names to a predictions table: read and matched in one step."""

from collections.abc import Mapping, Sequence

import pandas as pd

from miniature.predictions.formats import read_recorded
from miniature.predictions.match import match_predictions
from miniature.predictions.records import Options

_OPTIONS = ("format", "benchmark", "filter", "metric", "columns")


def read_matched(
    source: Mapping, table: pd.DataFrame, *, model: str, dataset: str, **matching
) -> tuple[pd.DataFrame, Sequence[str]]:
    """Read a file or folder of predictions and put its rows into the order of a data table.

    Parameters
    ----------
    source : mapping
        The study's entry, with ``path``.
    table : DataFrame, [examples]
        The data table.
    model, dataset : str
        For messages.
    **matching
        What else `miniature.predictions.match.match_predictions` takes.

    Returns
    -------
    DataFrame, [examples]
        The predictions table.
    sequence of str
        What is worth a warning.

    Raises
    ------
    StudyError
        As `read_recorded` and `match_predictions`.
    """
    in_order = source.get("order") == "data"
    options = Options(
        **{key: source[key] for key in _OPTIONS if key in source}, dataset=dataset, in_order=in_order
    )
    recorded = read_recorded(source["path"], options, where=f"{source['path']}, predictions of model {model}")
    matched = match_predictions(
        recorded,
        table,
        stated=source.get("labels"),
        in_order=in_order,
        model=model,
        dataset=dataset,
        **matching,
    )
    return matched, recorded.notes
