"""Ours beside what a user would otherwise run, in one process and in turn, and how cost grows with size.

    make bench                                             # writes docs/performance.md
    python benchmarks/measure_speed.py --parts neighbors   # one part, printed

Both give the same answers, or the measurement stops. Times are processor seconds with one thread. The limit
is what cannot be left out, measured in the same run: the matrix products alone, the search alone, or
importing torch alone. The attack has a page of its own (benchmarks/attack), and so has attribution
(measure_attribution.py), since each takes much longer.
"""

import argparse
import itertools
import operator
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from measure_throughput import processor
from threadpoolctl import threadpool_limits

from miniature.characteristics.representation.neighbors import search_neighbors
from miniature.job.compute import set_threads
from miniature.measures.neighbors import neighbor_jaccard
from miniature.statistics.bootstrap import bca_interval, resample_clusters
from miniature.statistics.halves import half_deviations, ranking_length, split_halves

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Race:
    """One thing done in several ways.

    Parameters
    ----------
    name : str
    ours : callable
        Returns what `same` compares.
    others : dict of str to callable
        What a user would otherwise run.
    same : callable
        Takes our result and another's; says in words how far they agree, and raises where they do not.
    limit : callable, optional
        What cannot be left out.
    """

    name: str
    ours: Callable[[], object]
    others: dict[str, Callable[[], object]]
    same: Callable[[object, object], str]
    limit: Callable[[], object] | None = None

    def run(self, repeats: int) -> list[str]:
        """Rows of the table, after so many turns."""
        ways = {"ours": self.ours, **self.others, **({"limit": self.limit} if self.limit else {})}
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        said = {}
        for _ in range(repeats):
            for name, way in ways.items():
                began = time.process_time() + children()
                result = way()
                seconds[name].append(time.process_time() + children() - began)
                if name == "ours":
                    mine = result
                elif name != "limit":
                    said[name] = self.same(mine, result)
        own = statistics.median(seconds["ours"])
        over = ""
        if self.limit:
            over = f"{statistics.median(map(operator.truediv, seconds['ours'], seconds['limit'])):.2f}"
        rows = []
        for name in self.others:
            ratios = list(map(operator.truediv, seconds[name], seconds["ours"]))
            spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            cells = (self.name, name, f"{own:.2f}", f"{statistics.median(seconds[name]):.2f}", spread, over)
            rows.append("| " + " | ".join((*cells, said[name])) + " |")
        return rows


