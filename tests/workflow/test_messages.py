"""What a user reads after a mistake: no traceback, the place, the line to paste, before any job."""

import pytest

from miniature.characteristics.declared import DECLARED
from projects import copy_project, jobs_in

pytestmark = pytest.mark.workflow

CHARACTERISTICS = set(DECLARED)


def test_mistakes_in_a_study_stop_before_the_plan(fresh):
    fresh.edit_config(lambda config: config.update(sead=1, reference="larg"))
    done = fresh.run("--cores", "1", check=False)
    assert done.returncode != 0
    assert "Unknown key 'sead'" in done.stdout
    assert "'seed' is there already" in done.stdout
    assert "tiny.yaml" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (fresh.folder / "results").exists()


def test_another_study_replaces_the_embedded_one_also_through_the_shim_for_the_catalog(fresh):
    plan = fresh.run("-n").stdout
    assert "results/tiny/" in plan
    assert "results/embedded/" not in plan
    jobs = jobs_in(plan)
    assert ("all", "") in jobs
    assert fresh.planned("--snakefile", "workflow/Snakefile") == jobs


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The small study, which measures all but attribution, with attribution."""
    project = copy_project(tmp_path_factory.mktemp("whole"))
    project.edit_config(lambda config: config["characteristics"].setdefault("attribution", {}))
    return project


@pytest.mark.parametrize("target", [*sorted(CHARACTERISTICS), "figures", "tables"])
def test_named_targets(whole, target):
    jobs = {rule for rule, _ in whole.planned(target)}
    assert target in jobs
    compare = CHARACTERISTICS & {target}
    for name in compare:
        assert f"compare_{name}" in jobs
    others = CHARACTERISTICS - {target}
    if compare:
        assert not {f"compare_{name}" for name in others} & jobs
