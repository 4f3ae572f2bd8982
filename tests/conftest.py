"""Settings of all tests, and the projects that some of them run Snakemake in."""

import shutil

import pytest
from hypothesis import settings

from attacks import attack_examples, attack_models, whole_attack  # noqa: F401  (fixtures)
from projects import Project, copy_project

# How long an example takes depends on what else the machine does; that is no property of the code.
settings.register_profile("miniature", deadline=None)
settings.load_profile("miniature")


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
