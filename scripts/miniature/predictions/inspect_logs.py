"""Logs of Inspect: ``.eval`` (a zip archive with one entry for each sample) and ``.json``."""

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from miniature.data.text_files import FREE_BYTES, MOST_TIMES, read_json
from miniature.messages import StudyError
from miniature.predictions.records import (
    Options,
    Reading,
    Record,
    Recorded,
    as_text,
    as_truth,
    choice_name,
    kind_of,
)

ZSTD = 93  # the archive's number for the method; zipfile knows it from Python 3.14 on
SAMPLE = re.compile(r"samples/.+_epoch_\d+\.json")
PARTS = {"p": "partial", "n": "no answer"}


def read_inspect(path: Path, options: Options, where: str) -> Recorded:
    """Answers of the first epoch of a log.

    Parameters
    ----------
    path : Path
        An ``.eval`` or ``.json`` file.
    options : Options
        ``metric``: the scorer whose value counts.
    where : str
        For messages.

    Returns
    -------
    Recorded
        A sample that failed has neither prediction nor judgment.

    Raises
    ------
    StudyError
        The archive is damaged or unpacks without measure, the run did not finish, or there are several
        scorers and nothing that says which.
    """
    if path.suffix == ".json":
        content = read_json(path)
        header, samples = content, [(f"sample {i + 1}", s) for i, s in enumerate(content["samples"] or [])]
    else:
        archive = _Archive(path, where)
        header = archive.header()
        samples = list(archive.samples())
    notes = []
    epochs = sorted({sample.get("epoch", 1) for _, sample in samples})
    if len(epochs) > 1:
        notes.append(f"of {len(epochs)} epochs, epoch {epochs[0]} is read")
    samples = [(place, sample) for place, sample in samples if sample.get("epoch", 1) == epochs[0]]
    notes += _check_whole(header, len(samples), where)
    scorer = _scorer(samples, options, where)
    records = [_record(place, sample, scorer, options) for place, sample in samples]
    partly = [_value(sample, scorer) for _, sample in samples]
    partly = [value for value in partly if value is not None and as_truth(value) is None]
    if partly:
        notes.append(
            f"{scorer}: {len(partly)} of {len(samples)} samples are partly right, and count as wrong"
        )
    return Recorded(path, records, notes)


def readings_of(path: Path) -> list[Reading]:
    """The one reading of a log, by the name of its task."""
    header = read_json(path) if path.suffix == ".json" else _Archive(path, str(path)).header()
    name = str(header.get("eval", {}).get("task") or path.stem).rpartition("/")[2]
    recorded = read_inspect(path, Options(), str(path))
    return [Reading(name, kind_of(recorded.gives("names")), recorded.gives("probabilities"))]


def _check_whole(header: Mapping, samples: int, where: str) -> list[str]:
    """Every sample that the run set out with is there; a run that was stopped after its last one is whole."""
    ids = header.get("eval", {}).get("dataset", {}).get("sample_ids")
    status = header.get("status")
    wanted = len(ids) if isinstance(ids, list) else samples if status == "success" else None
    if wanted != samples or not samples:
        raise StudyError(
            f"The run did not finish (its status is {status!r}): the log has {samples} samples"
            + (f" of {wanted}." if wanted is not None else "."),
            where=where,
            fix=f"inspect eval-retry {where.partition(',')[0]}",
        )
    return [] if status == "success" else [f"the status of the run is {status!r}; all its samples are there"]


def _scorer(samples: list, options: Options, where: str) -> str | None:
    names = list(dict.fromkeys(name for _, sample in samples for name in sample.get("scores") or {}))
    if options.metric is not None and options.metric not in names:
        raise StudyError(
            f"There is no scorer '{options.metric}' (there are: {', '.join(names) or 'none'}).",
            where=where,
            fix=f"metric: {names[0]}" if names else "remove metric",
        )
    if len(names) > 1 and options.metric is None:
        raise StudyError(
            f"There are {len(names)} scorers: {', '.join(names)}; which one says right or wrong?",
            where=where,
            fix=f"metric: {names[0]}",
        )
    return options.metric or next(iter(names), None)


def _value(sample: Mapping, scorer: str | None) -> object:
    return ((sample.get("scores") or {}).get(scorer) or {}).get("value")


