"""Tiny random encoders, a tokenizer and tables for tests; nothing is downloaded."""

import json

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from miniature.models.build import build_model

WORDS = [
    "who",
    "what",
    "where",
    "is",
    "the",
    "a",
    "red",
    "blue",
    "green",
    "box",
    "cup",
    "lamp",
    "in",
    "of",
    "on",
    "under",
    "new",
    "old",
    "town",
    "river",
    ".",
    ",",
    "?",
    "not",
]
PIECES = [
    "##s",
    "##ed",
    "##ing",
    *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"),
    *"abcdefghijklmnopqrstuvwxyz",
]

QA_SETTINGS = {
    "max_length": 24,
    "stride": 6,
    "max_question_length": 8,
    "max_answer_length": 4,
    "n_best": 20,
    "null_threshold": 0.0,
}
TRAINING = {
    "epochs": 2,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "warmup_ratio": 0.1,
    "weight_decay": 0.01,
    "max_gradient_norm": 1.0,
    "order": "shuffled",
    "precision": "fp32",
    "checkpoint_every": 3,
}
ARCHITECTURE = {
    "layers": 2,
    "hidden": 16,
    "heads": 2,
    "intermediate": 32,
    "dropout": 0.1,
    "max_positions": 64,
}
# What PEFT's adapters say, and how the names of their tensors begin.
LORA = {"peft_type": "LORA", "r": 3, "lora_alpha": 6, "base_model_name_or_path": "me/large"}
WRAPPED = "base_model.model."
ADAPTED_LAYERS = ("encoder.layer.0.attention.self.query", "encoder.layer.2.output.dense")


def save_bert_tokenizer(folder):
    folder.mkdir(parents=True, exist_ok=True)
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *dict.fromkeys(PIECES)]
    entries = list(dict.fromkeys(entries))
    (folder / "vocab.txt").write_text("".join(f"{entry}\n" for entry in entries), encoding="utf-8")
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    return folder


def save_byte_tokenizer(folder):
    """Byte-level, with RoBERTa's special tokens: two of them between question and context."""
    folder.mkdir(parents=True, exist_ok=True)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    ).save_pretrained(folder)
    return folder


def save_encoder(folder, kind="bert", layers=3):
    """A random encoder without a head, as published pre-trained models are."""
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    if kind == "roberta":
        save_byte_tokenizer(folder)
        model = RobertaModel(
            RobertaConfig(
                vocab_size=261,
                num_hidden_layers=layers,
                max_position_embeddings=66,
                type_vocab_size=1,
                **sizes,
            )
        )
    else:
        save_bert_tokenizer(folder)
        size = len((folder / "vocab.txt").read_text().splitlines())
        if kind == "distilbert":
            model = DistilBertModel(
                DistilBertConfig(
                    vocab_size=size,
                    dim=16,
                    n_heads=2,
                    hidden_dim=32,
                    n_layers=layers,
                    max_position_embeddings=64,
                )
            )
        elif kind == "electra":
            model = ElectraModel(
                ElectraConfig(
                    vocab_size=size,
                    embedding_size=8,
                    num_hidden_layers=layers,
                    max_position_embeddings=64,
                    **sizes,
                )
            )
        else:
            model = BertModel(
                BertConfig(vocab_size=size, num_hidden_layers=layers, max_position_embeddings=64, **sizes)
            )
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def save_classifier(folder, names, kind="bert"):
    """A random encoder with a head for classification, as a fine-tuned checkpoint is saved."""
    encoder = save_encoder(folder.with_name(f"{folder.name}-encoder"), kind)
    model, tokenizer = build_model({"path": encoder}, head="classification", labels=names, seed=3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_adapter(folder, base, *, ranks=(3, 3), classes=2, **settings):
    """An adapter of two layers, and a head where it has classes; its tensors by their names in the file."""
    weights, draw = load_file(base / "model.safetensors"), np.random.default_rng(5)
    tensors = {}
    for layer, rank in zip(ADAPTED_LAYERS, ranks, strict=True):
        name = next(name for name in weights if name.removeprefix("bert.") == f"{layer}.weight")
        for end, shape in (("A", (rank, weights[name].shape[1])), ("B", (weights[name].shape[0], rank))):
            tensors[f"{WRAPPED}bert.{layer}.lora_{end}.weight"] = draw.normal(size=shape).astype("float32")
    if classes:
        tensors[f"{WRAPPED}classifier.weight"] = draw.normal(size=(classes, 16)).astype("float32")
        tensors[f"{WRAPPED}classifier.bias"] = draw.normal(size=classes).astype("float32")
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(LORA | settings))
    save_file(tensors, folder / "adapter_model.safetensors")
    return tensors


def change_config(folder, **changes):
    file = folder / "config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps({k: v for k, v in (config | changes).items() if v is not None}))


def qa_table(rows):
    """Table from (question, context, answer or None); the answer where it first stands."""
    records = []
    for index, (question, context, answer) in enumerate(rows):
        records.append(
            {
                "id": f"q{index}",
                "cluster": str(index),
                "title": "",
                "question": question,
                "context": context,
                "answers": [] if answer is None else [answer],
                "answer_starts": [] if answer is None else [context.index(answer)],
                "answerable": answer is not None,
            }
        )
    return pd.DataFrame(records)


def toy_questions(count):
    colors, things, places = ("red", "blue", "green"), ("box", "cup", "lamp"), ("town", "river")
    rows = []
    for i in range(count):
        thing, color, place = things[i % 3], colors[(i // 3) % 3], places[(i // 9) % 2]
        context = "the old town is new . " * (i % 4) + f"the {thing} in the {place} is {color} ."
        asked = thing if i % 5 else things[(i + 1) % 3]
        rows.append((f"what is the {asked} ?", context, color if i % 5 else None))
    return qa_table(rows)


def toy_reviews(count):
    rows = []
    for i in range(count):
        color, label = ("red", "good") if i % 2 else ("blue", "bad")
        text = f"the {color} box is {'old ' * (i % 7)}."
        rows.append({"id": f"r{i}", "cluster": str(i), "text": text, "label": label})
    return pd.DataFrame(rows)
