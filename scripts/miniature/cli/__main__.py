"""``python -m miniature.cli`` is the command ``miniature``."""

import sys

from miniature.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
