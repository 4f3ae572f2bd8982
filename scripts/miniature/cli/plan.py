"""What a study of some size will be able to tell, before it is made or from what one has measured."""

import argparse
from pathlib import Path

from miniature.messages import StudyError


def run_plan(given: argparse.Namespace) -> int:
    """Print the planning table."""
    from miniature.scorecard.planning import planning_table
    from miniature.tables.planning import CAPTION, DIGITS, measured_planning
    from miniature.tables.scorecard import read_scorecard
    from miniature.tables.write import markdown_table

    if given.study:
        from miniature.cli.check import read_study
        from miniature.cli.main import study_file

        path = study_file(given)
        card = Path("results") / read_study(path).config["study"] / "scorecard.csv"
        if not card.is_file():
            raise StudyError(f"The study has no {card} yet.", where=str(card), fix=f"miniature audit {path}")
        table = measured_planning(read_scorecard(card))
    else:
        sizes = min(given.replicates) >= 2 and min(given.examples) >= 2
        if not (sizes and min(given.spread) >= 0 and 0 < given.keep < 1):
            raise StudyError(
                "A plan needs two replicates, two examples, a spread from 0 and a bar between 0 and 1.",
                where="miniature plan",
                fix="miniature plan --examples 1000 5000 --replicates 2 3 6 --spread 0.03 --keep 0.8",
            )
        table = planning_table(
            tuple(given.examples), tuple(given.spread), tuple(given.replicates), bar=given.keep
        )
    print(markdown_table(table, CAPTION, DIGITS), end="")
    return 0
