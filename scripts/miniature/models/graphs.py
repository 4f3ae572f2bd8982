"""A model as an ONNX graph: what its file says it takes and gives, read without running it, without torch.

The file is a message of Protocol Buffers; onnx.proto in the repository of ONNX gives the numbers of its
fields. Only the parts that matter are read: weights of gigabytes are stepped over.
"""

import math
import mmap
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from miniature.messages import StudyError, python_line

# Fields of the messages: model, graph, node, tensor, value, type and shape.
GRAPH, NODE, INITIALIZER, INPUT, OUTPUT = 7, 1, 5, 11, 12
OP_TYPE = 4
DIMS, DATA_TYPE, NAME, EXTERNAL_DATA, DATA_LOCATION = 1, 2, 8, 13, 14
ELEMENT_TYPES = {1: "float32", 6: "int32", 7: "int64", 10: "float16", 11: "float64"}

KNOWN_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUTS = {"classification": ("logits",), "question-answering": ("start_logits", "end_logits")}
AUTO_CLASSES = {
    "classification": "AutoModelForSequenceClassification",
    "question-answering": "AutoModelForQuestionAnswering",
}
EXPORT = (
    "import inspect, torch, transformers; f = %(folder)s; "
    "m = transformers.%(auto)s.from_pretrained("
    'f, output_hidden_states=True, return_dict=False, attn_implementation="eager").eval(); '
    'x = transformers.AutoTokenizer.from_pretrained(f)("a text", return_tensors="pt"); '
    "p = inspect.signature(m.forward).parameters; "
    'n = [k for k in ("input_ids", "attention_mask", "token_type_ids") if k in x and k in p]; '
    'h = ["hidden_states." + str(i) for i in range(m.config.num_hidden_layers + 1)]; '
    'o = %(outputs)s; b = {0: "batch"}; s = {0: "batch", 1: "sequence"}; '
    "torch.onnx.export(m, tuple(x[k] for k in n), %(file)s, input_names=n, output_names=o + h, dynamo=False, "
    'dynamic_axes={k: b if k == "logits" else s for k in n + o + h})'
)


class Value(NamedTuple):
    """An input or output: its type (empty for one that is not used here), and its shape, None where open."""

    type: str
    shape: tuple[int | None, ...]


class Graph(NamedTuple):
    """What an ONNX file says of itself.

    Attributes
    ----------
    inputs, outputs : dict of str to Value
        In order; weights are no inputs.
    parameters : int
        Numbers stored as weights, scales among them.
    external : tuple of str
        Files beside it that hold weights.
    operators : frozenset of str
    """

    inputs: dict[str, Value]
    outputs: dict[str, Value]
    parameters: int
    external: tuple[str, ...]
    operators: frozenset[str]

    @property
    def last_layer(self) -> str | None:
        """The output that is the last layer, shape (batch, sequence, hidden); None where there is none."""
        if "last_hidden_state" in self.outputs:
            return "last_hidden_state"
        layers = {name: name.removeprefix("hidden_states").lstrip("._") for name in self.outputs}
        numbered = {name: int(rest) for name, rest in layers.items() if name != rest and rest.isdecimal()}
        return max(numbered, key=numbered.get) if numbered else None

    @property
    def heads(self) -> list[str]:
        """Tasks whose outputs it gives."""
        return [task for task, names in OUTPUTS.items() if set(names) <= self.outputs.keys()]

    @property
    def length(self) -> int | None:
        """Tokens that it takes, no more and no fewer; None where it takes any number."""
        return self.inputs["input_ids"].shape[1]


def read_graph(file: str | os.PathLike) -> Graph:
    """Read what an ONNX file takes and gives.

    Parameters
    ----------
    file : path

    Returns
    -------
    Graph

    Raises
    ------
    StudyError
        There is no such file, it is cut off or no ONNX file, or a file of weights beside it is missing.
    """
    file = Path(file)
    if not file.is_file():
        raise StudyError(f"There is no file {file}.", where=str(file), fix="onnx: folder/of/the/model.onnx")
    try:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = _read_model(content)
    except (ValueError, IndexError, TypeError) as error:  # a field of another kind than its number says
        raise StudyError(
            f"The ONNX file is damaged or none: {error}.", where=str(file), fix="fetch or export it again"
        ) from None
    for name in found.external:
        if os.path.isabs(name) or ".." in Path(name).parts or not (file.parent / name).is_file():
            raise StudyError(
                f"The graph's weights are in another file, {name}, which does not lie beside it.",
                where=str(file),
                fix=f"copy {name} into {file.parent}",
            )
    return found


