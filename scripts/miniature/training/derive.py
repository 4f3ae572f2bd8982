"""Make a model from another's fine-tuned checkpoint: cast, quantize, prune, drop layers or distill."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.utils import prune as pruning
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from miniature.files import atomic_folder, write_json
from miniature.messages import StudyError
from miniature.models.build import build_model, label_names
from miniature.models.checkpoints import CASTS, COMPUTED_IN, HEAD_CLASSES, load_result
from miniature.models.derived import (
    CALIBRATED,
    check_installed,
    check_shape,
    derived_by_training,
    kept_layers,
    shape_of,
    technique_of,
)
from miniature.models.folders import DERIVED, GRAPH_FILE
from miniature.models.quantize import export_graph, quantize_graph
from miniature.seeds import derive_seed, generator
from miniature.training.as_is import check_finite
from miniature.training.finetune import (
    FineTuning,
    fit,
    load_teacher,
    training_record,
    training_windows,
    write_checkpoint,
    write_tokenizer,
)

logger = logging.getLogger("miniature.training")

WHERE = "models: derive"
# Their extremes set the scales of a statically quantized model.
CALIBRATION_TEXTS = 100


def derive_model(
    derive: Mapping,
    origin_folder: str | os.PathLike,
    output_folder: str | os.PathLike,
    how: FineTuning,
    table: pd.DataFrame | None = None,
) -> None:
    """Make a model from another's checkpoint for the same task, and save it with its tokenizer.

    Parameters
    ----------
    derive : mapping
        The ``derive:`` block: ``from``, one of `miniature.models.derived.TECHNIQUES`, and ``recover``.
    origin_folder : path
        The checkpoint that it is made from, fine-tuned on this task; it also teaches a student.
    output_folder : path
        Written atomically: a checkpoint, or ``model.onnx`` with its configuration and tokenizer; and
        ``derived.json`` with the technique, the weights that it touched and how many are not zero.
    how : FineTuning
        The task, and the training where there is one.
    table : DataFrame, optional
        The training split, where something is trained or scales are taken from it.

    Raises
    ------
    StudyError
        The technique asks for a layer or head that is not there, a package is missing, the origin is a graph
        of ONNX, or numbers do not fit into the type that weights are cast to.
    """
    check_installed(derive, where=WHERE)
    origin, tokenizer = load_result(origin_folder, head=how.task)
    if not isinstance(origin, PreTrainedModel):
        raise StudyError(
            "A graph of ONNX has no weights that could be changed or trained.",
            where=WHERE,
            fix="from: the checkpoint that the graph was exported from",
        )
    for key, what, fix in check_shape(derive, shape_of(origin.config.to_dict()), origin=derive["from"]):
        raise StudyError(what, where=f"{WHERE}.{key}", fix=fix)
    origin.float()
    technique = technique_of(derive)
    model = student(derive, origin, origin_folder, how) if technique == "distill" else origin
    if hasattr(model.config, COMPUTED_IN):
        delattr(model.config, COMPUTED_IN)
    touched = EDITS[technique](model, derive[technique]) if technique in EDITS else {}
    record, training = {"technique": technique}, None
    if derived_by_training(derive):
        teacher, hidden = None, 0.0
        if technique == "distill":
            teacher = load_teacher(origin_folder, how.task, tokenizer, how.labels).float()
            hidden = float(derive[technique].get("hidden_layers", 0.0))
        curve, windows = fit(model, tokenizer, table, how, teacher=teacher, hidden=hidden)
        model.to("cpu").eval()
        training = training_record(curve, examples=len(table), windows=windows)
    for module in model.modules():
        if pruning.is_pruned(module) and hasattr(module, "weight_mask"):
            pruning.remove(module, "weight")
    if technique == "cast":
        model.to(CASTS[derive["cast"]])
        setattr(model.config, COMPUTED_IN, derive["cast"])
    check_finite(model, where=f"{WHERE}.{technique}")
    weights = list(model.parameters())
    record |= {"parameters": sum(w.numel() for w in weights)}
    record |= {"nonzero": sum(int(torch.count_nonzero(w)) for w in weights)}
    with atomic_folder(Path(output_folder)) as folder:
        if technique == "quantize":
            texts = []
            if derive["quantize"] == CALIBRATED:
                texts = calibration_texts(tokenizer, table, how)
            touched = write_quantized(model, tokenizer, derive["quantize"], how.task, folder, texts)
        else:
            write_checkpoint(model, tokenizer, folder)
        write_json(record | {"touched": touched}, folder / DERIVED)
        if training is not None:
            write_json(training, folder / "training.json")
    logger.info("%s: %s of %s", technique, touched or "all weights", derive["from"])


def layers_of(model: PreTrainedModel) -> torch.nn.ModuleList:
    """The numbered layers of an encoder."""
    base = model.base_model
    return base.transformer.layer if hasattr(base, "transformer") else base.encoder.layer


def prune_weights(model: PreTrainedModel, settings: Mapping) -> dict[str, int]:
    """Set the smallest weights of all layers' matrices to zero, and hold them there while it is trained."""
    modules = [m for m in layers_of(model).modules() if isinstance(m, torch.nn.Linear)]
    places = [(module, "weight") for module in modules]
    if settings["scope"] == "global":
        pruning.global_unstructured(
            places, pruning_method=pruning.L1Unstructured, amount=settings["sparsity"]
        )
    else:
        for module, name in places:
            pruning.l1_unstructured(module, name, amount=settings["sparsity"])
    return {"matrices": len(modules), "weights": sum(module.weight.numel() for module in modules)}


