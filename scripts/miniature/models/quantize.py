"""A model of torch as a graph of ONNX with weights of fewer bits, by ONNX Runtime's own tools."""

import logging
import os
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from miniature.models.checkpoints import takes_segments
from miniature.models.graphs import OUTPUTS

# Weights share a scale in blocks of so many; 32 is the smallest that MatMulNBits has kernels for.
BLOCK = 32
# Operators that compute with fewer bits, or whose weights have fewer.
FEWER_BITS = (
    "MatMulInteger", "DynamicQuantizeLinear", "QuantizeLinear", "DequantizeLinear", "MatMulNBits",
    "GatherBlockQuantized",
)  # fmt: skip


class _Answers(torch.nn.Module):
    """A model as the exporter takes it: tensors by place in, tensors out."""

    def __init__(self, model: PreTrainedModel, inputs: list[str]):
        super().__init__()
        self.model, self.inputs = model, inputs

    def forward(self, *tensors):
        given = dict(zip(self.inputs, tensors, strict=True))
        outputs = self.model(**given, output_hidden_states=True)
        if "start_logits" in outputs:
            return outputs.start_logits, outputs.end_logits, outputs.hidden_states[-1]
        return outputs.logits, outputs.hidden_states[-1]


def export_graph(model: PreTrainedModel, file: str | os.PathLike, *, head: str) -> None:
    """Write a model as a graph that takes texts of any number and length, and gives its last layer too.

    Parameters
    ----------
    model : PreTrainedModel
        In evaluation mode, with attention computed by plain operations (``eager``).
    file : path
    head : str
        ``question-answering`` or ``classification``.
    """
    inputs = ["input_ids", "attention_mask", *(["token_type_ids"] if takes_segments(model) else [])]
    outputs = [*OUTPUTS[head], "last_hidden_state"]
    # Two texts, the second padded, so that nothing is traced as if masks and batches were constant.
    ids = torch.full((2, 8), 5, dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    example = (ids, mask, torch.zeros_like(ids))[: len(inputs)]
    axes = {
        name: {0: "batch"} if name == "logits" else {0: "batch", 1: "sequence"} for name in inputs + outputs
    }
    with warnings.catch_warnings(), torch.no_grad():
        # About the exporter's own future, and about shapes that are what they are.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Answers(model, inputs), example, str(file), input_names=inputs, output_names=outputs,
            dynamic_axes=axes, dynamo=False,
        )  # fmt: skip


def quantize_graph(
    source: str | os.PathLike,
    target: str | os.PathLike,
    *,
    to: str,
    texts: Sequence[Mapping[str, np.ndarray]] = (),
) -> dict[str, int]:
    """Give the weights of a graph's matrix products and of its embeddings fewer bits.

    Parameters
    ----------
    source, target : path
        ``.onnx`` files.
    to : str
        ``int8``: weights and, while it runs, activations (dynamic quantization, a scale for each tensor).
        ``int8-static``: both, with scales of activations that are known before, from `texts`.
        ``int8-weights``, ``int4-weights``: weights alone, in blocks of 32 with a scale each; the embeddings
        of ``int8-weights`` with a scale for each tensor.
    texts : sequence of mapping of str to ndarray, each [1, tokens]
        Inputs to take scales from.

    Returns
    -------
    dict of str to int
        Operators with fewer bits in the new graph, by kind.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static

    class _Feeds(CalibrationDataReader):
        def __init__(self, feeds):
            self.feeds = feeds

        def get_next(self):
            return next(self.feeds, None)

    target = Path(target)
    # They advise a step that changes nothing here, once for each graph.
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        if to == "int8":
            quantize_dynamic(source, target, weight_type=QuantType.QInt8)
        elif to == "int8-static":
            takes = {value.name for value in onnx.load(source, load_external_data=False).graph.input}
            feeds = ({name: text[name] for name in text if name in takes} for text in texts)
            quantize_static(
                source, target, _Feeds(feeds), op_types_to_quantize=["MatMul", "Gather"],
                weight_type=QuantType.QInt8, extra_options={"MatMulConstBOnly": True},
            )  # fmt: skip
        else:
            from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

            bits = 8 if to == "int8-weights" else 4
            operators = ("MatMul",) if bits == 8 else ("MatMul", "Gather")
            quantizer = MatMulNBitsQuantizer(
                onnx.load(source), bits=bits, block_size=BLOCK, is_symmetric=True,
                op_types_to_quantize=operators,
            )  # fmt: skip
            with np.errstate(divide="ignore", invalid="ignore"):  # blocks of zeros alone stay zeros
                quantizer.process()
            quantizer.model.save_model_to_file(str(target), False)
            if bits == 8:
                quantize_dynamic(target, target, op_types_to_quantize=["Gather"], weight_type=QuantType.QInt8)
    finally:
        root.setLevel(level)
    kinds = Counter(node.op_type for node in onnx.load(target).graph.node)
    return {kind: kinds[kind] for kind in FEWER_BITS if kinds[kind]}
