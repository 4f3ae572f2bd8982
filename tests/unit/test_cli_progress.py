"""Progress of a run: what Snakemake says, line by line, against times worked out by hand."""

import pytest

from miniature.cli.progress import ProgressLine, RunProgress

STATS = """Job stats:
job              count
-------------  -------
train                6
plot_scorecard       1
all                  1
total                8

"""


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def run():
    clock = Clock()
    run = RunProgress(clock)
    feed(run, STATS)
    return run


def feed(run, text):
    return [run.see(line) for line in text.splitlines(keepends=True)]


def start(run, *jobs, rule="train"):
    for job in jobs:
        feed(
            run, f"[Sun Nov 29 19:00:00 2026]\nrule {rule}:\n    input: a\n    jobid: {job}\n    reason: x\n"
        )


def finish(run, *jobs, done):
    for job in jobs:
        feed(run, f"[Sun Nov 29 19:00:00 2026]\nFinished jobid: {job} (Rule: train)\n")
    feed(run, f"{done} of 8 steps (1%) done\n")


def test_what_will_run_is_counted_by_rule(run):
    assert run.jobs() == "8 jobs: 6 train, 1 plot_scorecard"
    many = RunProgress()
    feed(many, "Job stats:\n" + "".join(f"rule{i} {i}\n" for i in range(1, 7)) + "total 21\n")
    assert many.jobs() == "21 jobs: 6 rule6, 5 rule5, 4 rule4, 3 rule3 and 2 more kinds"


def test_time_left_is_that_of_equal_jobs_two_at_once(run):
    start(run, 1, 2)
    assert run.left() is None
    assert run.text() == "0 of 8 jobs, 0 s: train"
    run.clock.now = 10.0
    finish(run, 1, 2, done=2)
    start(run, 3, 4)
    # Four more trainings and a figure that is taken for one: five times ten seconds, two at once.
    assert run.left() == pytest.approx(25.0)
    run.clock.now = 16.0
    assert run.left() == pytest.approx((50.0 - 12.0) / 2)
    assert run.text() == "2 of 8 jobs, 16 s, about 19 s left: train"


def test_a_job_that_takes_longer_than_its_like_is_not_counted_below_nothing(run):
    start(run, 1)
    run.clock.now = 10.0
    finish(run, 1, done=1)
    start(run, 2)
    run.clock.now = 100.0
    assert run.left() == pytest.approx(5 * 10.0)  # four more of its rule and the figure


def test_the_first_of_a_long_kind_tells_about_the_others(run):
    start(run, 9, rule="plot_scorecard")
    run.clock.now = 2.0
    feed(run, "Finished jobid: 9 (Rule: plot_scorecard)\n1 of 8 steps (1%) done\n")
    start(run, 1)
    run.clock.now = 62.0
    # One training has run for 60 seconds; five wait.
    assert run.left() == pytest.approx(5 * 60.0)


def test_the_table_at_the_end_of_a_plan_counts_nothing_twice(run):
    start(run, 1)
    feed(run, STATS)
    assert run.waiting["train"] == 5


def test_in_a_file_there_is_a_line_for_each_fifth(capsys):
    line = ProgressLine()
    for text in STATS.splitlines(keepends=True):
        line.see(text)
    for done in range(1, 9):
        line.see(f"{done} of 8 steps (1%) done\n")
    line.end()
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "8 jobs: 6 train, 1 plot_scorecard"
    assert [text.split(",")[0] for text in said[1:]] == [f"{n} of 8 jobs" for n in (1, 2, 4, 5, 7, 8)]
