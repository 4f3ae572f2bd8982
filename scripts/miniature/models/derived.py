"""How a model is made from another's fine-tuned checkpoint: what a study may ask for, without torch."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import NamedTuple

from miniature.messages import StudyError
from miniature.models.configuration import read_config

# A study names exactly one of them beside `from`; chains go from one model to the next.
TECHNIQUES = ("cast", "quantize", "prune", "prune_heads", "drop_layers", "distill")
# Those after which some training can win back what was lost.
RECOVERABLE = ("prune", "prune_heads", "drop_layers")
# The packages that each kind of quantization needs beside ONNX Runtime.
NEEDED = {
    "int8": ("onnx",),
    "int8-static": ("onnx",),
    "int8-weights": ("onnx", "onnx_ir"),
    "int4-weights": ("onnx", "onnx_ir"),
}
# The scales of its activations come from a sample of the training texts: others with another seed.
CALIBRATED = "int8-static"


class Shape(NamedTuple):
    """Layers, heads of each and width of an encoder."""

    layers: int
    heads: int
    hidden: int


def technique_of(derive: Mapping) -> str:
    """The one technique of a ``derive:`` block that has been checked.

    Examples
    --------
    >>> technique_of({"from": "large", "cast": "bf16"})
    'cast'
    """
    return next(name for name in TECHNIQUES if name in derive)


def derived_by_training(derive: Mapping) -> bool:
    """Whether a derived model is trained."""
    return "distill" in derive or bool(derive.get("recover"))


def sees_training_data(derive: Mapping) -> bool:
    """Whether a derived model depends on the training data, and so on a seed."""
    return derived_by_training(derive) or derive.get("quantize") == CALIBRATED


def becomes_graph(derive: Mapping) -> bool:
    """Whether a derived model is a graph of ONNX, from which nothing more can be derived."""
    return "quantize" in derive


def check_installed(derive: Mapping, *, where: str | None = None) -> None:
    """Refuse a technique whose packages are not there.

    Raises
    ------
    StudyError
        With the command that installs them.
    """
    missing = [name for name in NEEDED.get(derive.get("quantize"), ()) if find_spec(name) is None]
    if missing:
        raise StudyError(
            f"quantize: {derive['quantize']} needs {' and '.join(missing)}, which is not installed.",
            where=where,
            fix=f"pip install {' '.join(missing)}",
        )


def shape_of(config: Mapping) -> Shape:
    """Shape of an encoder by its ``config.json``, or BERT's where it does not say.

    Examples
    --------
    >>> shape_of({"model_type": "distilbert", "n_layers": 6, "n_heads": 12, "dim": 768})
    Shape(layers=6, heads=12, hidden=768)
    """
    if config["model_type"] == "distilbert":
        return Shape(config.get("n_layers", 6), config.get("n_heads", 12), config.get("dim", 768))
    keys = {"num_hidden_layers": 12, "num_attention_heads": 12, "hidden_size": 768}
    return Shape(*(config.get(key, usual) for key, usual in keys.items()))


def entry_shape(entry: Mapping, models: Mapping[str, Mapping]) -> Shape | None:
    """Shape of a model of a study; None where it is not known before it is fetched or made."""
    if "architecture" in entry:
        return Shape(*(entry["architecture"][key] for key in ("layers", "heads", "hidden")))
    if "path" in entry:
        try:
            found = shape_of(read_config(entry["path"]))
        except StudyError:
            return None  # reported by the check of the folder
        return found._replace(layers=min(found.layers, entry.get("layers", found.layers)))
    if "derive" not in entry:
        return None
    derive = entry["derive"]
    if "architecture" in derive.get("distill", {}):
        return entry_shape(derive["distill"], models)
    shape = entry_shape(models[derive["from"]], models)
    if shape is None:
        return None
    kept = kept_layers(derive, shape.layers)
    return shape._replace(layers=len(kept))


def kept_layers(derive: Mapping, layers: int) -> list[int]:
    """Numbers of the layers, from 0, that a derived model has of those of its origin.

    Examples
    --------
    >>> kept_layers({"from": "a", "drop_layers": [1]}, 3), kept_layers({"from": "a", "cast": "bf16"}, 2)
    ([0, 2], [0, 1])
    """
    if "distill" in derive and "layers" in derive["distill"]:
        return sorted(derive["distill"]["layers"])
    return [number for number in range(layers) if number not in derive.get("drop_layers", ())]


def check_shape(derive: Mapping, shape: Shape, *, origin: str) -> Iterator[tuple[str, str, str]]:
    """What a technique asks of a model that has not got it.

    Parameters
    ----------
    derive : mapping
        With one technique.
    shape : Shape
        Of the model that it starts from.
    origin : str
        That model's name.

    Yields
    ------
    key, what, fix : str
        The key that is wrong, the message and the line to paste.
    """
    last = shape.layers - 1
    has = f"'{origin}' has the layers 0 to {last}" if last else f"'{origin}' has layer 0 alone"
    dropped = [n for n in derive.get("drop_layers", ()) if n > last]
    if dropped:
        yield "drop_layers", f"There is no layer {dropped[0]} to drop: {has}.", f"drop_layers: [{last}]"
    elif "drop_layers" in derive and not kept_layers(derive, shape.layers):
        keep = f"drop_layers: {list(range(1, shape.layers))}"
        yield (
            "drop_layers",
            f"No layer of '{origin}' would be left.",
            keep if last else "cast: bf16   # in its place",
        )
    for layer, head in derive.get("prune_heads", ()):
        if layer > last or head >= shape.heads:
            yield (
                "prune_heads",
                f"There is no head {head} in layer {layer}: {has}, each with the heads 0 to "
                f"{shape.heads - 1}.",
                f"prune_heads: [[{min(layer, last)}, {min(head, shape.heads - 1)}]]",
            )
    distill = derive.get("distill", {})
    missing = [n for n in distill.get("layers", ()) if n > last]
    if missing:
        yield (
            "distill",
            f"There is no layer {missing[0]} to start from: {has}.",
            f"distill: {{layers: [{last}]}}",
        )
    width = distill.get("architecture", {}).get("hidden", shape.hidden)
    if distill.get("hidden_layers") and width != shape.hidden:
        yield (
            "distill",
            f"The hidden layers of a student of width {width} cannot be held against those of '{origin}', "
            f"which are {shape.hidden} wide.",
            f"distill: {{architecture: {{..., hidden: {shape.hidden}}}}}   # or leave hidden_layers out",
        )
