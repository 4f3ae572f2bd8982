"""Agreement on the sets called out of distribution, with intervals that re-estimate the thresholds."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from miniature.agreement.comparison import BCA, BOOTSTRAP
from miniature.agreement.finding import Finding
from miniature.characteristics.distribution.resampling import Counts
from miniature.measures.sets import Measured, pooled_jaccard
from miniature.statistics.bootstrap import bca_interval

# Which of the two datasets, the test split first, each measure is taken over.
DATASETS = {"jaccard_ood": [1], "jaccard_id": [0], "jaccard_all": [0, 1]}


def jaccard_measures(counts: Counts, pairs: np.ndarray, name: str) -> tuple[Measured, Measured]:
    """Jaccard index of every pair over one dataset or both, and its corrected form."""
    (first, second), chosen = pairs.T, DATASETS[name]
    sizes = np.broadcast_to(counts.sizes[:, None], counts.both.shape)
    four = np.stack([sizes, counts.members[:, first], counts.members[:, second], counts.both], axis=-1)
    return pooled_jaccard(four[..., chosen, :])  # of [versions, pairs, datasets, 4]


def flagged_shares(counts: Counts) -> dict[str, np.ndarray]:
    """Share of each dataset that each model calls out of distribution, shape [versions, models]."""
    sizes = counts.sizes[:, None]
    shares = np.divide(
        counts.members, sizes, out=np.full(counts.members.shape, np.nan), where=sizes > 0
    )  # [versions, models, datasets]
    return {"flagged_id": shares[..., 0], "flagged_ood": shares[..., 1]}


def _intervals(
    measure: Callable[[Counts], np.ndarray], versions: tuple[Counts, Counts, Sequence[Counts]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """BCa interval of one measure of every pair or model."""
    observed, resampled, left_out = versions
    value, draws = measure(observed)[0], measure(resampled)
    without = [measure(counts) for counts in left_out]
    deviations = (
        np.concatenate([w - w.mean(axis=0) for w in without]) if without else np.zeros((0, len(value)))
    )
    ends = [
        bca_interval(draws[:, i], float(value[i]), value[i] + deviations[:, i]) for i in range(len(value))
    ]
    low, high = np.array(ends, dtype=np.float64).reshape(-1, 2).T
    return low, high, draws


def set_findings(
    models: Sequence[str],
    pairs: np.ndarray,
    versions: tuple[Counts, Counts, Sequence[Counts]],
    clusters: Mapping[str, int],
) -> list[Finding]:
    """Agreement of every pair on the sets called out of distribution, and the size of each model's."""
    findings = []
    for name in ("flagged_id", "flagged_ood"):
        low, high, _ = _intervals(lambda counts, name=name: flagged_shares(counts)[name], versions)
        bounds = (low, high) if spans(name, clusters) else (low * np.nan, high * np.nan)
        over = name.removeprefix("flagged_")
        for model, value, *ends in zip(models, flagged_shares(versions[0])[name][0], *bounds, strict=True):
            findings.append(
                Finding(model, model, name, over, value, low=ends[0], high=ends[1], ci_method=BCA)
            )
    for name in DATASETS:
        found = jaccard_measures(versions[0], pairs, name)
        for form, suffix in enumerate(("", "_corrected")):
            values, chance, ceiling = (part[0] for part in found[form])
            low, high, draws = _intervals(
                lambda counts, name=name, form=form: jaccard_measures(counts, pairs, name)[form].value,
                versions,
            )
            by_chance = jaccard_measures(versions[1], pairs, name)[form].chance  # [resamples, pairs]
            resampled = spans(name, clusters)
            for i, (a, b) in enumerate(pairs):
                findings.append(
                    Finding(
                        models[a], models[b], name + suffix, name.removeprefix("jaccard_"), values[i],
                        chance[i], ceiling[i],
                        *((low[i], high[i]) if resampled else (float("nan"), float("nan"))), BCA,
                        draws[:, i] if resampled else np.empty(0), BOOTSTRAP, by_chance[:, i],
                    )
                )  # fmt: skip
    return findings


def spans(name: str, counts: Mapping[str, int]) -> bool:
    """Whether every table that a measure of sets rests on has clusters to resample."""
    needed = {"id", "ood"} if "_all" in name else {"ood" if "_ood" in name else "id"}
    return all(counts[table] > 1 for table in needed | {"calibration"})