def children() -> float:
    """Processor seconds of the processes that were started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def startup() -> Iterator[Race]:
    """A job that runs a model, from nothing to the first line of its script."""
    frame = "import sys; sys.path.insert(0, 'scripts'); "
    lean = "from miniature.job.lean import import_transformers; import_transformers(); "

    def of(program: str) -> Callable[[], None]:
        return lambda: subprocess.run([sys.executable, "-c", frame + program], cwd=ROOT, check=True)

    yield Race(
        "start of a prediction job",
        of(lean + "import predict_split"),
        {"transformers as it is": of("import predict_split")},
        lambda _, __: "the same bytes (tests/unit/test_lean.py)",
        of("import torch"),
    )


def neighbors() -> Iterator[Race]:
    """Exact neighbors, and their agreement at every K."""
    import faiss

    faiss.omp_set_num_threads(1)
    random = np.random.default_rng(0)
    n, k_max = 8000, 100
    rows = random.normal(size=(n, 64)) @ random.normal(size=(64, 1024)) + random.normal(size=(n, 1024))
    rows = rows.astype(np.float32)

    def by_faiss() -> np.ndarray:
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        index = faiss.IndexFlatIP(rows.shape[1])
        index.add(unit)
        return index.search(unit, k_max + 1)[1]

    def same(ours: tuple, found: np.ndarray) -> str:
        share = np.mean([len(set(a) & set(b)) / k_max for a, b in zip(ours[0], found, strict=True)])
        if share < 0.999:
            raise SystemExit(f"faiss names {share:.2%} of our neighbors.")
        return f"{share:.3%} of the neighbors; ours are those of float64, with ties"

    yield Race(
        f"neighbors, {n:,} x 1,024, K {k_max}", lambda: search_neighbors(rows, k_max),
        {"faiss alone": by_faiss}, same, by_faiss,
    )  # fmt: skip
    lists = [search_neighbors(rows[:1500, :width], k_max)[0] for width in (1024, 64)]

    def by_sets() -> np.ndarray:
        total = np.zeros(k_max)
        for a, b in zip(*(found.tolist() for found in lists), strict=True):
            first, second, shared = set(), set(), 0
            for k in range(k_max):
                shared += (a[k] in second) + (b[k] in first) + (a[k] == b[k])
                first.add(a[k])
                second.add(b[k])
                total[k] += shared / (2 * k + 2 - shared)
        return total / len(lists[0])

    def alike(ours: np.ndarray, other: np.ndarray) -> str:
        np.testing.assert_allclose(ours, other, atol=1e-12)
        return "to 1e-12 at every K"

    yield Race(
        "agreement of neighbors at every K, 1,500 examples", lambda: neighbor_jaccard(*lists),
        {"Python sets that grow": by_sets}, alike,
    )  # fmt: skip


def bootstrap() -> Iterator[Race]:
    """Intervals of the agreement of every two of nine error lists."""
    from scipy import stats

    random = np.random.default_rng(0)
    n, resamples = 2000, 2000
    common = random.random(n)
    lists = [(0.7 * common + 0.3 * random.random(n)) < 0.25 for _ in range(9)]
    pairs = list(itertools.combinations(lists, 2))

    def jaccard(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return (x & y).sum(axis=axis) / (x | y).sum(axis=axis)

    def ours() -> np.ndarray:
        first, second = (np.array(side, dtype=np.float32) for side in zip(*pairs, strict=True))
        both, either = np.minimum(first, second), np.maximum(first, second)
        counts = resample_clusters(n, resamples=resamples, seed=0)
        resampled = (counts @ both.T) / (counts @ either.T)
        left_out = (both.sum(axis=1)[:, None] - both) / (either.sum(axis=1)[:, None] - either)
        values = [float(jaccard(*pair)) for pair in pairs]
        return np.array([bca_interval(resampled[:, i], value, left_out[i]) for i, value in enumerate(values)])

    def by_scipy() -> np.ndarray:
        options = {"paired": True, "vectorized": True, "n_resamples": resamples, "batch": 200}
        random = np.random.default_rng(1)
        found = [stats.bootstrap(pair, jaccard, rng=random, **options) for pair in pairs]
        return np.array([tuple(one.confidence_interval) for one in found])

    def same(mine: np.ndarray, other: np.ndarray) -> str:
        apart = np.abs(mine - other) / np.diff(other, axis=1)
        if apart.mean() > 0.05:
            raise SystemExit(f"The bounds differ by {apart.mean():.1%} of the width.")
        return f"bounds {apart.mean():.1%} of the width apart, by chance of resampling"

    name = f"BCa intervals of {len(pairs)} pairs, {n:,} examples, {resamples:,} resamples"
    yield Race(name, ours, {"scipy.stats": by_scipy}, same)


QA = {
    "max_length": 384, "stride": 128, "max_question_length": 64, "n_best": 50, "max_answer_length": 30,
    "null_threshold": None,
}  # fmt: skip


def inference(layers: int = 6, questions: int = 24) -> Iterator[Race]:
    """Answers and features of questions on paragraphs as long as SQuAD's."""
    import torch
    from transformers import BertConfig, BertForQuestionAnswering, BertTokenizerFast, pipeline

    from miniature.inference.batches import token_budget_batches
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
            "answers": [[""]] * questions,
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
    linear = torch.nn.functional.linear
    square, wide, narrow = (torch.randn(shape) for shape in ((768, 768), (3072, 768), (768, 3072)))

    def products() -> None:
        for indices in batches:
            tokens = int(windows.lengths[indices].sum())
            hidden, inner = torch.ones(tokens, 768), torch.ones(tokens, 3072)
            for _ in range(layers):
                for _ in range(4):
                    linear(hidden, square)
                linear(hidden, wide)
                linear(inner, narrow)

    tokens = windows.lengths.mean()
    yield Race(
        f"answers and features, {layers} layers x 768, {questions} questions of {tokens:.0f} tokens",
        ours,
        {"two pipelines, one text at a time": lambda: by_pipelines(1),
         "two pipelines, batches of 8": lambda: by_pipelines(8)},
        same,
        products,
    )  # fmt: skip
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


