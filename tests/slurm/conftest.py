"""Tests over a real SLURM.

sudo python tests/slurm/cluster.py up
MINIATURE_SLURM=1 python -m pytest -m slurm
sudo python tests/slurm/cluster.py down
"""

import os

import cluster
import pytest
from slurm_projects import SITE, SlurmProject

from projects import copy_project


def pytest_collection_modifyitems(items):
    """Leave out what needs a SLURM where none is said to run."""
    if os.environ.get("MINIATURE_SLURM") == "1":
        assert "UP" in cluster.run("scontrol", "ping"), "MINIATURE_SLURM=1 is set, but no SLURM answers"
        return
    reason = "needs a SLURM: `sudo python tests/slurm/cluster.py up`, then MINIATURE_SLURM=1"
    for item in items:
        if item.get_closest_marker("slurm"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """Function: a new copy of the project, with site values."""

    def make(**site):
        return SlurmProject(copy_project(tmp_path_factory.mktemp("slurm")).folder, site={**SITE, **site})

    return make
