"""The paper's study is planned in full with no network and no GPU."""

import re
import resource

import pytest

from projects import copy_project, jobs_in

pytestmark = pytest.mark.workflow

NOWHERE = "http://127.0.0.1:9"
PAPER = "config/paper.yaml"
# Of a job of predict_split, as a plan shows it.
RESOURCES = r"^rule predict_split:\n(?: .*\n)*? +resources: .*?"


def processor_seconds():
    """Of finished children: what a plan takes on a machine that does nothing else."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """The paper's study as it stands: its project, what its plan printed, the seconds of a processor."""
    project = copy_project(tmp_path_factory.mktemp("paper"))
    environment = {
        "HF_ENDPOINT": NOWHERE, "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    start = processor_seconds()
    plan = project.run("-n", configfile=PAPER, **environment).stdout
    return project, plan, processor_seconds() - start


def test_plan_needs_no_network_no_gpu_and_less_than_ten_seconds(planned):
    project, plan, seconds = planned
    counts = dict(re.findall(r"^(\w+) +(\d+)$", plan, flags=re.M))
    expected = {
        "retrieve_model": 6, "retrieve_dataset": 3, "finetune_model": 18, "predict_split": 50,
        "find_neighbors": 10, "detect_ood": 10, "attack_model": 9,
    }  # fmt: skip
    assert {rule: int(counts[rule]) for rule in expected} == expected
    assert seconds < 10, f"{seconds:.1f} s"
    assert not (project.folder / "results").exists()
    assert not (project.folder / "resources" / "retrieved").exists()


def test_a_new_model_costs_its_own_jobs_only(planned, fresh):
    fresh.edit(
        PAPER,
        "  tiny-bert: {hub",
        "  electra: {hub: google/electra-small-discriminator, revision: main}\n  tiny-bert: {hub",
    )
    new = fresh.planned(configfile=PAPER) - jobs_in(planned[1])
    assert {rule for rule, _ in new} == {
        "retrieve_model", "finetune_model", "predict_split", "find_errors", "find_neighbors", "detect_ood",
        "attack_model", "measure_calibration", "attribute_model", "tabulate_changes",
    }  # fmt: skip
    assert all("electra" in wildcards for _, wildcards in new)


def test_the_authors_segments_cost_one_more_small_model(planned):
    project, plan, _ = planned
    done = project.run("-n", "--configfile", PAPER, "config/overlays/authors-segments.yaml", configfile=None)
    new = jobs_in(done.stdout) - jobs_in(plan)
    assert {rule for rule, _ in new} >= {"finetune_model", "predict_split", "attack_model"}
    assert all("tiny-bert-authors" in wildcards for _, wildcards in new)


def test_memory_grows_with_what_a_job_reads(finished, planned):
    done = finished.run("-n", "-R", "predict_split", "detect_ood")
    asked = set(re.findall(RESOURCES + r"mem_mb=(\d+)", done.stdout, flags=re.M))
    weights = finished.results / "models" / "encyclopedia" / "large" / "model.safetensors"
    assert asked
    # What a job starts with, then what it reads.
    assert all(1200 <= int(value) <= 1205 + 2 * weights.stat().st_size / 1e6 for value in asked)
    # Before anything is retrieved nobody knows.
    assert re.search(RESOURCES + r"gpu=1, mem_mb=<TBD>", planned[1], flags=re.M)
