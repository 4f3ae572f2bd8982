"""Settings of all tests, the projects that some run Snakemake in, and the tables made of what they saw."""

import gc
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from attacks import attack_examples, attack_models, whole_attack  # noqa: F401  (fixtures)
from other_attacks import other_examples, other_models  # noqa: F401  (fixtures)
from projects import Project, copy_project, finish

# What is imported stays to the end: not searching it for garbage saves a third of the time of collecting.
gc.disable()


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


# How long an example takes depends on what else the machine does; that is no property of the code.
settings.register_profile("miniature", deadline=None)
settings.load_profile("miniature")

TABLES = {
    "fault": (
        "docs/faults.md",
        "# What has been broken on purpose\n\n"
        "Each row is a test. After the fault the same command is run again; then every result is, byte for "
        "byte, that of a run\nthat nothing disturbed. Made by `python -m pytest -m fault --write-tables`.\n",
        ("case", "what happened", "what was left", "jobs of the next run"),
    ),
    "bad_input": (
        "docs/bad-input.md",
        "# Input that is refused\n\n"
        "Each row is a test, which also makes sure that nothing else on the disk has changed and that "
        "nothing in the input\nwas run. Made by `python -m pytest -m bad_input --write-tables`.\n",
        ("input", "message", "what was left"),
    ),
}


def pytest_addoption(parser):
    parser.addoption("--write-tables", action="store_true", help="write docs/faults.md or docs/bad-input.md")


def pytest_collection_modifyitems(items):
    """Mark what is too slow for `make check`; start with what runs Snakemake, as it takes longest."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("workflow", "slurm", "fault")):
            item.add_marker("slow")
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A project whose tiny study has run to its end. Tests must leave it as they found it: see `project`.

    The processes of one test run (`pytest -n`) share it: the first that needs it makes it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder, log = shared / "finished", shared / "finished.log"
    with FileLock(shared / "finished.lock"):
        if not log.exists():
            log.write_text(finish(folder))
    return Project(folder)


@pytest.fixture
def project(finished, tmp_path):
    """An editable copy of the finished project, with file times and Snakemake's records kept."""
    folder = tmp_path / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return Project(folder)


@pytest.fixture
def fresh(tmp_path):
    """A project that has not run yet."""
    return copy_project(tmp_path / "fresh")


@pytest.fixture
def table_row(request, tmp_path):
    """Put a row of what was seen into the table of faults or of bad input."""

    def add(*cells):
        request.node.user_properties.append(
            ("row", [str(cell).replace(f"{tmp_path}/", "") for cell in cells])
        )

    return add


class Tables:
    """Collects the rows of tests that passed."""

    def __init__(self):
        self.rows = {name: [] for name in TABLES}

    def pytest_runtest_logreport(self, report):
        """Keep the rows of a test that passed."""
        for name, rows in self.rows.items():
            if report.when == "call" and report.passed and name in report.keywords:
                rows += [row for key, row in report.user_properties if key == "row"]

    def pytest_sessionfinish(self, session):
        """Write each table that has rows; a row of a case that did not run this time stays as it was."""
        for name, rows in self.rows.items():
            file, head, columns = TABLES[name]
            if rows:
                path = Path(session.config.rootpath) / file
                lines = {cells[0]: _line(cells) for cells in (list(map(_cell, row)) for row in rows)}
                kept = {line.split(" | ")[0].removeprefix("| "): line for line in _rows_of(path)}
                body = {**kept, **lines}.values()
                heading = [_line(columns), "|" + " --- |" * len(columns)]
                path.write_text(f"{head}\n" + "\n".join([*heading, *body]) + "\n", encoding="utf-8")


def _line(cells):
    return "| " + " | ".join(cells) + " |"


def _rows_of(path):
    """Rows of a table that was written before, without its heading."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line for line in lines if line.startswith("| ") and not line.startswith("| ---")][1:]


def _cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def pytest_configure(config):
    if config.getoption("--write-tables"):
        config.pluginmanager.register(Tables())
