"""Classes, their probabilities and embeddings of a classification table."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from miniature.inference.forward import hidden_size, in_precision, origin, pool, run_forward
from miniature.inference.outputs import check_outputs
from miniature.messages import StudyError
from miniature.models.checkpoints import check_length, load_result, order_outputs
from miniature.models.windows import encode_classified


def predict(
    folder: str | os.PathLike,
    table: pd.DataFrame,
    *,
    labels: Sequence[str],
    text_settings: Mapping,
    feature: str,
    batch_tokens: int,
    device: str,
    precision: str = "fp32",
) -> tuple[pd.DataFrame, np.ndarray]:
    """Classify every text of a table with a fine-tuned checkpoint.

    Parameters
    ----------
    folder : path
        Checkpoint for classification, made by the workflow.
    table : DataFrame
        A classification data table.
    labels : sequence of str
        Class names in the order of the checkpoint's outputs.
    text_settings : mapping
        The ``classification:`` block.
    feature : str
        ``cls`` or ``mean``.
    batch_tokens : int
        Most tokens in a batch, padding included.
    device : str
        ``cpu`` or ``cuda``.
    precision : str
        ``fp32`` or ``bf16``.

    Returns
    -------
    predictions : DataFrame
        One row an example in table order: id, label, prediction, probabilities (float32, shape (classes,)).
    embeddings : float32 array, shape (examples, hidden)

    Raises
    ------
    StudyError
        The checkpoint's classes are others; or as `miniature.models.checkpoints.load_result`.
    """
    model, tokenizer = load_classifier(folder, labels=labels, text_settings=text_settings)
    return predict_with(
        in_precision(model, precision),
        tokenizer,
        table,
        labels=labels,
        text_settings=text_settings,
        feature=feature,
        batch_tokens=batch_tokens,
        device=device,
    )


def load_classifier(
    folder: str | os.PathLike, *, labels: Sequence[str], text_settings: Mapping
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load a checkpoint that tells the study's classes apart; as `predict`."""
    model, tokenizer = load_result(folder, head="classification")
    check_length(model, text_settings)
    order_outputs(model, labels)
    check_labels(model, labels, where=str(folder))
    return model, tokenizer


def predict_with(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    table: pd.DataFrame,
    *,
    labels: Sequence[str],
    text_settings: Mapping,
    feature: str,
    batch_tokens: int,
    device: str,
) -> tuple[pd.DataFrame, np.ndarray]:
    """As `predict`, for a model that is loaded already."""
    windows = encode_classified(tokenizer, table, max_length=int(text_settings["max_length"]))
    logits = np.zeros((len(table), len(labels)), dtype=np.float32)
    embeddings = np.zeros((len(table), hidden_size(model)), dtype=np.float32)
    for indices, (outputs,), hidden in run_forward(
        model, windows, pad_token=tokenizer.pad_token_id, batch_tokens=batch_tokens, device=device
    ):
        logits[indices] = outputs
        embeddings[indices] = pool(hidden, windows, indices, feature=feature)
    check_outputs(logits, embeddings, windows, table, **origin(model))
    probabilities = softmax(logits)
    predictions = pd.DataFrame(
        {
            "id": table["id"].to_numpy(),
            "label": table["label"].to_numpy(),
            "prediction": [labels[index] for index in probabilities.argmax(axis=1)],
            "probabilities": list(probabilities),
        }
    )
    return predictions, embeddings


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, float32, from logits of shape (examples, classes)."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)


def check_labels(model: PreTrainedModel, labels: Sequence[str], *, where: str) -> None:
    """Make sure that a checkpoint's outputs mean what the study calls them.

    Raises
    ------
    StudyError
        Other names, another order or another number.
    """
    its = [str(model.config.id2label[index]) for index in range(model.config.num_labels)]
    if its != list(labels):
        raise StudyError(
            f"The checkpoint's classes are {', '.join(its)}; the dataset's are {', '.join(labels)}.",
            where=where,
            fix=f"labels: [{', '.join(its)}]",
        )
