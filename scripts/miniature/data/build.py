"""The splits of a dataset: read, check, hold whole clusters out, subsample by seed.

Every split is derived independently from the configuration and the source files, so that the job of one split
needs no other; splits that are held out of one source nevertheless agree on who has which cluster.
"""

import logging
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from miniature.data.gold import doubt_positions
from miniature.data.problems import Problems
from miniature.data.readers.classification import COLUMNS, read_aclimdb, read_texts
from miniature.data.readers.hub import read_hub_questions, read_hub_texts
from miniature.data.readers.mrqa import read_mrqa
from miniature.data.readers.newsqa import read_newsqa
from miniature.data.readers.squad import read_squad
from miniature.data.rows import assemble_questions, assemble_texts
from miniature.data.sampling import subsample
from miniature.data.tables import check_table
from miniature.messages import StudyError
from miniature.retrieval.files import check_digest
from miniature.seeds import generator

LogReader = Callable[[str, Mapping], pd.DataFrame]

logger = logging.getLogger(__name__)

QUESTION_READERS = {"squad": read_squad, "mrqa": read_mrqa, "newsqa": read_newsqa}


def build_split(
    dataset: Mapping,
    split: str,
    *,
    name: str,
    seed: int,
    bank_examples: int | None = None,
    read_log: LogReader | None = None,
) -> pd.DataFrame:
    """Make the data table of one split.

    Parameters
    ----------
    dataset : dict
        The dataset's entry in the configuration, paths expanded; for the format ``hub`` with a ``path``,
        the folder it was retrieved to.
    split : str
        A key of ``dataset["splits"]``, or ``bank``: a seeded sample of the train split.
    name : str
        The dataset's name; part of the seeds and of messages.
    seed : int
        The study's seed.
    bank_examples : int, optional
        Rows of the bank; required for it, unused otherwise.
    read_log : callable, optional
        Makes the data table of a log of predictions that holds its questions and right answers, from its path
        and the dataset's entry.

    Returns
    -------
    DataFrame
        As `miniature.data.tables.QA_SCHEMA` or ``CLASSIFICATION_SCHEMA``, rows in source order.

    Raises
    ------
    StudyError
        The configuration does not define the split; a file cannot be read or has errors (all of one file
        are reported at once); there are fewer examples than asked for.
    """
    where = f"datasets: {name}: splits: {split}"
    if split == "bank":
        if bank_examples is None:
            raise ValueError("the bank needs bank_examples")
        train = build_split(dataset, "train", name=name, seed=seed)
        if bank_examples > len(train):
            raise StudyError(
                f"The bank is a sample of {bank_examples} training examples, and {name} has {len(train)}.",
                where="characteristics: distribution: bank_examples",
                fix=f"bank_examples: {len(train)}",
            )
        return subsample(train, bank_examples, generator(seed, "bank", name), where)
    entry = _entry(dataset, split, where)
    source = entry.get("held_out_from", split)
    table = read_source(dataset, source, name=name, seed=seed, read_log=read_log)
    rows = hold_out(table["cluster"], _held_out(dataset, source), source, name=name, seed=seed)[split]
    table = table.iloc[rows].reset_index(drop=True)
    table = subsample(table, entry.get("examples", "all"), generator(seed, "sample", name, split), where)
    if dataset["task"] == "question-answering":
        _report_answerable(table, dataset, split, where)
    logger.info("%s: %d rows in %d clusters", where, len(table), table["cluster"].nunique())
    return table


