"""Datasets from the Hub: parquet, JSON, JSON lines and CSV files."""

from pathlib import Path, PurePosixPath

from miniature.messages import StudyError
from miniature.retrieval.hub import fetch
from miniature.retrieval.pins import record_pin, resolve_once

HUB_SUFFIXES = (".parquet", ".json", ".json.gz", ".jsonl", ".jsonl.gz", ".csv", ".csv.gz")


NOT_DATA = {"dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json", "RETRIEVED.json"}


def retrieve_dataset(
    hub_id: str, config_name: str | None, revision: str, folder: str | Path, pins: str | Path | None = None
) -> None:
    """Download the data files of one dataset into a folder.

    Parameters
    ----------
    hub_id : str
        ``owner/name``.
    config_name : str or None
        The dataset's configuration: the name of a folder in the repository. None: every data file.
    revision : str
        A commit of 40 hexadecimal digits, or a branch or tag.
    folder : path
        Destination; its ``RETRIEVED.json`` records the commit and the files.
    pins : path, optional
        Folder with the pins of branches and tags; see `miniature.retrieval.pins`. Without it they are
        resolved each time.

    Raises
    ------
    StudyError
        As `miniature.retrieval.pins.resolve_once` and `miniature.retrieval.hub.fetch`; or there is no data
        file, no folder for the configuration, or only a script that would have to be run.
    """
    commit = resolve_once("dataset", hub_id, revision, pins)
    where = f"{hub_id} at {commit.sha}"
    data = sorted(
        name
        for name in commit.files
        if name.endswith(HUB_SUFFIXES)
        and PurePosixPath(name).name not in NOT_DATA
        and not name.startswith(".")
    )
    if not data:
        scripts = any(name.endswith(".py") for name in commit.files)
        raise StudyError(
            "This dataset is a script, which is not run; it contains no data file."
            if scripts
            else f"This dataset contains no data file ({', '.join(HUB_SUFFIXES)}).",
            where=where,
            fix="revision: refs/convert/parquet"
            if scripts
            else "hub: <a dataset with parquet or JSON files>",
        )
    if config_name is not None:
        chosen = [name for name in data if config_name in PurePosixPath(name).parts[:-1]]
        if not chosen:
            folders = sorted({part for name in data for part in PurePosixPath(name).parts[:-1]})
            raise StudyError(
                f"This dataset has no folder {config_name!r}"
                + (f", only {', '.join(folders)}." if folders else ": its files are at the top level."),
                where=where,
                fix=f"config_name: {folders[0]}" if folders else "# no config_name",
            )
        data = chosen
    fetch(commit, data, folder)
    record_pin(commit, pins)
