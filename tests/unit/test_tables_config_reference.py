"""config/README.md explains every key that the schema allows and no other; its examples are allowed."""

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from miniature.attack.recipe import KEYS_OF, PRESETS
from miniature.config.resolve import spell_out

CONFIG = Path(__file__).parents[2] / "config"
SCHEMA = yaml.safe_load((CONFIG / "schema.yaml").read_text(encoding="utf-8"))
ROW = re.compile(r"^\| `([^`]+)` \| (.+?) \| (.+?) \| `([^`]+)` \|$", flags=re.MULTILINE)
ROWS = ROW.findall((CONFIG / "README.md").read_text(encoding="utf-8"))

# Shared parts of the schema are explained once, under the path that a reader meets first.
SHARED = {
    "architecture": "architecture",
    "training": "training.<task>",
    "model": "models.<name>",
    "derive": "derive",
    "source": "source",
    "dataset": "datasets.<name>",
    "split": "datasets.<name>.splits.<split>",
    "recipe": "characteristics.vulnerability.recipes.<name>",
}
PLACEHOLDERS = {"verdict": "<characteristic>", "figure1.panels": "<letter>"}
# Blocks that are explained by their keys alone.
UNEXPLAINED = {
    "compute", "question_answering", "classification", "inference", "characteristics", "statistics",
    "figure1",
}  # fmt: skip
RECIPES = "characteristics.vulnerability.recipes.<name>."


def keys_below(schema, path):
    """Every key path that the schema allows, with the schema of its value."""
    for name, value in schema.get("properties", {}).items():
        key = f"{path}.{name}" if path else name
        yield key, value
        yield from keys_below(value, key)
    more = schema.get("additionalProperties")
    if isinstance(more, dict) and "properties" in more:
        yield from keys_below(more, f"{path}.{PLACEHOLDERS.get(path, '<name>')}")


def validate(value, schema):
    jsonschema.Draft202012Validator(schema | {"$defs": SCHEMA["$defs"]}).validate(value)


def allowed():
    found = dict(keys_below(SCHEMA, ""))
    for shared, path in SHARED.items():
        found |= dict(keys_below(SCHEMA["$defs"][shared], path))
    return found


def test_every_key_is_explained_once_and_no_other():
    explained = [key for key, *_ in ROWS]
    assert len(explained) == len(set(explained))
    assert set(explained) == set(allowed()) - UNEXPLAINED


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_example_is_allowed(row):
    key, _, _, example = row
    validate(yaml.safe_load(example), allowed()[key])


def recipe_rows():
    return {key.removeprefix(RECIPES): example for key, _, _, example in ROWS if key.startswith(RECIPES)}


def test_keys_of_a_recipe_stand_in_the_order_of_the_schema():
    assert [key for key in recipe_rows() if "." not in key] == [*SCHEMA["$defs"]["recipe"]["properties"]]


@pytest.mark.parametrize("key", [key for key in recipe_rows() if "." not in key and key != "preset"])
def test_a_row_says_which_attacks_have_its_key(key):
    [meaning] = [row[2] for row in ROWS if row[0] == RECIPES + key]
    kinds = SCHEMA["$defs"]["recipe"]["properties"]["kind"]["enum"]
    only = re.search(r"Only: (.*)\.$", meaning)
    assert (only.group(1).split(", ") if only else kinds) == [k for k in kinds if key in KEYS_OF[k]]


def test_the_presets_are_listed():
    text = (CONFIG / "README.md").read_text(encoding="utf-8")
    table = text[text.index("| preset |") :].split("\n\n")[0]
    assert set(
        re.findall(r"`([a-z0-9-]+)`", re.sub(r"\|[^|]*\|[^|]*\|$", "", table, flags=re.MULTILINE))
    ) == {*PRESETS}


def test_the_blocks_of_the_docs_follow_the_schema():
    text = (CONFIG.parent / "docs/own-study.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)]
    assert {key for block in blocks for key in block} >= {"models", "datasets", "characteristics"}
    for block in blocks:
        for key, value in spell_out(block, [])[0].items():
            validate(value, SCHEMA["properties"][key])
