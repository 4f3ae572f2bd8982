"""Attack every example of a table, resumably."""

import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from miniature.attack.recipe import spell_recipe
from miniature.attack.rows import ATTACKED, BROKEN, FAILED, attacks_frame
from miniature.job.journal import Journal, journal_key
from miniature.job.lean import import_transformers
from miniature.job.partial import digest_file
from miniature.messages import StudyError
from miniature.models.results import check_result_folder

logger = logging.getLogger(__name__)

# Recipe keys that only name a file: the file's content is what matters.
NAMES = ("masked_lm", "word_vectors", "pos_tagger")

# Frequent enough to follow, rare enough to read.
SECONDS_BETWEEN_REPORTS = 10


def attack_table(
    victim_folder: str | os.PathLike,
    masked_lm_folder: str | os.PathLike | None,
    table: pd.DataFrame,
    recipe: Mapping,
    *,
    labels: list[str],
    text_settings: Mapping,
    journal: str | os.PathLike,
    sentence_encoder_folder: str | os.PathLike | None = None,
    device: str = "cpu",
    seed: int = 0,
    version: str = "",
    threads: int | None = None,
) -> pd.DataFrame:
    """Attack a classifier on every example of a table.

    The result of an example depends on nothing but the example, the two models, the recipe, the text
    settings, the seed, and the device and threads that compute it. Finished examples are kept in the journal,
    from which a larger table goes on: what it shares with an earlier one is not attacked again.

    Parameters
    ----------
    victim_folder : path
        Checkpoint of the classifier under attack.
    masked_lm_folder : path or None
        Checkpoint of the masked LM that proposes words, for a recipe that has one.
    table : DataFrame
        Columns id, text, label.
    recipe : mapping
        As in a study that has been checked; ``masked_lm`` and the ``model`` of ``sentence_encoder`` are names
        only, the models are those of the folders.
    labels : list of str
        Names of the classes in the order of the classifier's outputs.
    text_settings : mapping
        ``max_length``: longest input of the victim in tokens, special tokens included.
    journal : path
        File that holds the finished examples; keep it for a run with more of them.
    sentence_encoder_folder : path, optional
        The sentence encoder's folder, for a recipe that has one.
    device : str
        ``cpu`` or ``cuda``.
    seed : int
        The study's seed.
    version : str
        Version of the code; with another version the journal is discarded.
    threads : int, optional
        Numerical threads, which determine the order of additions; with another number the journal is
        discarded. By default torch's own number.

    Returns
    -------
    DataFrame
        Columns of `rows.ATTACKS_SCHEMA`, rows in the table's order. ``outcome`` is success, failure, skipped
        (wrong before the attack), query_budget or time_budget (spent without success) or error (``message``
        says why). For skipped and error the columns about the perturbed text are missing.

    Raises
    ------
    StudyError
        An id that appears twice, models that do not fit, or a damaged model folder,
        which has been renamed ``<folder>.damaged``.
    """
    settings = spell_recipe(recipe)
    examples = list(zip(table["id"], table["text"], table["label"], strict=True))
    examples = [(id, *(None if _is_missing(value) else value for value in rest)) for id, *rest in examples]
    ids = [id for id, _, _ in examples]
    if len(set(ids)) != len(ids):
        twice = table["id"][table["id"].duplicated()].iloc[0]
        raise StudyError(f"The id {twice!r} appears twice.", where="table to attack: column id")
    if threads is None:
        import torch

        threads = torch.get_num_threads()
    # Before the key, which a damaged model would change: the journal remains valid for the rebuilt model.
    own = [victim_folder, *([masked_lm_folder] if "masked_lm" in settings else [])]
    for folder in own:
        check_result_folder(folder)
    folders = [*own, *([sentence_encoder_folder] if settings.get("sentence_encoder") else [])]
    folders += [settings["pos_tagger"]] if settings.get("pos_tagger") else []
    vectors = settings.get("word_vectors")
    parts = {
        "recipe": {key: value for key, value in settings.items() if key not in NAMES},
        "word_vectors": digest_file(Path(vectors)) if vectors else None,
        "labels": list(labels),
        "max_length": int(text_settings["max_length"]),
        "device": device,
        "seed": seed,
        "version": version,
        "threads": threads,
    }
    key = journal_key(parts, folders)
    digests = {example[0]: digest_example(example) for example in examples}
    with Journal(journal, key) as journaled:
        # Of an earlier run, which may have had other examples.
        done = {id: row for id, row in journaled.rows.items() if row.get("example") == digests.get(id, "")}
        left = [example for example in examples if example[0] not in done]
        if done:
            logger.info("%d of %d examples were attacked earlier", len(done), len(examples))
        if left:
            # Here, because TextAttack takes seconds and hundreds of megabytes to import.
            import_transformers()
            from miniature.attack.search.load import load_engine

            engine = load_engine(
                victim_folder,
                masked_lm_folder,
                settings,
                labels=list(labels),
                max_length=parts["max_length"],
                sentence_encoder_folder=sentence_encoder_folder,
                device=device,
                seed=seed,
            )
            progress = Progress(len(examples), done.values())
            overruns = dict.fromkeys(done, 0)
            while left:
                for row in engine.attack_examples(left, watch=progress.watch):
                    done[row["id"]] = {**row, "example": digests[row["id"]]}
                    journaled.append(done[row["id"]])
                    progress.add(row)
                    overruns[row["id"]] = engine.overruns
                # None, unless a bound on the victim's answers proved too small.
                left = [example for example in examples if overruns[example[0]] < engine.overruns]
        return attacks_frame(done[id] for id in ids)


