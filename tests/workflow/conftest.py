"""Projects that tests run Snakemake in."""

import shutil

import pytest

from projects import Project, copy_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose tiny study has run to its end. Tests must leave it as they found it: see `project`."""
    project = copy_project(tmp_path_factory.mktemp("finished"))
    project.log = project.run("--cores", "4").stdout
    return project


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
