"""Import and train with transformers without the compilers and tools that no job here uses.

Half of the processor time of importing transformers goes into a compiler, distributed tensors, scikit-learn
and the like. What it takes from these becomes a stand-in, which fetches the real thing once it is called or
looked into, and transformers is told that this torch has no distributed part, as some builds of torch have
none. Whoever imports these packages afterward gets them as they are.
"""

import contextlib
import importlib
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType, SimpleNamespace
from unittest.mock import patch

# Modules that transformers takes names from while it is imported, and the modules of it that do so.
COMPILER = "torch._dynamo"
COMPILERS = (
    COMPILER,
    "torch._dynamo._trace_wrapped_higher_order_op",
    "transformers.integrations.flex_attention",
)
TOOLS = ("scipy.optimize", "scipy.stats", "sklearn.metrics")
READERS = (
    "transformers.modeling_utils",
    "transformers.integrations.tensor_parallel",
    "transformers.generation.candidate_generator",
    "transformers.masking_utils",
)
# The trainer asks whether what it is given is a data set of this package.
TRAINER, ITS_DATA = "transformers.trainer", "datasets"


class _Name(type):
    """A class that stands for a name of a module that is not imported yet."""

    def _fetch(cls) -> object:
        if isinstance(sys.modules.get(cls._module), _Module):
            del sys.modules[cls._module]
        return getattr(importlib.import_module(cls._module), cls.__name__)

    def __call__(cls, *args: object, **kwargs: object) -> object:
        return cls._fetch()(*args, **kwargs)

    def __getattr__(cls, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(cls._fetch(), name)


class _Module(ModuleType):
    """A module whose names are all stand-ins."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__name__ == COMPILER and name == "allow_in_graph":
            # A mark that speaks to the compiler alone.
            return lambda function: function
        return _Name(name, (), {"_module": self.__name__})


def import_transformers(*, trainer: bool = False) -> None:
    """Import the parts of transformers that every model needs, and put off what none here does.

    Does nothing where transformers is imported already.

    Parameters
    ----------
    trainer : bool
        Its trainer too.
    """
    if "transformers" in sys.modules:
        return
    import torch

    with put_off(*COMPILERS, *TOOLS), patch.object(torch.distributed, "is_available", lambda: False):
        for name in READERS:
            importlib.import_module(name)
        if trainer:
            with put_off(ITS_DATA):
                importlib.import_module(TRAINER)


@contextlib.contextmanager
def put_off(*names: str) -> Iterator[None]:
    """Let stand-ins be imported in place of modules that are not imported yet."""
    with _standing_in(_Module(name) for name in names):
        yield


@contextlib.contextmanager
def no_compiler() -> Iterator[None]:
    """Tell optimizers and accelerate, while they train, that no model is compiled or spread over devices.

    They ask the packages that would have done so, which take longer to import than a small model to train.
    """
    with _standing_in([_NoCompiler(COMPILER), _Module("torch.distributed.tensor")]):
        yield


class _NoCompiler(_Module):
    """The compiler, as far as models are asked about that it has not compiled."""

    eval_frame = SimpleNamespace(OptimizedModule=type("OptimizedModule", (), {}))

    @staticmethod
    def disable(function, recursive=True, **_):
        return function

    @staticmethod
    def graph_break(msg=""):
        pass


@contextlib.contextmanager
def _standing_in(modules: Iterable[ModuleType]) -> Iterator[None]:
    """Let modules stand for those of their name that are not imported yet."""
    put_off = {module.__name__: module for module in modules if module.__name__ not in sys.modules}
    sys.modules.update(put_off)
    try:
        yield
    finally:
        for name, module in put_off.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
