"""Arguments of the command ``miniature``, and what each subcommand calls."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

import shtab

from miniature.messages import StudyError, printable

# Exit statuses, of which `gate` has its own.
MISTAKE = 3


def build_parser() -> argparse.ArgumentParser:
    """Arguments of the command and of each subcommand."""
    parser = argparse.ArgumentParser(
        prog="miniature",
        description="Does a compressed language model still behave like the one it came from?",
    )
    shtab.add_argument_to(parser, ["--print-completion"], help="print a completion script for your shell")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    audit_ = _command(
        commands, "audit", "audit:run_audit",
        "write the study of some models, run it, and print the answer",
        "miniature audit models/large models/small --again models/large-seed2 --data test.csv",
    )  # fmt: skip
    _add_study(audit_)
    audit_.add_argument(
        "--cores", type=int, metavar="N", help="jobs at once (default: one for each processor)"
    )
    new = _command(
        commands, "new", "write:run_new",
        "write the study of some models with a comment on what else it may say, and run nothing",
        "miniature new models/large models/small --data test.csv --study shipping",
    )  # fmt: skip
    _add_study(new)
    check_ = _command(
        commands, "check", "check:run_check",
        "look for mistakes in a study, its data and its checkpoints, and run nothing",
        "miniature check shipping.yaml",
    )  # fmt: skip
    _add_file(check_)
    ids = _command(
        commands, "ids", "ids:run_ids",
        "print the ids of a data set's rows as a csv to fill in: the order of rows that embeddings made "
        "elsewhere must follow",
        "miniature ids shipping.yaml --dataset reviews > predictions.csv",
    )  # fmt: skip
    _add_file(ids)
    ids.add_argument("--dataset", metavar="NAME", help="which data set (default: the first)")
    ids.add_argument("--split", default="test", choices=("train", "calibration", "test"))
    gate_ = _command(
        commands, "gate", "gate:run_gate",
        "turn the answer of a finished study into an exit status: 1 where a model has moved too far, 2 where "
        "that is not decided, 0 where it has not, 3 for a mistake",
        "miniature gate shipping.yaml --only small:errors --junit gate.xml --markdown gate.md",
    )  # fmt: skip
    _add_file(gate_)
    gate_.add_argument(
        "--only", action="append", default=[], metavar="MODEL[:ROW]",
        help="rows that count, such as small, small:errors or :accuracy (default: all; repeatable)",
    )  # fmt: skip
    gate_.add_argument("--junit", metavar="FILE", help="write the rows as JUnit XML").complete = shtab.FILE
    gate_.add_argument("--markdown", metavar="FILE", help="write the rows as Markdown").complete = shtab.FILE
    deposit = _command(
        commands, "deposit", "deposit:run_deposit",
        "write the small files of a finished study as an RO-Crate for an archive: no checkpoints, no texts",
        "miniature deposit shipping.yaml shipping-crate",
    )  # fmt: skip
    _add_file(deposit)
    deposit.add_argument("folder", metavar="FOLDER", help="folder to make")
    deposit.add_argument("--license", metavar="URL", help="license of the results")
    deposit.add_argument(
        "--texts", action="store_true", help="also what shows texts of the data: report, changed decisions"
    )
    plan = _command(
        commands, "plan", "plan:run_plan",
        "say what a study of so many examples and second trainings will be able to call miniature or "
        "not-miniature, or how much larger than a finished study one would have to be",
        "miniature plan --examples 1000 5000 --replicates 2 3 6 --spread 0.03",
    )  # fmt: skip
    plan.add_argument(
        "study", nargs="?", metavar="STUDY", help="a finished study, whose spread over trainings is taken"
    ).complete = shtab.FILE  # fmt: skip
    plan.add_argument("--examples", type=int, nargs="+", metavar="N", default=[1000, 2000, 5000, 10_000])
    plan.add_argument("--replicates", type=int, nargs="+", metavar="N", default=[2, 3, 6])
    plan.add_argument(
        "--spread", type=float, nargs="+", metavar="SHARE", default=[0.015, 0.03, 0.08, 0.12],
        help="standard deviation over trainings of the agreement above chance, as a share of it",
    )  # fmt: skip
    plan.add_argument("--keep", type=float, metavar="SHARE", default=0.8, help="the bar (default: 0.8)")
    return parser


def _command(commands, name: str, run: str, help_: str, example: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=help_, description=help_[0].upper() + help_[1:] + ".",
        epilog=f"example:\n  {example}", formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.set_defaults(run=run)
    return parser


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", help="the study's file").complete = shtab.FILE


def _add_study(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "models", nargs="+", metavar="MODEL",
        help="the reference, then the models compared with it: folders of checkpoints, models of the Hub "
        "(owner/name or owner/name@revision), files of predictions or logs of lm-eval or another harness; "
        "or, alone, the file of a study",
    ).complete = shtab.FILE  # fmt: skip
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="the test file: labeled texts or questions; with logs, one of their tasks (default: all)",
    ).complete = shtab.FILE
    parser.add_argument(
        "--again", nargs="+", default=[], metavar="MODEL",
        help="other trainings of the reference (other seeds), from which the noise floor comes",
    ).complete = shtab.FILE  # fmt: skip
    parser.add_argument(
        "--study", metavar="NAME", help="name of the study (default: the reference and the data)"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        The exit status: 0 after success, 1 after a run that failed, 3 after a mistake; ``gate`` has its own.
    """
    given = build_parser().parse_args(arguments)
    try:
        # Imported when it is called: what one subcommand needs takes another a second.
        module, _, function = given.run.partition(":")
        return getattr(importlib.import_module(f"miniature.cli.{module}"), function)(given)
    except StudyError as error:
        print(printable(str(error), limit=100_000), file=sys.stderr)
        return MISTAKE
    except BrokenPipeError:
        # What reads the output has seen enough, as `head` has.
        sys.stderr.close()
        return 0


def study_file(given) -> Path:
    """The study's file that a subcommand was given; a name alone stands for the file of that name here."""
    path = Path(given.study)
    if not path.is_file() and path.with_suffix(".yaml").is_file():
        return path.with_suffix(".yaml")
    return path
