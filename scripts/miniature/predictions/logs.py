"""Logs of evaluation harnesses, each of which is a data set too: it has the questions and right answers."""

from pathlib import Path

from miniature.messages import StudyError
from miniature.predictions.formats import Source, find_format
from miniature.predictions.records import Reading


def is_log(path: str | Path) -> bool:
    """Whether a path is the output folder or a log of an evaluation harness.

    Examples
    --------
    >>> is_log("no/such/folder")
    False
    """
    path = Path(path)
    if not path.exists():
        return False
    try:
        return find_format(Source(path, str(path)), None).readings is not None
    except StudyError:
        return False  # what is wrong with a file is told where it is read


def readings_of(path: str | Path) -> list[Reading]:
    """Every reading of a log.

    Parameters
    ----------
    path : path
        One of which `is_log` holds.

    Returns
    -------
    list of Reading

    Raises
    ------
    StudyError
        What is wrong with the log; a folder of several models.
    """
    return find_format(Source(Path(path), str(path)), None).readings(Path(path))
