"""A version of the code that a script can reach, so that an edit reruns the rules that use it and no others.

Snakemake notices an edited script, but not an edited module that the script imports: results would silently
go stale. Here a script's version is a digest of every top-level definition of the library that can be reached
from it by name. Comments, docstrings, annotations, log calls and the text of error messages are excluded,
because they change no result; so are module names and imports of the library inside functions: moving code to
another module reruns nothing.

The analysis is static and errs on the side of rerunning: a class counts as a whole, a module used as a value
counts as a whole, and every reachable module contributes the statements that run on import.
"""

import ast
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

# The parts of the wrapper around every script that can change results.
FRAME = (("miniature.job.compute", "set_threads"),)
LOGGERS = {"logger", "logging", "log", "warnings"}


@dataclass
class Module:
    """One source file, split into the parts that can change a result.

    Parameters
    ----------
    name : str
        Dotted name, e.g. ``miniature.measures.sets``.
    tree : ast.Module
        Its syntax tree.
    """

    name: str
    tree: ast.Module
    is_package: bool = False
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)

    def __post_init__(self):
        for statement in self.tree.body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                self.definitions.setdefault(statement.name, []).append(statement)
            elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
                names = [n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and _stored(n)]
                for name in names or [""]:
                    self.definitions.setdefault(name, []).append(statement)
            elif not isinstance(statement, ast.Import | ast.ImportFrom) and not _is_silent(statement):
                self.effects.append(statement)

    @cached_property
    def aliases(self) -> dict[str, list[tuple[str, str | None]]]:
        """Local name -> (module, name in it or None for the module itself), from imports at any depth."""
        found: dict[str, list[tuple[str, str | None]]] = {}
        package = self.name if self.is_package else self.name.rpartition(".")[0]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    target = alias.name if alias.asname else alias.name.partition(".")[0]
                    found.setdefault(alias.asname or target, []).append((target, None))
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parents = package.split(".")
                    parents = parents[: len(parents) - node.level + 1]
                    base = ".".join([*parents, *([node.module] if node.module else [])])
                for alias in node.names:
                    found.setdefault(alias.asname or alias.name, []).append((base, alias.name))
        return found


def _stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _is_silent(statement: ast.stmt) -> bool:
    """Whether a statement cannot change a result: a docstring or other constant, or a log call."""
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    if isinstance(value, ast.Constant):
        return True
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return False
    base = value.func.value
    return isinstance(base, ast.Name) and base.id.lower() in LOGGERS


class _Essence(ast.NodeTransformer):
    """Strip from a definition everything that cannot change a result."""

    def __init__(self, is_library):
        self.is_library = is_library

    def _strip_body(self, node):
        self.generic_visit(node)
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(node, block, None)
            if isinstance(statements, list):
                kept = [s for s in statements if not _is_silent(s)]
                if not kept and block == "body":
                    kept = [ast.Pass()]
                setattr(node, block, kept)
        return node

    visit_If = visit_For = visit_While = visit_With = visit_Try = visit_ExceptHandler = _strip_body  # noqa: N815
    visit_ClassDef = _strip_body  # noqa: N815

    def visit_FunctionDef(self, node):
        node.returns = None
        return self._strip_body(node)

    def visit_Import(self, node):
        # Names are resolved elsewhere; the location of a definition changes no result.
        node.names = [alias for alias in node.names if not self.is_library(alias.name)]
        return node if node.names else None

    def visit_ImportFrom(self, node):
        return None if node.level or self.is_library(node.module) else node

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_Raise(self, node):
        # Which exception is raised, and when, matters; its text does not.
        node = ast.copy_location(ast.Raise(exc=node.exc, cause=None), node)
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        return node


def _essence(statement: ast.stmt, is_library: Callable[[str], bool]) -> str:
    """Text of a statement without the parts that cannot change a result; modifies the statement."""
    return ast.unparse(_Essence(is_library).visit(statement))


