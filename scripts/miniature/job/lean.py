"""Import transformers without what it imports of compilers and tools that no job here uses.

A third of the processor time of importing transformers goes into a compiler, distributed tensors and
scikit-learn. What it takes from these becomes a stand-in, which fetches the real thing once it is called or
looked into, and transformers is told that this torch has no distributed part, as some builds of torch have
none. Whoever imports these packages afterward gets them as they are.
"""

import importlib
import sys
from types import ModuleType
from unittest.mock import patch

# Modules that transformers takes names from while it is imported, and the modules of it that do so.
PUT_OFF = (
    "sklearn.metrics",
    "scipy.optimize",
    "torch._dynamo._trace_wrapped_higher_order_op",
    "transformers.integrations.flex_attention",
)
COMPILER = "torch._dynamo"
READERS = (
    "transformers.modeling_utils",
    "transformers.integrations.tensor_parallel",
    "transformers.generation.candidate_generator",
    "transformers.masking_utils",
)


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


def import_transformers() -> None:
    """Import the parts of transformers that every model needs, and put off what none here does.

    Does nothing where transformers is imported already.
    """
    if "transformers" in sys.modules:
        return
    import torch

    put_off = {name: _Module(name) for name in (*PUT_OFF, COMPILER) if name not in sys.modules}
    sys.modules.update(put_off)
    try:
        with patch.object(torch.distributed, "is_available", lambda: False):
            for name in READERS:
                importlib.import_module(name)
    finally:
        for name, module in put_off.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
