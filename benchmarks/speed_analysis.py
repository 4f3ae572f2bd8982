"""Where no model runs: neighbors and intervals beside other libraries, and how their cost grows."""

import ctypes
import itertools
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from race import Race

from miniature.characteristics.representation.neighbors import search_neighbors
from miniature.measures.neighbors import neighbor_jaccard
from miniature.statistics.bootstrap import bca_interval, resample_clusters
from miniature.statistics.halves import half_deviations, ranking_length, split_halves


def neighbors(n: int = 8000) -> Iterator[Race]:
    """Exact neighbors, and their agreement at every K."""
    import faiss

    faiss.omp_set_num_threads(1)
    random = np.random.default_rng(0)
    k_max, basis = 100, random.normal(size=(64, 1024)).astype(np.float32)
    rows = random.standard_normal((n, 64), np.float32) @ basis + random.standard_normal((n, 1024), np.float32)
    beside = []

    def ours() -> tuple:
        before = forget_peak()
        found = search_neighbors(rows, k_max)
        beside.append(peak_memory() - before)
        return found

    def by_faiss() -> np.ndarray:
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        index = faiss.IndexFlatIP(rows.shape[1])
        index.add(unit)
        return index.search(unit, k_max + 1)[1]

    def same(ours: tuple, found: np.ndarray) -> str:
        share = np.mean([len(set(a) & set(b)) / k_max for a, b in zip(ours[0], found, strict=True)])
        if share < 0.999:
            raise SystemExit(f"faiss names {share:.2%} of our neighbors.")
        more = f"{max(beside) / 1e9:.2f} GB beside the input"
        return f"{share:.3%} of the neighbors; ours are those of float64, with ties; {more}"

    yield Race(f"neighbors, {n:,} x 1,024, K {k_max}", ours, {"faiss alone": by_faiss}, same)
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


def forget_peak() -> float:
    """Bytes that this process holds; from here on `peak_memory` is that of what follows."""
    # What was freed goes back to the system, so that it is not there to be used again unseen.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return peak_memory()


def peak_memory() -> float:
    """The most bytes that this process has held at once since `forget_peak`; Linux alone tells."""
    status = Path("/proc/self/status").read_text()
    return 1024 * float(re.search(r"VmHWM:\s+(\d+)", status)[1])


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

    def forward(length: int) -> Callable[[], object]:
        import torch
        from transformers import BertConfig, BertModel

        model = BertModel(BertConfig(vocab_size=1000, num_hidden_layers=2)).eval()
        tokens = torch.ones((4, length), dtype=torch.long)
        return lambda: torch.inference_mode()(model)(tokens)

    measured = {
        "forward pass of 4 texts (2 layers x 768), tokens of a text": (forward, (128, 256, 512)),
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
        cells = ", ".join(f"{s:.2f} at {size:,}" for s, size in zip(seconds, sizes, strict=True))
        rows.append(f"| {name} | {cells} | {exponent_of(sizes, seconds):.2f} |")
    return rows


def exponent_of(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Power of the size that seconds grow with."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
