"""What gets installed is pinned, in one place, and the environment files agree with it."""

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml

ENVS = Path(__file__).parents[2] / "envs"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def constraints():
    lines = (ENVS / "constraints.txt").read_text().splitlines()
    found = dict(
        re.fullmatch(rf"({NAME})==(\S+)", line).groups() for line in lines if not line.startswith("#")
    )
    return {normal(name): version for name, version in found.items()}


def test_constraints_are_exact_and_carry_no_local_build():
    assert len(constraints()) > 100
    assert not [version for version in constraints().values() if "+" in version or "@" in version]
    assert not [name for name in constraints() if name.startswith(("nvidia-", "triton"))]


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_constrained(file):
    lines = (ENVS / file).read_text().splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    assert names
    assert [name for name in names if normal(name) not in constraints()] == []


@pytest.mark.parametrize("file", ["analysis.yaml", "torch.yaml", "attack.yaml"])
def test_conda_environments_agree_with_constraints(file):
    packages = yaml.safe_load((ENVS / file).read_text())["dependencies"][-1]["pip"]
    for package in packages:
        name, version = package.split("==")
        assert constraints()[normal(name)] == version


def test_running_environment_is_the_pinned_one():
    names = [line for line in (ENVS / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    running = {name: metadata.version(name).partition("+")[0] for name in names}
    assert running == {name: constraints()[normal(name)] for name in names}


# Snakemake asks conda who it is and writes the recipe by itself.
CONDA = """#!/bin/sh
case "$1" in
  info) echo '{"conda_prefix": "/opt/conda", "platform": "linux-64"}' ;;
  config) echo '{"get": {"channel_priority": "strict"}}' ;;
  *) echo "conda 25.3.0" ;;
esac
"""


@pytest.mark.slow
@pytest.mark.workflow
def test_the_recipe_of_a_container_is_what_snakemake_writes(tmp_path):
    conda = tmp_path / "conda"
    conda.write_text(CONDA)
    conda.chmod(0o755)
    made = tmp_path / "Containerfile"
    path = f"{tmp_path}:{os.environ['PATH']}"
    with made.open("w") as file:
        subprocess.run(
            [sys.executable, "-m", "snakemake", "--containerize", "--configfile", "tests/config/tiny.yaml"],
            cwd=ENVS.parent, env=os.environ | {"PATH": path}, stdout=file, check=True,
        )  # fmt: skip
    copied = set(re.findall(r"^COPY (\S+) ", made.read_text(), flags=re.M))
    assert copied == {"envs/analysis.yaml", "envs/attack.yaml", "envs/torch.yaml"}
    assert (ENVS / "Containerfile").read_text() == made.read_text(), f"cp {made} envs/Containerfile"
