"""The wrapper around every script: log file and terminal, thread count, user errors without a traceback.

Underscored because it is not a rule. Scripts import it first and numerical libraries after it.
"""

import contextlib
import gc
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Snakemake puts a script's folder last on the path, behind any copy of the library that is installed.
sys.path.insert(0, str(Path(__file__).parent))

from miniature.job.compute import set_threads
from miniature.job.lean import import_transformers, no_compiler
from miniature.job.machine import describe_machine_error
from miniature.messages import StudyError, printable

# What a script imports stays: to look for garbage among it takes an eighth of the time of importing it.
gc.disable()


def switch_hub_off(rule: str) -> None:
    """Run a rule with the Hub disabled, unless it is a retrieval rule.

    The libraries of the Hub read the variable once, when they are imported.
    """
    if rule and not rule.startswith("retrieve_"):
        os.environ["HF_HUB_OFFLINE"] = "1"


# Rules that run models, and those that train them or write what a training would.
RUN_MODELS = ("predict_split", "attribute_model", "transfer_attacks", "cost_model")
TRAIN_MODELS = ("finetune_model", "derive_model", "train_masked_lm", "copy_model")

# Snakemake puts `snakemake` into the globals of the script it runs, before the script imports anything.
_rule = getattr(vars(sys.modules["__main__"]).get("snakemake"), "rule", "")
switch_hub_off(_rule)
if _rule in (*RUN_MODELS, *TRAIN_MODELS):
    import_transformers(trainer=_rule in TRAIN_MODELS)


class PrintableFormatter(logging.Formatter):
    """Log lines that cannot control a terminal, whatever text they quote."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record with control characters escaped."""
        return printable(super().format(record), limit=100_000)


def run_job(main: Callable[[Any], None], snakemake: Any) -> None:
    """Run a script's `main` with logging, and report user errors without a traceback.

    Parameters
    ----------
    main : callable
        Takes the `snakemake` object.
    snakemake : object
        Snakemake's global of a script; has ``log`` and, optionally, ``params.threads``.

    Raises
    ------
    SystemExit
        With status 1 after a `StudyError` and after a machine error; any other exception is logged
        with its traceback and raised. With status 130 after Ctrl-C.
    """
    gc.freeze()
    gc.enable()
    handlers: list[logging.Handler] = [] if snakemake.log else [logging.StreamHandler(sys.stderr)]
    if snakemake.log:
        with open(snakemake.log[0], "w", encoding="utf-8"):
            pass
        # Append: a library that configures logging on import closes every handler, and only one in append
        # mode reopens its file.
        handlers.append(logging.FileHandler(snakemake.log[0], mode="a", encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(PrintableFormatter("%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    # A log line per HTTP request or font is noise; warnings of these libraries still appear.
    for noisy in ("httpx", "urllib3", "matplotlib", "fontTools", "filelock"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    set_threads(int(snakemake.params.get("compute_threads", 1)))
    try:
        with no_compiler() if _rule in TRAIN_MODELS else contextlib.nullcontext():
            main(snakemake)
    except StudyError as error:
        logging.error("%s", error)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        logging.error("Stopped by the user.")
        raise SystemExit(130) from None
    except Exception as error:
        explained = describe_machine_error(error)
        if explained is None:
            logging.exception("The job failed.")
            raise
        logging.error("%s", explained)
        raise SystemExit(1) from None
