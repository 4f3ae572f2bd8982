"""Declarations of characteristics against the schema, the measures, and a study without most of them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from changed_studies import REMOVED, changed, validate
from miniature.characteristics.declared import DECLARED, measures_of
from miniature.config import plan
from miniature.config.defaults import load_schema
from miniature.config.validate import StudyErrors
from miniature.measures.registry import MEASURES

ROOT = Path(__file__).parents[2]
FRAGMENTS = load_schema()["properties"]["characteristics"]["properties"]
ONLY_ERRORS = [
    (("characteristics",), {"errors": {"tasks": ["encyclopedia"]}}),
    (("verdict",), {"errors": {"task": "encyclopedia", "measure": "jaccard", "keep": 0.8}}),
    (("figure1",), REMOVED),
]


def test_each_has_a_fragment_of_the_schema_and_no_other_has():
    assert list(FRAGMENTS) == list(DECLARED)


@pytest.mark.parametrize("name", DECLARED)
def test_settings_are_those_of_the_schema(name):
    declared = DECLARED[name]
    assert set(FRAGMENTS[name]["properties"]) == {"enabled", "tasks", *declared.settings}
    limits = {setting.limit for setting in declared.settings.values()} - {""}
    assert limits <= {"train", "test", *declared.settings}


@pytest.mark.parametrize("name", DECLARED)
def test_rules_package_and_compare_script_are_there(name):
    rules = (ROOT / "rules" / f"{name}.smk").read_text()
    for rule in (name, f"compare_{name}"):
        assert re.search(rf"^rule {rule}:$", rules, flags=re.M)
    assert (ROOT / "scripts" / f"compare_{name}.py").exists()
    assert (ROOT / "scripts" / "miniature" / "characteristics" / name / "compare.py").exists()


@pytest.mark.parametrize("name", DECLARED)
def test_the_default_of_a_verdict_is_one_of_its_measures(name):
    assert DECLARED[name].verdict["measure"] in measures_of(name)


def test_measures_name_characteristics_that_there_are():
    assert {name for measure in MEASURES.values() for name in measure.of} == set(DECLARED)


@pytest.mark.parametrize("name", DECLARED)
def test_paths_name_what_the_study_can_fill_in(name):
    declared = DECLARED[name]
    known = {"task", declared.per, "model"}
    for file in declared.files:
        assert set(re.findall(r"{(\w+)}", file)) <= known
        assert "{model}" in file
    for file in declared.summaries:
        assert set(re.findall(r"{(\w+)}", file)) == known - {"model", ""}


def test_a_declaration_imports_nothing_heavy():
    code = "import sys, miniature.characteristics.declared; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True, check=True
    )
    assert not {"numpy", "pandas", "pyarrow", "torch"} & set(done.stdout.split())


def test_a_characteristic_that_is_not_named_is_off(tmp_path):
    study = validate(changed(*ONLY_ERRORS), tmp_path)
    assert list(study["characteristics"]) == ["errors"]
    assert [name for name in DECLARED if plan.enabled(study, name)] == ["errors"]
    assert all(plan.tasks_of(study, name) == [] for name in DECLARED if name != "errors")
    assert plan.setting(study, "representation", "k_max") is None
    assert plan.least_examples(study, "encyclopedia", "test") == 1


@pytest.mark.parametrize("place", [("verdict", "calibration"), ("figure1",)])
def test_what_rests_on_a_characteristic_that_is_not_named_is_told_with_a_line_that_works(place, tmp_path):
    tiny = yaml.safe_load((ROOT / "tests" / "config" / "tiny.yaml").read_text())
    kept = tiny["figure1"] if place == ("figure1",) else tiny["verdict"]["calibration"]
    edits = [edit for edit in ONLY_ERRORS if edit[0] != place]
    with pytest.raises(StudyErrors) as caught:
        validate(changed(*edits, (place, kept)), tmp_path)
    lines = {}
    for error in caught.value.errors:
        assert "not named" in error.what or "not enabled" in error.what
        lines |= yaml.safe_load(error.fix)
    edits[0] = (("characteristics",), {**edits[0][1], **lines})
    validate(changed(*edits, (place, kept)), tmp_path)