PARTS = {"startup": startup, "inference": inference, "neighbors": neighbors, "bootstrap": bootstrap}


def growth() -> list[str]:
    """Rows of the table of growth: seconds at three sizes, and the exponent."""
    random = np.random.default_rng(0)

    def rankings(n: int, k_max: int, models: int) -> dict[str, np.ndarray]:
        shared = random.normal(size=(n, 32))
        seen = (shared + 0.3 * i * random.normal(size=shared.shape) for i in range(models))
        return {f"m{i}": search_neighbors(x, ranking_length(k_max, n))[0] for i, x in enumerate(seen)}

    def halves(n: int, k_max: int, models: int) -> Callable[[], object]:
        found, names = rankings(n, k_max, models), [f"m{i}" for i in range(models)]
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        divided = split_halves(np.arange(n) // 5, -(-n // 5), seed=0)
        return lambda: half_deviations(found, pairs, divided, k_max=k_max)

    def search(n: int) -> Callable[[], object]:
        rows = random.normal(size=(n, 256)).astype(np.float32)
        return lambda: search_neighbors(rows, 50)

    def resampling(resamples: int) -> Callable[[], object]:
        pairs = np.ones((1000, 36), dtype=np.float32)
        return lambda: resample_clusters(1000, resamples=resamples, seed=0) @ pairs

    measured = {
        "search, examples": (search, (2000, 4000, 8000)),
        "intervals of neighbors, examples (K 50, 3 models)": (lambda n: halves(n, 50, 3), (500, 1000, 2000)),
        "intervals of neighbors, K (1,000 examples, 3 models)": (lambda k: halves(1000, k, 3), (25, 50, 100)),
        "intervals of neighbors, models (500 examples, K 25)": (lambda m: halves(500, 25, m), (3, 6, 12)),
        "bootstrap, resamples (1,000 clusters, 36 pairs)": (resampling, (1000, 2000, 4000)),
    }
    rows = []
    for name, (make, sizes) in measured.items():
        seconds = []
        for size in sizes:
            way, best = make(size), float("inf")
            for _ in range(2):
                began = time.process_time()
                way()
                best = min(best, time.process_time() - began)
            seconds.append(best)
        exponent = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
        cells = ", ".join(f"{s:.2f} at {size:,}" for s, size in zip(seconds, sizes, strict=True))
        rows.append(f"| {name} | {cells} | {exponent:.2f} |")
    return rows


def main() -> None:
    """Measure and print, or write, the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="*", default=[*PARTS, "growth"], choices=[*PARTS, "growth"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines = [
        "# Speed\n",
        f"Printed by `make bench` on {processor()} with {os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.1f}, Python {platform.python_version()}. Processor seconds of one thread, "
        f"{options.repeats} turns. The ratio is the other's time over ours; *over the limit* is ours over "
        "what cannot be left out.\n",
        "| what | the other | ours, s | its, s | ratio: median (min to max) | over limit | same answers |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    set_threads(1)
    with threadpool_limits(1):
        for name in PARTS:
            if name in options.parts:
                for race in PARTS[name]():
                    lines += race.run(options.repeats)
                    print(lines[-1], file=sys.stderr)
        if "growth" in options.parts:
            lines += ["\n## Growth\n", "| what | seconds | exponent |", "|---|---|---:|", *growth()]
    text = "\n".join(lines) + "\n"
    print(text)
    if options.output:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
