"""A study looked at in this process, its files read, and the line that a message offers pasted into it."""

import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import yaml

from miniature.cli.check import look_into, read_study
from miniature.config.lines import read_positions
from miniature.config.plan import label_values_of, labels_of, numbered_columns
from miniature.config.validate import StudyErrors
from miniature.data.build import build_split
from miniature.messages import StudyError
from miniature.predictions.source import read_matched


class Seen(NamedTuple):
    """What a look at a study told."""

    errors: list[StudyError]
    warnings: list[str]
    config: dict | None

    @property
    def text(self) -> str:
        return "\n".join([*map(str, self.errors), *self.warnings])


def look(study: Path) -> Seen:
    """Check a study and read its files, as ``miniature check`` does."""
    library, handler = logging.getLogger("miniature"), Kept(logging.WARNING)
    library.addHandler(handler)
    try:
        config = read_study(study).config
        return Seen(list(look_into(config, read_positions([study]))), handler.messages, config)
    except StudyErrors as error:
        return Seen(error.errors, handler.messages, None)
    finally:
        library.removeHandler(handler)


class Kept(logging.Handler):
    """Warnings, kept."""

    def __init__(self, level):
        super().__init__(level)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def exact_match(config: dict, model: str) -> float:
    """Share of right predictions of a model on the first dataset, as a run would score them."""
    name, dataset = next(iter(config["datasets"].items()))
    table = build_split(dataset, "test", name=name, seed=config["seed"])
    source = config["models"][model]["predictions"][name]
    scored, _ = read_matched(
        source, table, kind=dataset["task"], labels=labels_of(config, name),
        values=label_values_of(config, name), model=model, dataset=name,
        columns=numbered_columns(config, name),
    )  # fmt: skip
    if dataset["task"] == "question-answering":
        return float(scored["exact"].dropna().mean())
    return float((scored["prediction"] == scored["label"]).mean())


def paste(study: Path, error: StudyError) -> None:
    """Do what the first offered line says: run a command, replace a key of the study, or a line of a file."""
    lines = error.fix.splitlines()
    line = next((line for line in lines if line.startswith("python ")), lines[0])
    file = Path(re.match(r"[^,:]+", error.where).group())
    if line.startswith(("python ", "iconv ")):
        _run(line, study)
    elif file.suffix in (".yaml", ".yml"):
        _paste_key(study, error, line)
    elif (key := re.match(r"(format|columns|labels): ", line)) and file.suffix:
        _replace_key(study, key[1], line)
    else:
        _paste_line(file, error, line)


def run_offered(line: str) -> Path | None:
    """Run a command as it stands; the path that it says to name then."""
    subprocess.run(["bash", "-c", line.replace("python ", f"{sys.executable} ", 1)], check=True, timeout=120)
    named = re.search(r"then path: (\S+)", line)
    return Path(named[1]) if named else None


def _run(line: str, study: Path) -> None:
    """Run a command, and where it says which path to name then, name it."""
    new = run_offered(line)
    if new is not None:
        old = next(
            path for path in re.findall(r"path: (\S+)", study.read_text(encoding="utf-8"))
            if f"'{path}'" in line
        )  # fmt: skip
        study.write_text(study.read_text(encoding="utf-8").replace(f"path: {old}\n", f"path: {new}\n"))


def _paste_key(study: Path, error: StudyError, line: str) -> None:
    """Put a key of a study in the place of the one of that name that the message is about."""
    place = error.where.rpartition(": ")[2].split(".")
    ((key, value),) = yaml.safe_load(line).items()
    config = yaml.safe_load(study.read_text(encoding="utf-8"))
    node = config
    for part in place:
        if part == key or not isinstance(node, dict) or part not in node:
            break
        node = node[part]
    node[key] = value
    study.write_text(yaml.safe_dump(config, sort_keys=False))


def _replace_key(study: Path, key: str, line: str) -> None:
    config = yaml.safe_load(study.read_text(encoding="utf-8"))
    dataset = next(iter(config["datasets"].values()))
    dataset[key] = yaml.safe_load(line)[key]
    study.write_text(yaml.safe_dump(config, sort_keys=False))


def _paste_line(file: Path, error: StudyError, line: str) -> None:
    """Put a line in the place of that of a text file which the message names."""
    number = int(re.search(r"line (\d+)", error.where).group(1))
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[number - 1] = line.split("   (")[0]
    file.write_text("\n".join(lines) + "\n")