def digest_example(example: tuple) -> str:
    """Id, text and label of an example in 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(example).encode()).hexdigest()[:16]


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and value != value) or value is pd.NA


class Progress:
    """Progress lines in the log of a running attack.

    Parameters
    ----------
    total : int
        Number of examples.
    rows : iterable of dict
        Rows finished in an earlier run.
    """

    def __init__(self, total: int, rows=()):
        self.total = total
        self.outcomes: dict[str, str] = {row["id"]: row["outcome"] for row in rows}
        self.before = len(self.outcomes)
        # Queries of this run: of finished examples, and of those in progress.
        self.queries = self.under_way = 0
        self.start = self.reported = time.monotonic()

    def add(self, row: dict) -> None:
        """Count a finished example; report periodically and at the end."""
        self.outcomes[row["id"]] = row["outcome"]
        self.queries += row["queries"] or 0
        self.under_way = max(0, self.under_way - (row["queries"] or 0))
        if row["outcome"] in FAILED:
            logger.warning("example %s: %s", row["id"], row["message"])
        self._report(last=len(self.outcomes) == self.total)

    def watch(self, queries: int) -> None:
        """Record how many queries the examples in progress have made; report periodically."""
        self.under_way = queries
        self._report()

    def _report(self, last: bool = False) -> None:
        now = time.monotonic()
        if last or now - self.reported >= SECONDS_BETWEEN_REPORTS:
            self.reported = now
            logger.info("%s", self.line(now - self.start))

    def line(self, seconds: float) -> str:
        """One line: done, broken, speed, and the time left, once an example is finished."""
        done = len(self.outcomes)
        attacked, broken, failed = (
            sum(outcome in kind for outcome in self.outcomes.values()) for kind in (ATTACKED, BROKEN, FAILED)
        )
        rate = f"{broken / attacked:.0%} of {attacked}" if attacked else "none attacked"
        errors = f", {failed} errors" if failed else ""
        speed = (self.queries + self.under_way) / max(seconds, 1e-9)
        line = f"{done}/{self.total} examples, broken {rate}{errors}, {speed:.0f} queries/s"
        if done == self.before:
            return line
        return f"{line}, {seconds / (done - self.before) * (self.total - done):.0f} s left"