class CodeMap:
    """The definitions of a folder of scripts and of the library in it.

    Parameters
    ----------
    folder : path
        The folder that scripts run from (``scripts/``): scripts are ``*.py`` in it, packages lie below it.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self._modules: dict[str, Module | None] = {}
        self._essences: dict[ast.stmt, tuple[str, set[tuple[str, str]]]] = {}
        self._resolved: dict[tuple[str, str], set[tuple[str, str]]] = {}

    def module(self, name: str) -> Module | None:
        """Module with this dotted name, or None if it is not in this folder."""
        if name not in self._modules:
            path = self.folder.joinpath(*name.split("."))
            source = path / "__init__.py"
            is_package = source.is_file()
            if not is_package:
                source = path.with_suffix(".py")
            # The wrapper around every script (`_job`) logs and catches errors; only FRAME changes results.
            found = bool(name) and source.is_file() and not name.startswith("_")
            self._modules[name] = (
                Module(name, ast.parse(source.read_text(encoding="utf-8")), is_package) if found else None
            )
        return self._modules[name]

    def _is_library(self, module: str) -> bool:
        """Whether an imported module is in this folder."""
        return self.module(module.partition(".")[0]) is not None

    def _resolve(self, module: str, name: str) -> set[tuple[str, str]]:
        """Definitions that a name in a module refers to, following re-exports; '*' is a whole module."""
        key = (module, name)
        if key not in self._resolved:
            self._resolved[key] = self._find(module, name)
        return self._resolved[key]

    def _find(self, module: str, name: str) -> set[tuple[str, str]]:
        if self.module(f"{module}.{name}") is not None and name not in self.module(module).definitions:
            return {(f"{module}.{name}", "*")}
        source = self.module(module)
        if source is None:
            return set()
        if name in source.definitions:
            return {(module, name)}
        found = set()
        for target, inner in source.aliases.get(name, []):
            if inner is None:
                if self.module(target) is not None:
                    found.add((target, "*"))
            elif self.module(target) is not None:
                # The import runs the module, even if the name itself comes from outside the library.
                found |= {(target, "")} | self._resolve(target, inner)
        return found

    def _references(self, module: str, statement: ast.stmt) -> set[tuple[str, str]]:
        """Library definitions that a statement of a module refers to by name."""
        found = set()
        parents_of_modules = set()
        nodes = list(ast.walk(statement))
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
                for target, name in self._resolve_chain(module, node.value):
                    if name == "*":  # module.attribute: only that attribute is used
                        parents_of_modules.add(id(node.value))
                        found |= self._resolve(target, node.attr)
        for node in nodes:
            if isinstance(node, ast.Name) and id(node) not in parents_of_modules:
                found |= self._resolve(module, node.id)
        return found

    def _resolve_chain(self, module: str, node: ast.expr) -> set[tuple[str, str]]:
        if isinstance(node, ast.Name):
            return self._resolve(module, node.id)
        if isinstance(node, ast.Attribute):
            found = set()
            for target, name in self._resolve_chain(module, node.value):
                if name == "*":
                    found |= self._resolve(target, node.attr)
            return found
        return set()

    def _essence_of(self, module: str, name: str) -> tuple[str, set[tuple[str, str]]]:
        """Text and references of a definition; of the whole module for ``*``, of its import for ``""``."""
        source = self.module(module)
        if name == "":
            nodes = source.effects + source.definitions.get("", [])
        elif name == "*":
            nodes = [node for nodes in source.definitions.values() for node in nodes]
        else:
            nodes = source.definitions[name]
        parts = []
        for node in dict.fromkeys(nodes):
            if node not in self._essences:
                # In this order: annotations are references too, and are stripped.
                references = self._references(module, node)
                self._essences[node] = (_essence(node, self._is_library), references)
            parts.append(self._essences[node])
        return "\n".join(text for text, _ in parts), set().union(*(found for _, found in parts))

    def version(self, script: str) -> str:
        """Digest of every definition that a script can reach, regardless of its module."""
        if self.module(script) is None:
            raise FileNotFoundError(self.folder / f"{script}.py")
        waiting, seen = [(script, "*"), (script, "")], set()
        waiting += [key for key in FRAME if self.module(key[0]) is not None]
        texts = set()
        while waiting:
            key = waiting.pop()
            if key in seen:
                continue
            seen.add(key)
            text, references = self._essence_of(*key)
            if text:
                texts.add(f"{key[1]}\n{text}")
            waiting.extend(references)
            waiting.extend((target, "") for target, _ in references)
        return hashlib.sha256("\x1f".join(sorted(texts)).encode()).hexdigest()[:16]
