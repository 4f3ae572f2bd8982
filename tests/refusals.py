"""What tests of bad input share: scripts run as Snakemake runs them, and what they leave on the disk."""

import contextlib
import hashlib
import importlib
import os
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

from miniature.messages import StudyError


class Canary:
    """A file that exists only after something that must not run has run."""

    def __init__(self, folder: Path):
        self.file = folder.parent / f"{folder.name}-canary"

    def __reduce__(self):
        return (os.system, (f"touch '{self.file}'",))

    def pickled(self) -> bytes:
        """Bytes that make the file when they are unpickled."""
        return pickle.dumps(self)

    def sings(self) -> bool:
        """Whether it has run; unpickled here it does, so that a test that sees nothing has looked."""
        return self.file.exists()


class Named(dict):
    """Inputs, outputs or parameters as Snakemake gives them: by name and by number."""

    def __getattr__(self, name):
        return self[name]

    def __getitem__(self, key):
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)

    def __iter__(self):
        return iter(self.values())


def run_script(script, *, output, wildcards=None, params=None, config=None, **inputs):
    """Run a script's main in this process, as Snakemake would call it."""
    importlib.import_module(script).main(
        SimpleNamespace(
            input=Named(inputs),
            output=Named(output=output) if not isinstance(output, dict) else Named(output),
            params=Named(params or {}),
            wildcards=Named(wildcards or {}),
            config=config or {},
            log=[],
        )
    )


def tree(folder):
    """Every file below a folder with the digest of its bytes, and every folder; links as what they say."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = "folder"
    return found


@contextlib.contextmanager
def refused(folder, *parts, renamed=()):
    """Expect a refusal that can be acted on, and a disk as it was but for the files renamed ``.damaged``.

    Parameters
    ----------
    folder : Path
        Everything that the code under test may reach.
    *parts : str
        Words of the message.
    renamed : iterable of str
        Files below the folder that are set aside.
    """
    before = tree(folder)
    told = SimpleNamespace()
    with pytest.raises(StudyError) as caught:
        yield told
    told.message = str(caught.value)
    for part in parts:
        assert part in told.message, told.message
    for word in ("where:", "fix:"):
        assert word in told.message, told.message
    assert all(c == "\n" or c.isprintable() for c in told.message)
    assert len(told.message) < 6000
    expected = {}
    for name, content in before.items():
        moved = next((r for r in renamed if name == r or name.startswith(f"{r}/")), None)
        expected[name if moved is None else f"{moved}.damaged{name[len(moved) :]}"] = content
    assert tree(folder) == expected
    told.left = ", ".join(f"{Path(name).name}.damaged" for name in renamed) or "everything as it was"
