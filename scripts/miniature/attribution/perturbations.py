"""Attribution by leaving words out: occlusion, and LIME and KernelSHAP by captum.

They need no gradients: a word is left out by putting another token in the place of each of its tokens.
"""

from collections.abc import Iterator

import numpy as np
import torch

from miniature.attribution.decisions import Decisions, Runner
from miniature.seeds import derive_seed


def occlude(
    runner: Runner,
    decisions: Decisions,
    word: np.ndarray,
    rows: np.ndarray,
    *,
    replace: int,
    batch_tokens: int,
) -> Iterator[tuple[int, np.ndarray, float]]:
    """Attribute the decision of each example to its words: what the decision's score loses without a word.

    Parameters
    ----------
    runner : Runner
    decisions : Decisions
    word : int64 array, shape (tokens of all windows,)
        As `miniature.attribution.words.map_tokens` gives it.
    rows : int array
        Examples to explain.
    replace : int
        Token that stands for a token left out.
    batch_tokens : int
        Most tokens of a batch.

    Yields
    ------
    row : int
    scores : float64 array, shape (tokens,)
        The loss of a word at the first of its tokens, 0 at the others, so that sums by word are right.
    text : float
        Score of the decision for the whole text.
    """
    windows = decisions.windows
    for row in rows:
        low, length = windows.borders[row], int(windows.lengths[row])
        own = word[low : low + length]
        present, first = np.unique(own, return_index=True)
        present, first = present[present >= 0], first[present >= 0]
        ids = windows.tokens[low : low + length].astype(np.int64)
        # The text as it is comes first.
        variants = np.where(own == np.append(-2, present)[:, None], replace, ids)
        values = _score_variants(runner, decisions, row, variants, batch_tokens)
        scores = np.zeros(length)
        scores[first] = values[0] - values[1:]
        yield int(row), scores, float(values[0])


def explain_by_samples(
    runner: Runner,
    decisions: Decisions,
    word: np.ndarray,
    rows: np.ndarray,
    *,
    method: str,
    samples: int,
    replace: int,
    batch_tokens: int,
    seed: int,
    names: list[str],
) -> Iterator[tuple[int, np.ndarray, float]]:
    """LIME (Ribeiro et al. 2016) or KernelSHAP (Lundberg and Lee 2017) over words, by captum; as `occlude`.

    Parameters
    ----------
    method : str
        ``lime`` or ``kernel-shap``.
    samples : int
        Texts with words left out that each explanation is fitted to.
    seed : int
        Of this model's explanations; each example's is derived from it and its name.
    names : list of str
        Id of each example.
    """
    from captum._utils.models.linear_model.model import SkLearnRidge
    from captum.attr import KernelShap, Lime

    windows = decisions.windows
    for row in rows:
        low, length = windows.borders[row], int(windows.lengths[row])
        own = word[low : low + length]
        ids = windows.tokens[low : low + length].astype(np.int64)
        present, first = np.unique(own[own >= 0], return_index=True)
        first = np.flatnonzero(own >= 0)[first]
        scores = np.zeros(length)
        # Special tokens are their own baseline, so that no sample leaves them out; they share a feature.
        feature = np.searchsorted(present, own)
        feature[own < 0] = len(present)
        base = np.where(own < 0, ids, replace)

        def forward(batch: torch.Tensor, row: int = row) -> torch.Tensor:
            return torch.from_numpy(_score_variants(runner, decisions, row, batch.numpy(), batch_tokens))

        torch.manual_seed(derive_seed(seed, names[row]))
        # Ridge, as in LIME's own code for text: a Lasso of fixed strength would call small scores nothing.
        explainer = KernelShap(forward) if method == "kernel-shap" else Lime(forward, SkLearnRidge(alpha=1.0))
        found = explainer.attribute(
            torch.from_numpy(ids)[None],
            baselines=torch.from_numpy(base)[None],
            feature_mask=torch.from_numpy(feature)[None],
            n_samples=samples,
            perturbations_per_eval=max(1, batch_tokens // length),
        )
        scores[first] = found[0].numpy()[first]
        yield int(row), scores, float(_score_variants(runner, decisions, row, ids[None], batch_tokens)[0])


def _score_variants(
    runner: Runner, decisions: Decisions, row: int, variants: np.ndarray, batch_tokens: int
) -> np.ndarray:
    """Score of the example's decision for each variant of its window, float64 [variants]."""
    one = runner.batch(decisions.windows, np.array([row]))
    values = []
    size = max(1, batch_tokens // variants.shape[1])
    with torch.inference_mode():
        for start in range(0, len(variants), size):
            part = torch.from_numpy(np.ascontiguousarray(variants[start : start + size])).to(runner.device)
            batch = {name: tensor.expand(len(part), -1) for name, tensor in one.items()} | {"input_ids": part}
            target = np.repeat(decisions.target[[row]], len(part), axis=0)
            values.append(runner.score(target, **batch).double().cpu().numpy())
    return np.concatenate(values)
