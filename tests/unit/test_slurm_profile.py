"""The SLURM profile: it speaks of every rule, names no site, and asks for GPUs as the site wants it."""

import re
from pathlib import Path

import pytest
import yaml
import yte

from projects import ROOT

PROFILE = (ROOT / "profiles/slurm/config.yaml").read_text()
VARIABLES = yaml.safe_load(PROFILE)["__variables__"]
GPU_RULES, SHARED = VARIABLES["gpu_rules"], VARIABLES["shared"]


def settings(**site):
    """The profile as Snakemake reads it, with lines of its site block filled in."""
    text = PROFILE
    for name, value in site.items():
        text, count = re.subn(rf'^(  {name}: )("")', rf'\1"{value}"', text, flags=re.M)
        assert count == 1, name
    return yte.process_yaml(text, require_use_yte=True)


def rules_and_local_rules():
    text = "\n".join(path.read_text() for path in [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")])
    blocks = re.findall(r"^localrules:\n((?:    .*\n)+)", text, flags=re.M)
    local = {name for block in blocks for name in re.findall(r"\w+", block)}
    rules = dict(re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", text, flags=re.M))
    return rules, local | {rule for rule, body in rules.items() if "    localrule: True\n" in body}


def test_groups_are_of_rules_that_run_on_a_node():
    rules, local = rules_and_local_rules()
    assert len(rules) > 30
    grouped = [rule for names in SHARED.values() for rule in names]
    assert len(grouped) == len(set(grouped)) > 15
    assert set(grouped) <= set(rules) - local


def test_what_uses_a_gpu_is_what_the_rules_say():
    rules, _ = rules_and_local_rules()
    assert set(GPU_RULES) == {rule for rule, body in rules.items() if "gpu=GPU" in body}


def test_every_rule_that_runs_on_a_node_says_its_memory_and_its_minutes():
    rules, local = rules_and_local_rules()
    for rule in set(rules) - local:
        assert re.search(r"^ {8}mem_mb=memory\(", rules[rule], flags=re.M), rule
        assert re.search(r"^ {8}runtime=minutes\(\d+\),$", rules[rule], flags=re.M), rule


def helpers(**names):
    """The helpers of the rules, as common.smk defines them."""
    text = (ROOT / "rules/common.smk").read_text()
    found = {"Path": Path, **names}
    # From the constants before `memory` up to the next helper that needs more than files.
    exec(re.search(r"^def megabytes_of\(.*?(?=^def only\()", text, flags=re.M | re.S).group(), found)
    return found


def test_downloads_run_where_snakemake_runs():
    _, local = rules_and_local_rules()
    assert {"retrieve_model", "retrieve_dataset", "retrieve_artifact"} <= local


def test_shipped_profile_names_no_site():
    shipped = settings()
    words = {key for needs in shipped["set-resources"].values() for key in needs}
    assert words == {"turn"}
    assert set(shipped["default-resources"]) == {"mem_mb", "runtime"}


def test_only_the_profile_retries():
    assert settings()["retries"] >= 1
    for path in (ROOT / "rules").glob("*.smk"):
        assert not re.search(r"^\s+retries:", path.read_text(), flags=re.M), path


def test_account_and_partition_are_for_all_jobs():
    given = settings(account="mine", partition="long")["default-resources"]
    assert (given["slurm_account"], given["slurm_partition"]) == ("mine", "long")


@pytest.mark.parametrize(("gpu", "asked"), [("", {}), ("gpu:a100:1", {"gpu": 0, "gres": "gpu:a100:1"})])
def test_a_gpu_by_its_number_or_by_the_sites_gres(gpu, asked):
    needs = settings(gpu=gpu, gpu_partition="fast")["set-resources"]
    extra = {rule: {k: v for k, v in found.items() if k != "turn"} for rule, found in needs.items()}
    # In one SLURM job with predictions: the same gres and partition, or Snakemake refuses the group.
    near = {*GPU_RULES, *SHARED["model"]}
    assert {rule for rule, found in extra.items() if found} == near
    assert all(extra[rule] == {**asked, "slurm_partition": "fast"} for rule in near)


def test_jobs_of_a_group_are_planned_one_after_another():
    shipped = settings()
    assert set(shipped["groups"]) == {
        rule for rule, needs in shipped["set-resources"].items() if "turn" in needs
    }
    assert shipped["resources"]["turn"] == 1
    assert shipped["set-resource-scopes"] == {"turn": "local"}
    # A limit on GPUs would be one for all jobs together.
    assert "gpu" not in shipped["resources"]


@pytest.mark.parametrize("gpu", [0, 1])
def test_memory_grows_with_files_and_with_attempts(tmp_path, gpu):
    """Twice the model's folder and sixty times the table, beside what any job takes."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model/weights").write_bytes(bytes(3_000_000))
    (tmp_path / "table").write_bytes(bytes(500_000))
    inputs = {"model": str(tmp_path / "model"), "table": [str(tmp_path / "table")]}
    found = helpers(GPU=gpu)
    needed, base = found["memory"](900, model=2, table=60), 900 + 300 + 3000 * gpu
    assert needed(None, inputs, attempt=1) == base + 2 * 3 + 60 * 0.5
    assert needed(None, inputs, attempt=3) == 3 * (base + 36)
    assert needed(None, {"table": inputs["table"]}, attempt=1) == base + 30
    assert found["minutes"](60)(None, attempt=3) == 180
    inputs["model"] = str(tmp_path / "not there yet")
    # Which Snakemake takes for "to be determined"; zero would be a request for too little.
    with pytest.raises(FileNotFoundError):
        needed(None, inputs, attempt=1)
