"""Where models run: the start of a job, and a forward pass beside pipelines and ONNX Runtime."""

import copy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from race import Race
from speed_study import empty_job

ROOT = Path(__file__).resolve().parents[1]


def startup() -> Iterator[Race]:
    """A job that runs a model and has nothing to do."""

    def of(program: str) -> Callable[[], None]:
        return lambda: subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)

    usual = "import torch, transformers.modeling_utils; from transformers import BertModel; "
    yield Race(
        "start of a prediction job",
        of(empty_job("predict_split")),
        {"transformers as it is": of(usual + "import pandas, pyarrow.parquet")},
        lambda _, __: "the same bytes (tests/unit/test_lean.py)",
        of("import torch"),
    )


QA = {
    "max_length": 384, "stride": 128, "max_question_length": 64, "n_best": 50, "max_answer_length": 30,
    "null_threshold": None,
}  # fmt: skip


def inference(layers: int = 6, questions: int = 48) -> Iterator[Race]:
    """Answers and features of questions on paragraphs as long as SQuAD's."""
    import torch
    from transformers import BertConfig, BertForQuestionAnswering, BertTokenizerFast, pipeline

    from miniature.inference.batches import token_budget_batches
    from miniature.inference.forward import in_precision, packed_linears
    from miniature.inference.question_answering import predict_with
    from miniature.models.windows import encode_questions

    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = Path(tempfile.mkdtemp())
    words = [f"word{i}" for i in range(2000)]
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    tokenizer = BertTokenizerFast(vocab_file=str(folder / "vocab.txt"), do_lower_case=True)
    config = BertConfig(vocab_size=2005, num_hidden_layers=layers, initializer_range=0.05)
    model = BertForQuestionAnswering(config).eval()
    # The pipeline for features reads one text, not two segments: here both segments are the same.
    kinds = model.bert.embeddings.token_type_embeddings.weight.data
    kinds[1] = kinds[0]
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "id": [f"q{i}" for i in range(questions)],
            "question": [" ".join(random.choice(words, size)) for size in random.integers(8, 16, questions)],
            "context": [
                " ".join(random.choice(words, int(size)))
                for size in np.clip(random.lognormal(np.log(135), 0.4, questions), 30, 340)
            ],
            "answers": [[]] * questions,
            "answerable": False,
        }
    )
    windows = encode_questions(tokenizer, table, QA)

    def ours() -> tuple[list[str], np.ndarray]:
        predictions, features = predict_with(
            model, tokenizer, table, text_settings=QA, feature="cls", batch_tokens=4096, device="cpu"
        )
        return predictions["prediction"].tolist(), features

    answer = pipeline("question-answering", model=model, tokenizer=tokenizer)
    extract = pipeline("feature-extraction", model=model.bert, tokenizer=tokenizer)
    joined = [f"{q} [SEP] {c}" for q, c in zip(table["question"], table["context"], strict=True)]

    def by_pipelines(batch: int) -> tuple[list[str], np.ndarray]:
        found = answer(
            question=table["question"].tolist(), context=table["context"].tolist(), batch_size=batch,
            align_to_words=False, max_answer_len=30, max_seq_len=384, doc_stride=128, max_question_len=64,
        )  # fmt: skip
        features = extract(joined, batch_size=batch, return_tensors=True)
        return [row["answer"] for row in found], np.stack([row[0, 0].numpy() for row in features])

    def same(mine: tuple, other: tuple) -> str:
        equal = sum(a == b for a, b in zip(mine[0], other[0], strict=True))
        apart = float(np.abs(mine[1] - other[1]).max())
        if equal < questions or apart > 1e-4:
            raise SystemExit(f"{equal} of {questions} answers are the same, features {apart:.1e} apart.")
        return f"{equal} of {questions} answers; features {apart:.0e} apart"

    batches = token_budget_batches(windows.lengths, 4096)
    fed = [windows.batch(indices, pad_token=0) for indices in batches]
    sizes = ((768, 768), (768, 3072), (3072, 768))
    square, wide, narrow = linears = torch.nn.ModuleList(torch.nn.Linear(*shape) for shape in sizes)

    def products() -> None:
        with torch.inference_mode(), packed_linears(linears, "cpu"):
            for indices in batches:
                tokens = int(windows.lengths[indices].sum())
                hidden, inner = torch.ones(tokens, 768), torch.ones(tokens, 3072)
                for _ in range(layers):
                    for _ in range(4):
                        square(hidden)
                    wide(hidden)
                    narrow(inner)

    tokens = windows.lengths.mean()
    yield Race(
        f"answers and features, {layers} layers x 768, {questions} questions of {tokens:.0f} tokens",
        ours,
        {"two pipelines, one text at a time": lambda: by_pipelines(1),
         "two pipelines, batches of 8": lambda: by_pipelines(8)},
        same,
        products,
    )  # fmt: skip

    def in_half() -> tuple[list[str], np.ndarray]:
        half = in_precision(copy.deepcopy(model), "bf16")
        predictions, features = predict_with(
            half, tokenizer, table, text_settings=QA, feature="cls", batch_tokens=4096, device="cpu"
        )
        return predictions["prediction"].tolist(), features

    def changed(half: tuple, exact: tuple) -> str:
        equal = sum(a == b for a, b in zip(half[0], exact[0], strict=True))
        return f"{questions - equal} of {questions} answers change; the weights are random"

    yield Race("the same in bf16", in_half, {"ours in fp32": ours}, changed)
    session = {"onnxruntime, its session alone": _onnx(model, fed, batches, folder)}
    yield Race("the same", ours, session, _near, products)


