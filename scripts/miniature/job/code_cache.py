"""The code versions of all scripts, cached next to Snakemake's own records.

Every start of Snakemake needs all of them, and under SLURM every job starts it twice; parsing the whole
library would take most of the startup time.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from miniature.job.code_version import CodeMap
from miniature.job.partial import digest_inputs


def code_versions(folder: str | Path, kept: str | Path) -> dict[str, str]:
    """The code version of every script in a folder."""
    folder, kept = Path(folder), Path(kept)
    # Python's version too: the syntax tree depends on it.
    key = {"python": sys.version, **digest_inputs(folder.rglob("*.py"))}
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found["key"] == key:
            return found["versions"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    sources = CodeMap(folder)
    scripts = sorted(path.stem for path in folder.glob("*.py") if not path.name.startswith("_"))
    versions = {name: sources.version(name) for name in scripts}
    _keep({"key": key, "versions": versions}, kept)
    return versions


def _keep(content: dict, kept: Path) -> None:
    """Write the file atomically: jobs on other nodes read it at the same time."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f"{kept.name}.", dir=kept.parent)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(content, file)
            os.replace(name, kept)
        except OSError:
            os.unlink(name)
            raise
    except OSError:
        pass
