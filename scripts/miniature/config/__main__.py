"""``PYTHONPATH=scripts python -m miniature.config study.yaml`` is ``miniature check study.yaml``.

Snakemake runs code that a study brings while it reads the file. Here it is read as data and nothing else.
"""

import sys

from miniature.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["check", *sys.argv[1:]]))