def _onnx(model: object, fed: list[dict], batches: list, folder: Path) -> Callable[[], np.ndarray]:
    """Last layer at the first token from an exported graph, on our batches."""
    import onnxruntime
    import torch

    class Outputs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> tuple:
            hidden = self.model.bert(input_ids=ids, attention_mask=mask, token_type_ids=types)[0]
            logits = self.model.qa_outputs(hidden)
            return logits[..., 0], logits[..., 1], hidden

    names = ("input_ids", "attention_mask", "token_type_ids")
    example = tuple(torch.from_numpy(fed[0][name]).long() for name in names)
    axes = {name: {0: "batch", 1: "tokens"} for name in (*names, "start", "end", "hidden")}
    with torch.inference_mode():
        torch.onnx.export(
            Outputs().eval(), example, str(folder / "model.onnx"), input_names=list(names),
            output_names=["start", "end", "hidden"], dynamic_axes=axes, dynamo=False,
        )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    feeds = [{name: batch[name].astype(np.int64) for name in names} for batch in fed]

    def run() -> np.ndarray:
        rows = np.concatenate([session.run(None, feed)[2][:, 0] for feed in feeds])
        return rows[np.argsort(np.concatenate(batches))]

    return run


def _near(mine: tuple, other: np.ndarray) -> str:
    apart = float(np.abs(mine[1] - other).max())
    if apart > 1e-3:
        raise SystemExit(f"Features are {apart:.1e} apart.")
    return f"features {apart:.0e} apart"


# What an operation of torch is called here; operations that are not named are the rest.
KINDS = {
    "matrix products": ("mkldnn::_linear_pointwise", "aten::addmm", "aten::mm", "aten::bmm"),
    "attention": ("aten::_scaled_dot_product_flash_attention_for_cpu", "aten::scaled_dot_product_attention",
                  "aten::_softmax"),
    "GELU": ("aten::gelu",),
    "layer norm": ("aten::native_layer_norm", "aten::layer_norm"),
    "sums and copies": ("aten::add", "aten::add_", "aten::copy_", "aten::clone", "aten::contiguous"),
}  # fmt: skip


def profile_forward() -> list[str]:
    """Rows of the table of where the time of predicting goes."""
    import time

    from torch.profiler import ProfilerActivity, profile

    way = next(inference()).ours
    way()
    began = time.process_time()
    way()
    whole = time.process_time() - began
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        way()
    spent = {event.key: event.self_cpu_time_total / 1e6 for event in recorded.key_averages()}
    seconds = {kind: sum(spent.pop(name, 0.0) for name in names) for kind, names in KINDS.items()}
    seconds["other operations of torch"] = sum(spent.values())
    seconds["outside torch: tokens, spans, scores"] = max(0.0, whole - sum(seconds.values()))
    return [f"| {kind} | {of_kind:.2f} | {of_kind / whole:.0%} |" for kind, of_kind in seconds.items()]