def check_graph(graph: Graph, file: Path, *, head: str | None = None) -> None:
    """Refuse a graph that takes or gives something else than a classifier or reader of texts does.

    Parameters
    ----------
    graph : Graph
    file : path
        For messages.
    head : str, optional
        The task whose outputs it must give.

    Raises
    ------
    StudyError
        With the command that exports a graph as it must be.
    """

    def wrong(what: str) -> StudyError:
        return StudyError(what, where=str(file), fix=export_line(head or "classification", file))

    strange = [name for name in graph.inputs if name not in KNOWN_INPUTS]
    if strange or "input_ids" not in graph.inputs:
        raise wrong(
            f"The graph takes {', '.join(graph.inputs) or 'nothing'}; what is known here is "
            f"{', '.join(KNOWN_INPUTS)}."
        )
    for name, value in graph.inputs.items():
        if value.type not in ("int64", "int32") or len(value.shape) != 2 or value.shape[0] not in (None, 1):
            raise wrong(
                f"The graph's input {name} is {_described(value)}, and not whole numbers of shape [batch, "
                "sequence] with any batch or one of 1."
            )
    if graph.length is not None and "attention_mask" not in graph.inputs:
        raise wrong(f"The graph takes texts of {graph.length} tokens, and nothing that masks shorter ones.")
    if head is None:
        return
    if head not in graph.heads:
        raise wrong(
            f"The graph gives {', '.join(graph.outputs)}, and not {' and '.join(OUTPUTS[head])}, which "
            f"{head} needs."
        )
    ranks = dict.fromkeys(OUTPUTS[head], 2) | ({graph.last_layer: 3} if graph.last_layer else {})
    for name, rank in ranks.items():
        value = graph.outputs[name]
        # An export may leave a shape out altogether.
        if not value.type.startswith("float") or (value.shape and len(value.shape) != rank):
            raise wrong(
                f"The graph's output {name} is {_described(value)}, and not numbers of {rank} dimensions."
            )


def export_line(head: str, file: str | os.PathLike, folder: str = "folder/of/the/checkpoint") -> str:
    """The command that exports a checkpoint with its head and every layer, for ``pip install onnx``."""
    values = {"folder": folder, "file": str(file), "outputs": list(OUTPUTS[head])}
    return python_line(EXPORT.replace("%(auto)s", AUTO_CLASSES[head]), **values)


def _described(value: Value) -> str:
    shape = ", ".join("?" if size is None else str(size) for size in value.shape)
    return f"{value.type or 'of another type'} of shape [{shape}]"


def _read_model(content: Sequence) -> Graph:
    graphs = [value for number, value in _fields(content, 0, len(content)) if number == GRAPH]
    if len(graphs) != 1 or not isinstance(graphs[0], tuple):
        raise ValueError("it holds no graph")
    inputs: dict[str, Value] = {}
    outputs: dict[str, Value] = {}
    weights: dict[str, int] = {}
    external: dict[str, None] = {}
    operators = set()
    for number, value in _fields(content, *graphs[0]):
        if number == NODE:
            operators |= {_text(content, v) for n, v in _fields(content, *value) if n == OP_TYPE}
        elif number == INITIALIZER:
            name, size, places = _read_tensor(content, *value)
            weights[name] = size
            external |= dict.fromkeys(places)
        elif number in (INPUT, OUTPUT):
            name, found = _read_value(content, *value)
            (inputs if number == INPUT else outputs)[name] = found
    if not operators:
        raise ValueError("its graph has no operators")
    # Old versions list the weights among the inputs too.
    inputs = {name: value for name, value in inputs.items() if name not in weights}
    return Graph(inputs, outputs, sum(weights.values()), tuple(external), frozenset(operators))


def _read_tensor(content: Sequence, start: int, end: int) -> tuple[str, int, list[str]]:
    """Name of a stored tensor, how many numbers it holds, and the files beside the graph that hold them."""
    name, dims, places, outside = "", [], [], False
    for number, value in _fields(content, start, end):
        if number == DIMS:
            dims += _packed(content, *value) if isinstance(value, tuple) else [value]
        elif number == NAME:
            name = _text(content, value)
        elif number == EXTERNAL_DATA:
            pair = {n: _text(content, v) for n, v in _fields(content, *value)}
            places += [pair[2]] if pair.get(1) == "location" else []
        elif number == DATA_LOCATION:
            outside = value == 1
    return name, math.prod(dims), places if outside else []


def _read_value(content: Sequence, start: int, end: int) -> tuple[str, Value]:
    name, kind, shape = "", "", []
    for number, value in _fields(content, start, end):
        if number == 1:
            name = _text(content, value)
        elif number == 2:
            for n, tensor in _fields(content, *value):
                for m, part in _fields(content, *tensor) if n == 1 else ():
                    if m == 1:
                        kind = ELEMENT_TYPES.get(part, "")
                    elif m == 2:
                        dims = [dict(_fields(content, *dim)) for _, dim in _fields(content, *part)]
                        shape = [dim.get(1) if dim.get(1) else None for dim in dims]
    return name, Value(kind, tuple(shape))


def _fields(content: Sequence, start: int, end: int) -> Iterator[tuple[int, int | tuple[int, int]]]:
    """Fields of a message: number, and a whole number or the place of what has a length."""
    while start < end:
        key, start = _varint(content, start)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, start = _varint(content, start)
        elif wire == 2:
            length, start = _varint(content, start)
            value, start = (start, start + length), start + length
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, start = (start, start + size), start + size
        else:
            raise ValueError(f"field {number} is of an unknown kind")
        if start > end or not number:
            raise ValueError("it is cut off")
        yield number, value


def _varint(content: Sequence, start: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        byte = content[start + place]
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value, start + place + 1
    raise ValueError("a number of it does not end")


def _packed(content: Sequence, start: int, end: int) -> list[int]:
    numbers = []
    while start < end:
        value, start = _varint(content, start)
        numbers.append(value)
    return numbers


def _text(content: Sequence, place: tuple[int, int]) -> str:
    return bytes(content[slice(*place)]).decode("utf-8")
