"""A finished study as an RO-Crate to deposit: its small files, described so that archives can index them."""

import argparse
import hashlib
import mimetypes
import shutil
from pathlib import Path

from miniature.cli.gate import finished_results
from miniature.messages import StudyError

# What is large, is made again from the rest or holds texts of the data, whose license is another's.
LEFT_OUT = (
    ".partial", "logs", "benchmarks", "data", "models", "masked_lms", "vocabulary", "embeddings", "neighbors",
    "attacks", "attributions",
)  # fmt: skip
# In one of these folders, but counts only; a figure is drawn from it.
KEPT = "transfer.csv"
TEXTS = ("tables/changed_", "report.html")
PARQUET = "application/vnd.apache.parquet"


def deposited_files(results: Path, *, texts: bool) -> list[Path]:
    """Files of a study that are deposited, sorted.

    Parameters
    ----------
    results : Path
        Its folder of results.
    texts : bool
        Whether those that show texts of the data are among them.

    Returns
    -------
    list of Path
    """
    found = []
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results).as_posix()
        inside = path.relative_to(results).parts[0] in LEFT_OUT and path.name != KEPT
        inside |= path.name == ".snakemake_timestamp"
        if path.is_file() and not inside and (texts or not name.startswith(TEXTS)):
            found.append(path)
    return found


def run_deposit(given: argparse.Namespace) -> int:
    """Write the crate."""
    # Takes a second: only this subcommand needs it.
    from rocrate.rocrate import ROCrate

    results, study = finished_results(given)
    if not (results / "provenance.json").is_file():
        raise StudyError(
            f"The study has no {results}/provenance.json yet.", where=str(results),
            fix=f"miniature audit {given.study}",
        )  # fmt: skip
    target = Path(given.folder)
    if target.exists():
        raise StudyError(
            f"{target} is there already.", where=str(target),
            fix=f"miniature deposit {given.study} {target}-2",
        )  # fmt: skip
    crate = ROCrate()
    crate.name = f"{study}: does a compressed model behave like its original?"
    crate.description = f"Agreement tables, verdicts, figures and provenance of the miniature study {study}."
    if given.license:
        crate.license = given.license
    project = Path(__file__).parents[3]
    if (project / "Snakefile").is_file():
        crate.add_workflow(project / "Snakefile", "Snakefile", main=True, lang="snakemake")
    mimetypes.add_type(PARQUET, ".parquet")
    mimetypes.add_type("text/markdown", ".md")
    mimetypes.add_type("application/yaml", ".yaml")
    files = deposited_files(results, texts=given.texts)
    for path in files:
        content = path.read_bytes()
        about = {"sha256": hashlib.sha256(content).hexdigest(), "contentSize": str(len(content))}
        kind = mimetypes.guess_type(path.name)[0]
        crate.add_file(path, path.as_posix(), properties=about | ({"encodingFormat": kind} if kind else {}))
    try:
        crate.write(target)
        # With the times of their files Snakemake sees what was made of what.
        for path in files:
            shutil.copystat(path, target / path)
    except OSError:
        shutil.rmtree(target, ignore_errors=True)
        raise
    print(f"{len(list(target.rglob('*')))} files in {target}; ro-crate-metadata.json describes them.")
    return 0
