"""Look at a study without running anything: ``PYTHONPATH=scripts python -m miniature.config study.yaml``.

Snakemake runs code that a study brings while it reads the file. Here it is read as data and nothing else.
"""

import sys
from pathlib import Path

import yaml

from miniature.config.lines import read_positions
from miniature.config.validate import load_folders, validate_study
from miniature.messages import StudyError

SCHEMA = Path(__file__).parents[3] / "config" / "schema.yaml"


def main(files: list[str]) -> int:
    """Check a study of one file; 0 where nothing is wrong, 1 after mistakes, 2 without a file."""
    if len(files) != 1:
        print("usage: PYTHONPATH=scripts python -m miniature.config study.yaml", file=sys.stderr)
        return 2
    try:
        # First, because it refuses what could not be read in a lifetime.
        read_positions(files)
        content = yaml.safe_load(Path(files[0]).read_text(encoding="utf-8"))
        study = validate_study(content if isinstance(content, dict) else {}, files, SCHEMA)
        load_folders(study, read_positions(files))
    except yaml.YAMLError as error:
        print(
            StudyError(f"The file is no study: {str(error).splitlines()[0]}.", where=files[0]),
            file=sys.stderr,
        )
        return 1
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{files[0]}: no mistake found")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
