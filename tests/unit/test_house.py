"""The house is as CONTRIBUTING draws it: who imports whom, and which files a new thing touches."""

import ast
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from miniature.characteristics.declared import DECLARED
from miniature.measures.registry import MEASURES
from miniature.measures.sets import FORMULAS

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "scripts" / "miniature"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
# From the ground up.
FLOORS = re.findall(
    r"^    (\w+) {2,}", CONTRIBUTING.partition("from the ground up")[2].partition("\n## ")[0], re.M
)


def listed(thing):
    """Paths that CONTRIBUTING lists for a new thing."""
    found = CONTRIBUTING.partition(f"**{thing}**")[2].partition("**")[0]
    return re.findall(r"^    (\S+)", found, flags=re.M)


def tracked_that_match(pattern, *folders):
    """Files that git knows, in some folders, of which a line matches."""
    done = subprocess.run(
        ["git", "grep", "-lE", "--untracked", pattern, "--", *folders],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return set(done.stdout.split())


def imports():
    """For each module of the library, modules of the library that it imports, local imports too."""
    names = {
        ".".join(path.relative_to(LIBRARY).with_suffix("").parts): path for path in LIBRARY.rglob("*.py")
    }
    found = defaultdict(set)
    for name, path in names.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "miniature":
                base = node.module.removeprefix("miniature").lstrip(".")
                full = [f"{base}.{alias.name}".lstrip(".") for alias in node.names]
                found[name] |= {module if module in names else base for module in full}
            elif isinstance(node, ast.Import):
                parts = [alias.name.partition(".") for alias in node.names]
                found[name] |= {rest for first, _, rest in parts if first == "miniature" and rest}
    return found


def test_the_map_has_every_package_and_module_once():
    there = {path.stem for path in LIBRARY.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    there |= {path.stem for path in LIBRARY.glob("*.py")} - {"__init__"}
    assert sorted(FLOORS) == sorted(there)


def test_nothing_imports_from_a_floor_above_its_own():
    upwards = [
        f"{name} imports {other}"
        for name, others in imports().items()
        # A program stands above all floors, and nobody imports it.
        if not name.endswith("__main__")
        for other in others
        if FLOORS.index(other.partition(".")[0]) > FLOORS.index(name.partition(".")[0])
    ]
    assert not upwards


def test_no_modules_import_each_other_in_a_circle():
    graph, open_, done = imports(), [], set()

    def visit(name):
        assert name not in open_, " -> ".join([*open_[open_.index(name) :], name])
        if name not in done:
            open_.append(name)
            for other in graph[name] - {name}:
                visit(other)
            done.add(open_.pop())

    for name in list(graph):
        visit(name)


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        *(("A characteristic", name) for name in DECLARED),
        ("A measure", "negative_flips"),
        ("A format of datasets", "mrqa"),
        ("A format of predictions", "lm_eval"),
        ("A source of models", "onnx"),
        ("A source of models", "adapter"),
    ],
)
def test_files_listed_for_a_new_thing_are_those_of_one_that_is_there(thing, name):
    paths = [path.format(name=name) for path in listed(thing)]
    assert 2 <= len(paths) <= 11
    for path in paths:
        assert name in path or name in (ROOT / path).read_text(), path
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize(
    ("thing", "name", "pattern"),
    [
        # The paper's tables and claims, and the tolerance of one model, are about older characteristics.
        ("A characteristic", "attribution", '"attribution"'),
        ("A format of datasets", "mrqa", '"mrqa"'),
        ("A format of predictions", "lm_eval", r"\blm_eval\b"),
        ("A source of models", "adapter", '"adapter"|AdaptedFolder'),
    ],
)
def test_no_other_file_names_it(thing, name, pattern):
    paths = {path.format(name=name) for path in listed(thing)}
    named = tracked_that_match(pattern, "scripts", "rules", "Snakefile")
    # Its own package, and the scripts of its own rules.
    rules = ROOT / "rules" / f"{name}.smk"
    own = set(re.findall(r"scripts/\w+\.py", rules.read_text())) if rules.exists() else set()
    own |= {path for path in named if f"characteristics/{name}/" in path or f"/{name}_" in path}
    assert named - own <= paths


def test_every_formula_of_sets_has_its_meaning():
    assert set(FORMULAS) <= set(MEASURES)
