"""From two checkpoints and a test file to an answer: write the study, run it, print what came out."""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from miniature.cli.check import left_out, read_study
from miniature.cli.progress import ProgressLine
from miniature.cli.write import study_of, write_study
from miniature.job.failure import first_failure
from miniature.messages import StudyError

ROOT = Path(__file__).parents[3]
ANSWER_LINES = 24  # of a terminal


def run_audit(given: argparse.Namespace) -> int:
    """Write the study where it is not there, run it, and print the answer."""
    if len(given.models) == 1 and given.data is None and given.models[0].endswith((".yaml", ".yml")):
        path = Path(given.models[0])
    else:
        path = write_study(*study_of(given.models, given.again, given.data, given.study))
    config = read_study(path).config
    for note in left_out(config):
        print(note, file=sys.stderr)
    results = Path("results") / config["study"]
    status = run_snakemake(path, results, cores=given.cores)
    if status:
        return status
    print(read_answer(results))
    again = ("floor", "same_as_reference", "replicates")
    if not any(entry.get(key) for entry in config["models"].values() for key in again):
        reference = config["reference"]
        line = f"{reference}-seed2: {{path: <its folder>, floor: retrained}}"
        print(
            f"Nothing says how much another training of {reference} would change. If you have one, write\n"
            f"  {line}\nunder models in {path}, then: miniature audit {shlex.quote(str(path))}",
            file=sys.stderr,
        )
    return 0


def snakemake_command(study: Path, cores: int | None, targets: Sequence[str] = ()) -> list[str]:
    """The command that runs a study with its results in the current folder."""
    return [
        sys.executable, "-m", "snakemake",
        *(["--snakefile", str(ROOT / "Snakefile")] if Path.cwd() != ROOT else []),
        *(["--workflow-profile", str(ROOT / "profiles" / "default")] if Path.cwd() != ROOT else []),
        "--cores", str(cores or os.cpu_count() or 1), "--configfile", str(study),
        *(["--", *targets] if targets else []),
    ]  # fmt: skip


def run_snakemake(study: Path, results: Path, *, cores: int | None) -> int:
    """Run a study, its output in a file and only its progress on the terminal.

    Returns
    -------
    int
        0 where everything was made, 1 where a job failed, which is told with the command to go on with.
    """
    command = snakemake_command(study, cores)
    output = results / "logs" / "snakemake.log"
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w", encoding="utf-8", buffering=1) as file:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        progress = ProgressLine()
        try:
            for line in process.stdout:
                file.write(line)
                progress.see(line)
            process.wait()
        except KeyboardInterrupt:
            # Snakemake has the signal too and lets running jobs end.
            process.wait()
            progress.end()
            print(f"Stopped. To go on: miniature audit {shlex.quote(str(study))}", file=sys.stderr)
            return 130
    progress.end()
    if process.returncode == 0:
        return 0
    text = output.read_text(encoding="utf-8")
    if "LockException" in text:
        told = (
            "The folder is locked: another run is at work here, or one was killed.\n"
            f"  fix:   {shlex.join([*command[1:], '--unlock'])}   # where none is at work"
        )
    else:
        told = first_failure(text) or "\n".join(text.strip().splitlines()[-12:])
    again = f"  again: miniature audit {shlex.quote(str(study))}   # everything finished is kept"
    print(f"{told}\n{again}\n  output of Snakemake: {output}", file=sys.stderr)
    return 1


def read_answer(results: Path) -> str:
    """The answer of a finished study, as short as a terminal wants it; warnings are never left out."""
    file = results / "answer.md"
    if not file.is_file():
        raise StudyError(f"There is no answer at {file}.", where=str(file), fix="miniature audit <the study>")
    return shorten_answer(file.read_text(encoding="utf-8"), str(file))


def shorten_answer(text: str, file: str) -> str:
    r"""At most `ANSWER_LINES` lines of an answer beside its warnings: details go first, then models.

    Examples
    --------
    >>> print(shorten_answer("**s**: a model\n\n- **m**: undecided\n\nWarning: below chance\n", "answer.md"))
    s: a model
    - m: undecided
    Warning: below chance
    """
    lines = [line.replace("**", "") for line in text.splitlines() if line.strip()]
    warnings = [line for line in lines if line.startswith("Warning:")]
    lines = [line for line in lines if line not in warnings]
    if len(lines) + len(warnings) > ANSWER_LINES:
        lines = [line for line in lines if not line.startswith("  ")]
    room = max(2, ANSWER_LINES - len(warnings))
    if len(lines) > room:
        lines = [*lines[: room - 1], f"... the rest is in {file}"]
    return "\n".join([*lines, *warnings])
