"""The SLURM profile: it speaks of every rule, names no site, and asks for GPUs as the site wants it."""

import re

import pytest
import yaml
import yte

from projects import ROOT

PROFILE = (ROOT / "profiles/slurm/config.yaml").read_text()
TABLE = yaml.safe_load(PROFILE)["__variables__"]["rules"]


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
    return set(re.findall(r"^rule (\w+):", text, flags=re.M)), local


def test_table_has_every_rule_that_runs_on_a_node_and_no_other():
    rules, local = rules_and_local_rules()
    assert len(rules) > 30
    assert set(TABLE) == rules - local


def test_memory_is_what_the_rule_says_and_what_starting_it_on_a_node_takes():
    for path in (ROOT / "rules").glob("*.smk"):
        for rule, body in re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", path.read_text(), flags=re.M):
            said = re.search(r"mem_mb=(?:memory\(([^)]*)\)|(\d+))", body)
            if rule not in TABLE:
                continue
            base, *times = re.findall(r"[^,\s]+", said.group(1) or said.group(2))
            asked, grows, _, on_gpu, _ = TABLE[rule]
            assert on_gpu == ("gpu=GPU" in body), rule
            assert asked >= int(base) + 300, rule
            assert grows == {name: int(n) for name, n in (term.split("=") for term in times)}, rule


def test_downloads_run_where_snakemake_runs():
    _, local = rules_and_local_rules()
    assert {"retrieve_model", "retrieve_dataset", "retrieve_artefact"} <= local


def test_shipped_profile_names_no_site():
    shipped = settings()
    words = {key for needs in shipped["set-resources"].values() for key in needs}
    assert words == {"mem_mb", "runtime", "turn"}
    assert set(shipped["default-resources"]) == {"mem_mb", "runtime"}


def test_everything_grows_with_attempts_and_only_the_profile_retries():
    for needs in settings()["set-resources"].values():
        assert needs["mem_mb"].startswith("attempt * ")
        assert needs["runtime"].startswith("attempt * ")
    assert settings()["retries"] >= 1
    for path in (ROOT / "rules").glob("*.smk"):
        assert not re.search(r"^\s+retries:", path.read_text(), flags=re.M), path


def test_account_and_partition_are_for_all_jobs():
    given = settings(account="mine", partition="long")["default-resources"]
    assert (given["slurm_account"], given["slurm_partition"]) == ("mine", "long")


@pytest.mark.parametrize(
    ("gpu", "asked"),
    [("gpu", {"gpu": 1}), ("gpu:a100:1", {"gpu": 0, "gres": "gpu:a100:1"})],
)
def test_gpu_flavours(gpu, asked):
    needs = settings(gpu=gpu, gpu_partition="fast")["set-resources"]
    plain = settings()["set-resources"]
    for rule, (_, _, _, needs_gpu, group) in TABLE.items():
        extra = {key: value for key, value in needs[rule].items() if key not in ("mem_mb", "runtime", "turn")}
        if needs_gpu:
            assert extra == {**asked, "slurm_partition": "fast"}, rule
            assert needs[rule]["mem_mb"] == plain[rule]["mem_mb"].replace(" + ", " + 3000 + ", 1), rule
        elif group == "model":
            # In one SLURM job with predictions: the same gres and partition, or Snakemake refuses the group.
            assert extra.get("gres") == asked.get("gres"), rule
            assert extra["slurm_partition"] == "fast"
        else:
            assert extra == {}, rule


def test_jobs_of_a_group_are_planned_one_after_another():
    shipped = settings()
    assert set(shipped["groups"]) == {
        rule for rule, needs in shipped["set-resources"].items() if "turn" in needs
    }
    assert shipped["resources"]["turn"] == 1
    assert shipped["set-resource-scopes"] == {"turn": "local"}
    # A limit on GPUs would be one for all jobs together.
    assert "gpu" not in shipped["resources"]


def test_memory_counts_files_in_folders(tmp_path):
    """The expression, evaluated as Snakemake does: twice the model's folder and sixty times the table."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model/weights").write_bytes(bytes(3_000_000))
    (tmp_path / "table").write_bytes(bytes(500_000))
    expression = settings()["set-resources"]["predict_split"]["mem_mb"]

    inputs = {"model": str(tmp_path / "model"), "table": str(tmp_path / "table")}

    from snakemake.ioutils import flatten

    base = TABLE["predict_split"][0]
    names = {"input": inputs, "flatten": flatten}
    assert eval(expression, {**names, "attempt": 1}) == base + 2 * 3 + 60 * 0.5
    assert eval(expression, {**names, "attempt": 3}) == 3 * (base + 36)
    assert eval(expression, {**names, "input": {"table": inputs["table"]}, "attempt": 1}) == base + 30
    inputs["model"] = str(tmp_path / "not there yet")
    # Which Snakemake takes for "to be determined"; zero would be a request for too little.
    with pytest.raises(FileNotFoundError):
        eval(expression, {**names, "attempt": 1})