def read_source(
    dataset: Mapping, split: str, *, name: str, seed: int, read_log: LogReader | None = None
) -> pd.DataFrame:
    """Read or generate all rows a split draws from, checked, before anything is held out or sampled."""
    where = f"datasets: {name}: splits: {split}"
    entry = _entry(dataset, split, where)
    task, kind = dataset["task"], dataset["format"]
    if kind == "world":
        # Imported here because no other format needs the generator.
        from miniature.data.world import build_world_table

        examples = _world_examples(dataset, split, where)
        table = build_world_table(dataset["domain"], split, examples, seed=seed)
        check_table(table, task, where)
        if task == "classification" and dataset.get("labels"):
            unknown = sorted(set(table["label"]) - set(dataset["labels"]))
            if unknown:
                raise StudyError(
                    f"The labels of this generated text are {', '.join(sorted(set(table['label'])))}.",
                    where=f"datasets: {name}: labels",
                    fix="labels: {negative: negative, positive: positive}",
                )
        return table.reset_index(drop=True)
    path = dataset.get("path") if kind == "hub" else entry.get("path")
    if path is not None and kind != "hub":
        check_digest(path, entry.get("sha256"), where=where)
    if path is None:
        raise StudyError(
            f"The split {split!r} names no file.",
            where=where,
            fix=f"{split}: {{path: <file>, examples: all}}",
        )
    if read_log is not None and (kind == "predictions" or task in ("multiple-choice", "generation")):
        table = read_log(path, dataset)
        check_table(table, task, str(path))
        return table
    problems = Problems(path, strict=split == "train")
    if task == "question-answering":
        if kind == "hub":
            columns = dict(dataset.get("columns", {}))
            rows = read_hub_questions(path, problems, entry.get("hub_split", split), columns)
        elif kind in QUESTION_READERS:
            rows = QUESTION_READERS[kind](path, problems)
        else:
            raise _wrong_format(kind, task, name)
        table = assemble_questions(rows, problems)
        doubt_positions(table, problems)
    else:
        columns, labels = dict(dataset.get("columns", {})), dict(dataset.get("labels", {}))
        if len(labels) < 2:
            raise StudyError(
                "A classification dataset needs its labels: name, and value in the file.",
                where=f"datasets: {name}",
                fix="labels: {negative: 0, positive: 1}",
            )
        if kind in ("csv", "jsonl"):
            rows = read_texts(path, problems, columns)
        elif kind == "aclimdb":
            rows = read_aclimdb(path, problems, labels)
        elif kind == "hub":
            rows = read_hub_texts(path, problems, entry.get("hub_split", split), columns)
        else:
            raise _wrong_format(kind, task, name)
        table = assemble_texts(rows, labels, problems, column={**COLUMNS, **columns}["label"])
    problems.finish()
    if table.empty:
        raise StudyError("This file has no examples.", where=str(path), fix="path: <a file with examples>")
    check_table(table, task, str(path))
    return table


def hold_out(
    clusters: pd.Series, held: Mapping[str, int], source: str, *, name: str, seed: int
) -> dict[str, np.ndarray]:
    """Deal whole clusters to the held-out splits, the rest to the source split."""
    codes, names = pd.factorize(clusters)
    sizes = np.bincount(codes, minlength=len(names))
    order = generator(seed, "held-out", name, source).permutation(len(names))
    parts, taken = {}, 0
    for part in sorted(held):
        ends = np.cumsum(sizes[order[taken:]])
        enough = int(np.searchsorted(ends, held[part])) + 1
        if enough >= len(ends):
            raise StudyError(
                f"{held[part]} examples cannot be held out of {source!r}: it has {len(codes)} in "
                f"{len(names)} clusters, and some must be left for it.",
                where=f"datasets: {name}: splits: {part}",
                fix=f"{part}: {{held_out_from: {source}, examples: {max(1, len(codes) // 10)}}}",
            )
        parts[part] = np.flatnonzero(np.isin(codes, order[taken : taken + enough]))
        taken += enough
    parts[source] = np.flatnonzero(np.isin(codes, order[taken:]))
    return parts


def _entry(dataset: Mapping, split: str, where: str) -> Mapping:
    splits = dataset["splits"]
    if split not in splits:
        raise StudyError(
            f"The dataset has no split {split!r}, only {', '.join(splits)}.",
            where=where,
            fix=f"{split}: {{path: <file>, examples: all}}",
        )
    return splits[split]


def _held_out(dataset: Mapping, source: str) -> dict[str, int]:
    held = {}
    for split, entry in dataset["splits"].items():
        if entry.get("held_out_from") == source:
            examples = entry.get("examples")
            if not isinstance(examples, int):
                raise StudyError(
                    "A held-out split needs a number of examples.",
                    where=f"splits: {split}",
                    fix=f"{split}: {{held_out_from: {source}, examples: 500}}",
                )
            held[split] = examples
    return held


def _world_examples(dataset: Mapping, split: str, where: str) -> int:
    examples = dataset["splits"][split].get("examples")
    if not isinstance(examples, int):
        raise StudyError(
            "Generated text has no end: say how many examples.",
            where=where,
            fix=f"{split}: {{examples: 1000}}",
        )
    held = sum(_held_out(dataset, split).values())
    # Whole clusters are held out, so somewhat more is taken than asked for; the surplus is sampled away.
    return examples + held + max(200, held // 5) if held else examples


def _report_answerable(table: pd.DataFrame, dataset: Mapping, split: str, where: str) -> None:
    answerable = table["answerable"]
    withheld = int(answerable.isna().sum())
    if withheld:
        logger.warning("%s: the answers of %d of %d questions are withheld", where, withheld, len(table))
    if withheld == len(table) or not answerable.fillna(True).all():
        return
    if dataset.get("unanswerable"):
        raise StudyError(
            "Unanswerable questions are asked for, and there are none.",
            where=where,
            fix="unanswerable: false",
        )
    if split == "train":
        logger.warning(
            "%s: no unanswerable question, so the models are never taught to give no answer", where
        )


def _wrong_format(kind: str, task: str, name: str) -> StudyError:
    fits = "squad" if task == "question-answering" else "jsonl"
    return StudyError(
        f"The format {kind!r} does not hold data for {task}.",
        where=f"datasets: {name}",
        fix=f"format: {fits}",
    )