def _record(place: str, sample: Mapping, scorer: str | None, options: Options) -> Record:
    value, failed = _value(sample, scorer), sample.get("error") is not None
    score = (sample.get("scores") or {}).get(scorer) or {}
    choices = sample.get("choices")
    target = sample.get("target")
    answer = score.get("answer")
    cluster = next(
        (sample["metadata"][key] for key in ("subject", "category") if key in (sample.get("metadata") or {})),
        None,
    )
    return Record(
        place=place,
        id=as_text(sample.get("id")) or "",
        prediction=None if failed else as_text(_completion(sample) if answer is None else answer),
        correct=None if failed or value is None else as_truth(value) is True,
        label=_target(target),
        text=_question(sample.get("input")) if options.texts else None,
        cluster=as_text(cluster),
        choices=[as_text(choice) or "" for choice in choices] if choices and options.texts else None,
        names=[choice_name(i) for i in range(len(choices))] if choices else None,
    )


def _target(target: object) -> str | None:
    return as_text(target[0] if isinstance(target, list) and len(target) == 1 else target)


def _completion(sample: Mapping) -> str | None:
    output = sample.get("output") or {}
    if isinstance(output.get("completion"), str):
        return output["completion"]
    choices = output.get("choices") or []
    return _question([choices[0].get("message", {})]) if choices else None


def _question(given: object) -> str:
    """Text of an input: text, or messages whose content is text or parts of which some are text."""
    if isinstance(given, str) or given is None:
        return given or ""
    contents = [message.get("content") for message in given if message.get("role") in ("user", "assistant")]
    parts = [part for c in contents for part in (c if isinstance(c, list) else [{"text": c}])]
    return "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))


class _Archive:
    """Entries of a zip archive, unpacked with a limit, whichever method packed them."""

    def __init__(self, path: Path, where: str):
        self.path, self.where = path, where
        try:
            self.archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise StudyError(
                f"This is no whole .eval archive: {error}; a run that was killed leaves such a one.",
                where=where,
                fix=f"inspect log recover '{path}'   # or run it again: inspect eval-retry '{path}'",
            ) from None

    def header(self) -> Mapping:
        """What the log says of its run."""
        if "header.json" not in self.archive.namelist():
            raise StudyError(
                "The run did not finish: the log has no header.json.", where=self.where,
                fix=f"inspect eval-retry '{self.path}'",
            )  # fmt: skip
        return self._json("header.json")

    def samples(self) -> Iterator[tuple[str, dict]]:
        """Each sample's entry with its name, in the order of their ids."""
        names = [name for name in self.archive.namelist() if SAMPLE.fullmatch(name)]
        for name in sorted(names, key=lambda n: [(len(part), part) for part in re.split(r"[/_]", n)]):
            yield f"entry {name}", self._json(name)

    def _json(self, name: str) -> dict:
        import pyarrow as pa

        place = f"{self.where}, entry {name}"
        try:
            content = json.loads(self._unpack(self.archive.getinfo(name), place))
        except (
            ValueError,
            RecursionError,
            OSError,
            EOFError,
            zipfile.BadZipFile,
            pa.ArrowException,
        ) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise StudyError(
                f"The entry cannot be read: {reason}.", where=place, fix="copy the log again, whole"
            ) from None
        if not isinstance(content, dict):
            raise StudyError("The entry is no JSON object.", where=place, fix="copy the log again, whole")
        return content

    def _unpack(self, entry: zipfile.ZipInfo, place: str) -> bytes:
        # The size that the archive states is a claim; what counts is what comes out.
        most = max(FREE_BYTES, MOST_TIMES * entry.compress_size)
        with self._open(entry) as stream:
            content = stream.read(most + 1)
        if len(content) > most:
            raise StudyError(
                f"The entry of {entry.compress_size:,} bytes unpacks to more than {most:,}, as no log does.",
                where=place,
                fix=f"look at it: unzip -l '{self.path}'",
            )
        return content

    def _open(self, entry: zipfile.ZipInfo):
        if entry.compress_type != ZSTD:
            try:
                return self.archive.open(entry)
            except (NotImplementedError, RuntimeError) as error:
                raise zipfile.BadZipFile(str(error)) from None
        import pyarrow as pa

        # The entry's own header (30 bytes, then name and extra field) lies before its data.
        with self.path.open("rb") as file:
            file.seek(entry.header_offset + 26)
            lengths = file.read(4)
            file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
            packed = file.read(entry.compress_size)
        return pa.input_stream(pa.BufferReader(packed), compression="zstd")
