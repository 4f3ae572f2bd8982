"""Files of weights in a folder, and what can be read of them without torch."""

import json
import os
import shlex
from pathlib import Path

from miniature.messages import StudyError

PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")
# What other engines run; nothing here reads it.
ENGINE_SUFFIXES = (
    ".gguf", ".ggml", ".engine", ".plan", ".trt", ".tflite", ".mlmodel", ".mlpackage", ".xml", ".pte",
)  # fmt: skip
INDEX = "model.safetensors.index.json"
# Numbers as safetensors stores them that are what they say; whole numbers are packed or scaled weights.
NUMBER_TYPES = ("F64", "F32", "F16", "BF16")
ELSEWHERE = (
    "predictions: {<dataset>: {path: predictions.csv}}   # in place of path and as_is: its answers, from "
    "where it runs"
)


def weight_files(folder: str | os.PathLike, *, where: str | None = None) -> list[Path]:
    """List the safetensors files of a model folder; pickles are none."""
    folder = Path(folder)
    where = where or str(folder)
    single = folder / "model.safetensors"
    if single.is_file():
        return [single]
    index = folder / INDEX
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise StudyError(
                f"The index of the weights cannot be read: {error}.",
                where=str(index),
                fix="fetch the model again",
            ) from None
        missing = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
        if missing:
            raise StudyError(
                f"A file of weights is missing: {missing[0]}.", where=str(index), fix="fetch the model again"
            )
        return [folder / name for name in names]
    raise _no_weights(folder, where)


def _no_weights(folder: Path, where: str) -> StudyError:
    """Why a folder without ``model.safetensors`` is none that is run here, and what to do about it."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.name.startswith("."))
    graphs = [name for name in names if name.endswith(".onnx")]
    if graphs:
        return StudyError(
            f"The model's weights are there as {graphs[0]}, a graph of ONNX.",
            where=where,
            fix=f"onnx: {folder / graphs[0]}   # in place of path and as_is",
        )
    engines = [name for name in names if name.endswith(ENGINE_SUFFIXES)]
    if engines:
        return StudyError(
            f"The model is there as {engines[0]}, which another program runs.", where=where, fix=ELSEWHERE
        )
    if "adapter_config.json" in names:
        return StudyError(
            "The folder holds an adapter without the model that it changes.",
            where=where,
            fix=f"adapter: {folder}\nbase: folder/of/the/model   # both in place of path and as_is",
        )
    pickles = [name for name in names if "/" not in name and name.endswith(PICKLE_SUFFIXES)]
    if pickles:
        return StudyError(
            f"The model's weights are only there as {pickles[0]}, a format that can run code: not loaded.",
            where=where,
            fix="take a revision with model.safetensors, or save the model you trust anew with "
            "model.save_pretrained(folder, safe_serialization=True)",
        )
    others = [name for name in names if "/" not in name and name.endswith(".safetensors")]
    if others:
        return StudyError(
            f"The model folder holds {', '.join(others[:3])}, and no model.safetensors.",
            where=where,
            fix=f"mv {shlex.quote(str(folder / others[0]))} {shlex.quote(str(folder / 'model.safetensors'))}"
            if len(others) == 1
            else f"put the index of these files there: {INDEX}",
        )
    return StudyError(
        f"The model folder holds no model.safetensors: {folder}.", where=where, fix="fetch the model again"
    )


def tensor_shapes(file: str | os.PathLike) -> dict[str, list[int]]:
    """Names and shapes of the tensors in a safetensors file, read from its header only.

    Raises
    ------
    StudyError
        The file is cut off or is no safetensors file, or its numbers are packed.
    """
    from safetensors import SafetensorError, safe_open

    file = Path(file)
    try:
        with safe_open(file, framework="numpy") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118
            types = {name: part.get_dtype() for name, part in slices.items()}
            shapes = {name: list(part.get_shape()) for name, part in slices.items()}
    except (OSError, ValueError, SafetensorError) as error:
        raise StudyError(
            f"The file of weights is damaged: {error}.", where=str(file), fix="fetch or build the model again"
        ) from None
    for name, kind in types.items():
        # Positions are numbered in a buffer of some checkpoints.
        if kind not in NUMBER_TYPES and not name.endswith("_ids"):
            raise StudyError(
                f"The weights are packed: {name} holds {kind}, and only floating point is run here.",
                where=str(file),
                fix=ELSEWHERE,
            )
    return shapes
