"""A model that is an ONNX graph, run by ONNX Runtime on the CPU, where a model of torch is expected."""

import logging
import os
from collections.abc import Sequence

import numpy as np
import torch
from transformers import PretrainedConfig
from transformers.modeling_outputs import (
    BaseModelOutput,
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
)

from miniature.messages import StudyError
from miniature.models.folders import Folder
from miniature.models.graphs import OUTPUTS, check_graph
from miniature.models.tokenizers import loading
from miniature.models.windows import Windows

logger = logging.getLogger("miniature.models")

# Texts that a batch is compared on with the same texts alone.
COMPARED = 16


class OnnxModel(torch.nn.Module):
    """An ONNX graph that answers as an encoder of transformers with a head does.

    Every text is run alone and unpadded, whatever batch it comes in: a graph with dynamic quantization scales
    its numbers by the largest of a batch, so that a text's outputs would depend on its neighbors.

    Parameters
    ----------
    source : Folder
        With a graph.
    config : PretrainedConfig
    head : str or None
        ``question-answering`` or ``classification``; None for an encoder, which gives its last layer alone.

    Raises
    ------
    StudyError
        The graph takes or gives something else, or ONNX Runtime cannot run it.
    """

    def __init__(self, source: Folder, config: PretrainedConfig, head: str | None):
        import onnxruntime

        super().__init__()
        (file,) = source.files
        check_graph(source.graph, file, head=head)
        self.config, self.head, self.graph = config, head, source.graph
        self.name_or_path = str(source.path)
        self.file = str(file)
        # A link of ours leads to the graph, and weights in other files lie beside that.
        path = os.path.join(file.parent, os.readlink(file)) if file.is_symlink() else str(file)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
        options.use_deterministic_compute = True
        options.log_severity_level = 4
        with loading("ONNX Runtime cannot load the graph", where=self.file, fix="fetch or export it again"):
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        # What a hook on the base model sees of a model of transformers.
        self.base_model = _LastLayer()
        self.order: list[int] | None = None
        self.names = [*OUTPUTS.get(head, ()), *([self.graph.last_layer] if self.graph.last_layer else [])]

    def __deepcopy__(self, memo):
        return self

    @property
    def hidden_size(self) -> int:
        """Width of the last layer; 0 where the graph does not put it out."""
        return self.config.hidden_size if self.graph.last_layer else 0

    @property
    def fixed_length(self) -> int | None:
        """Tokens that the graph takes, where it takes one number of them."""
        return self.graph.length

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        """Outputs of texts that are padded on the right, [batch, longest], each run alone."""
        ids = input_ids.cpu().numpy()
        mask = np.ones_like(ids) if attention_mask is None else attention_mask.cpu().numpy()
        types = np.zeros_like(ids) if token_type_ids is None else token_type_ids.cpu().numpy()
        rows = [
            self._run(ids[row : row + 1, :length], types[row : row + 1, :length])
            for row, length in enumerate(mask.sum(axis=1))
        ]
        outputs = [self._join([row[part] for row in rows], ids.shape[1]) for part in range(len(self.names))]
        hidden = outputs.pop() if self.graph.last_layer else torch.zeros((*ids.shape, 0))
        self.base_model(hidden)
        if self.head is None:
            return BaseModelOutput(last_hidden_state=hidden)
        if self.head == "question-answering":
            return QuestionAnsweringModelOutput(start_logits=outputs[0], end_logits=outputs[1])
        logits = outputs[0] if self.order is None else outputs[0][:, self.order]
        return SequenceClassifierOutput(logits=logits)

    def _run(self, ids: np.ndarray, types: np.ndarray, mask: np.ndarray | None = None) -> list[np.ndarray]:
        """Outputs of one batch, cut to its tokens where the graph takes only one length."""
        batch, length = ids.shape
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids) if mask is None else mask}
        given |= {"token_type_ids": types}
        more = (self.fixed_length or length) - length
        padding = {"input_ids": self.config.pad_token_id or 0, "attention_mask": 0, "token_type_ids": 0}
        feed = {
            name: np.pad(given[name], ((0, 0), (0, more)), constant_values=padding[name]).astype(value.type)
            for name, value in self.graph.inputs.items()
        }
        with loading("ONNX Runtime cannot run the graph", where=self.file, fix="export it again"):
            outputs = self.session.run(self.names, feed)
        for name, output in zip(self.names, outputs, strict=True):
            expected = (batch, length + more) if name != "logits" else (batch, self.config.num_labels)
            if output.shape[:2] != expected:
                raise StudyError(
                    f"The graph's output {name} has the shape {list(output.shape)}, and not "
                    f"{[*expected, *output.shape[2:]]}.",
                    where=self.file,
                    fix='"id2label": {...}   # in config.json, a name for each output of the head'
                    if name == "logits"
                    else "export the graph again",
                )
        return [
            output.astype(np.float32) if name == "logits" else output[:, :length].astype(np.float32)
            for name, output in zip(self.names, outputs, strict=True)
        ]

    def _join(self, parts: Sequence[np.ndarray], longest: int) -> torch.Tensor:
        """Outputs of single texts as one batch, padded with zeros where they are a row a token."""
        if self.head == "classification" and parts[0].ndim == 2:
            return torch.from_numpy(np.concatenate(parts))
        padded = [
            np.pad(part, ((0, 0), (0, longest - part.shape[1]), *[(0, 0)] * (part.ndim - 2)))
            for part in parts
        ]
        return torch.from_numpy(np.concatenate(padded))

    def describe_batches(self, windows: Windows, *, pad_token: int) -> tuple[float, int] | None:
        """Log by how much outputs would differ if texts were run in one batch instead of alone.

        Parameters
        ----------
        windows : Windows
            Of which the first sixteen of different lengths are run both ways.
        pad_token : int

        Returns
        -------
        difference : float
            Largest absolute difference of a logit.
        changed : int
            Texts whose highest logit is another one.

        None where the graph takes one text at a time, or there is one text only.
        """
        if len(windows) < 2 or self.graph.inputs["input_ids"].shape[0] == 1:
            return None
        # Evenly over the lengths, so that padding is part of it.
        order = np.argsort(windows.lengths, kind="stable")
        chosen = order[np.unique(np.linspace(0, len(order) - 1, COMPARED).round().astype(int))]
        batch = windows.batch(chosen, pad_token=pad_token)
        ids, mask, types = (batch[name] for name in ("input_ids", "attention_mask", "token_type_ids"))
        together = self._run(ids, types, mask)[0]
        difference, changed = 0.0, 0
        for row, length in enumerate(mask.sum(axis=1)):
            alone = self._run(ids[row : row + 1, :length], types[row : row + 1, :length])[0][0]
            other = together[row, : len(alone)]
            difference = max(difference, float(np.abs(alone - other).max()))
            changed += int(alone.argmax() != other.argmax())
        logger.log(
            logging.WARNING if changed else logging.INFO,
            "%s: in one batch of %d texts logits differ by up to %.2g from those of each text alone, and %d "
            "texts would be decided otherwise; every text is run alone",
            "dynamic quantization" if "DynamicQuantizeLinear" in self.graph.operators else "floating point",
            len(chosen),
            difference,
            changed,
        )
        return difference, changed


class _LastLayer(torch.nn.Module):
    """The last layer, given back as a base model of transformers gives it."""

    def forward(self, hidden: torch.Tensor) -> tuple[torch.Tensor]:
        return (hidden,)