def prune_heads(model: PreTrainedModel, heads: Sequence[Sequence[int]]) -> dict[str, int]:
    """Take attention heads out, each given as its layer and its number."""
    by_layer: dict[int, set[int]] = {}
    for layer, head in heads:
        by_layer.setdefault(layer, set()).add(head)
    every = shape_of(model.config.to_dict()).heads
    gone = {layer: set(model.config.pruned_heads.get(layer, ())) for layer in by_layer}
    whole = [layer for layer, found in by_layer.items() if len(found | gone[layer]) >= every]
    if whole:
        raise StudyError(
            f"Layer {whole[0]} would keep no head; it has {every}.",
            where=f"{WHERE}.prune_heads",
            fix=f"drop_layers: [{whole[0]}]   # in its place",
        )
    model.prune_heads(by_layer)
    return {"heads": sum(len(found - gone[layer]) for layer, found in by_layer.items())}


def drop_layers(model: PreTrainedModel, dropped: Sequence[int]) -> dict[str, int]:
    """Take layers out; those that stay are numbered anew."""
    keep_layers(model, kept_layers({"drop_layers": dropped}, len(layers_of(model))))
    return {"layers": len(set(dropped))}


def keep_layers(model: PreTrainedModel, kept: Sequence[int]) -> None:
    """Keep some layers, in order."""
    layers = layers_of(model)
    chosen = [layers[number] for number in kept]
    pruned = {kept.index(n): heads for n, heads in model.config.pruned_heads.items() if n in kept}
    while len(layers):
        del layers[-1]
    layers.extend(chosen)
    model.config.num_hidden_layers = len(kept)
    model.config.pruned_heads = pruned


EDITS = {"prune": prune_weights, "prune_heads": prune_heads, "drop_layers": drop_layers}


def student(
    derive: Mapping,
    teacher: PreTrainedModel,
    folder: str | os.PathLike,
    how: FineTuning,
) -> PreTrainedModel:
    """A model to be taught: of a shape of its own with new weights, or some of its teacher's layers."""
    settings = derive["distill"]
    if "architecture" in settings:
        spec = {"architecture": settings["architecture"]}
        made, _ = build_model(
            spec, head=how.task, labels=how.labels, vocabulary=folder, seed=derive_seed(how.seed, "weights")
        )
        return made
    keep_layers(teacher, kept_layers(derive, len(layers_of(teacher))))
    for key, value in label_names(how.labels).items():
        setattr(teacher.config, key, value)
    return teacher


def calibration_texts(
    tokenizer: PreTrainedTokenizerFast,
    table: pd.DataFrame,
    how: FineTuning,
) -> list[dict[str, np.ndarray]]:
    """A sample of the training texts, each alone, as a graph takes them."""
    chosen = generator(how.seed, "calibration").permutation(len(table))[:CALIBRATION_TEXTS]
    rows = table.iloc[np.sort(chosen)].reset_index(drop=True)
    windows, _ = training_windows(tokenizer, rows, how)
    return [windows.batch(np.array([i]), pad_token=tokenizer.pad_token_id) for i in range(len(windows))]


def write_quantized(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    to: str,
    task: str,
    folder: Path,
    texts: Sequence[Mapping[str, np.ndarray]],
) -> dict[str, int]:
    """Write a model as a quantized graph; how many operators of each kind work on fewer bits."""
    # The exporter traces plain operations; the weights are the same whatever computes attention.
    plain = HEAD_CLASSES[task].from_config(model.config, attn_implementation="eager")
    plain.load_state_dict(model.state_dict())
    exported = folder / "exported.onnx"
    export_graph(plain.eval(), exported, head=task)
    touched = quantize_graph(exported, folder / GRAPH_FILE, to=to, texts=texts)
    exported.unlink()
    model.config._name_or_path = ""
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    write_tokenizer(tokenizer, folder)
    return touched
