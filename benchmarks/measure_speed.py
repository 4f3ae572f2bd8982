"""Ours beside what a user would otherwise run, in one process and in turn, and how cost grows with size.

    make bench                                             # writes docs/performance.md
    python benchmarks/measure_speed.py --parts neighbors   # one part, printed
    python benchmarks/measure_speed.py --parts neighbors --rows 130000 --repeats 1  # half an hour

Both give the same answers, or the measurement stops. Times are processor seconds with one thread. The limit
is what cannot be left out, measured in the same run: the matrix products alone, the search alone, or
importing torch alone. The whole study is one that `make` made from nothing, in one go. The attack has a page
of its own (benchmarks/attack), and so has attribution (measure_attribution.py), since each takes much longer.
"""

import argparse
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from measure_throughput import processor
from speed_analysis import bootstrap, growth, neighbors
from speed_models import inference, profile_forward, startup
from speed_study import study_lines
from threadpoolctl import threadpool_limits

from miniature.job.compute import set_threads

ROOT = Path(__file__).resolve().parents[1]
RACES = {"startup": startup, "inference": inference, "neighbors": neighbors, "bootstrap": bootstrap}
PARTS = [*RACES, "profile", "growth", "study"]


def write_page(options: argparse.Namespace) -> str:
    """Measure the parts asked for; the page."""
    lines = [
        "# Speed\n",
        f"Printed by `make bench` on {processor()} with {os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.1f}, Python {platform.python_version()}. Processor seconds of one thread, "
        f"{options.repeats} turns. The ratio is the other's time over ours; *over the limit* is ours over "
        "what cannot be left out.\n",
        "| what | the other | ours, s | its, s | ratio: median (min to max) | over limit | same answers |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for name, races in RACES.items():
        if name in options.parts:
            for race in races(options.rows) if name == "neighbors" else races():
                rows = race.run(options.repeats)
                lines += rows
                print(*rows, sep="\n", file=sys.stderr)
    if "profile" in options.parts:
        lines += ["\n## Where the time of predicting goes\n", "| what | CPU, s | share |", "|---|---:|---:|"]
        lines += profile_forward()
    if "growth" in options.parts:
        lines += ["\n## Growth\n", "| what | seconds | exponent |", "|---|---|---:|", *growth()]
    if "study" in options.parts:
        lines += ["\n## A whole study\n", *study_lines(options.project, options.study)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print, or write, the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="*", default=PARTS, choices=PARTS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=8000, help="rows to search neighbors among")
    parser.add_argument("--project", type=Path, default=ROOT, help="folder in which the whole study was run")
    parser.add_argument("--study", default="embedded")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    finished = options.project / "results" / options.study / "answer.md"
    if "study" in options.parts and not finished.is_file():
        parser.error(
            f"There is no {finished}: run `make` first, or name another folder with --project, or leave the "
            f"study out: --parts {' '.join(PARTS[:-1])}"
        )
    set_threads(1)
    with threadpool_limits(1):
        page = write_page(options)
    print(page)
    if options.output:
        options.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
