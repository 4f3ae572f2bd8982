"""The characteristics: one declaration each, from which settings, checks, files, targets and verdicts follow.

Light on purpose (no numpy, no pandas): it is read before any job starts.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from miniature.measures.registry import MEASURES


class Setting(NamedTuple):
    """A setting that a characteristic needs. Its type and default are in the schema.

    Attributes
    ----------
    limit : str
        What it cannot exceed: a split (``train``, ``test``), whose examples count, or another setting.
    below : bool
        Whether it must stay below its limit instead of at most equal to it.
    gradients : tuple of str
        Values with which gradients of every model are taken.
    otherwise : str
        The value to take where a model has none.
    """

    limit: str = ""
    below: bool = False
    gradients: tuple[str, ...] = ()
    otherwise: str = ""

    def needs(self, value: int) -> int:
        """Smallest limit that a value fits in."""
        return value + self.below


class Control(NamedTuple):
    """What the reference and its control, the same checkpoint run again, are compared on.

    Attributes
    ----------
    file : str
        Of one model, below the results folder, with the keys of the verdict's row.
    column : str
        Of that table; empty for an array of neighbors.
    what : str
        Name of what is counted, with the keys of the verdict's row.
    """

    file: str
    column: str
    what: str


class Characteristic(NamedTuple):
    """What the project needs to know of a characteristic outside its own package and rules.

    Attributes
    ----------
    verdict : mapping
        Measure, and share kept or margin, where nothing else is said.
    files : tuple of str
        What each model that takes part leaves, below the results folder, with ``{task}``, ``{model}`` and the
        key `per`. Predictions are left by models that have some.
    settings : dict of str to Setting
        What it needs beside ``tasks`` once it is measured.
    usual : bool
        Whether it is measured where a study says nothing of characteristics and its models allow it.
    per : str
        What it is measured with beside a task: ``ood_dataset`` (``tasks`` maps a task to several), ``recipe``
        (the setting ``recipes`` has several), or nothing.
    by_k : bool
        Whether measures are taken at each K, so that figure 1 can show them.
    kinds : tuple of str
        Kinds of task that it is defined for.
    artifacts : tuple of str
        What suffices of a model without weights, any of them; none where it needs weights.
    splits : tuple of str
        Splits of the task that a model is run on.
    control : Control, optional
        None where the control takes no part.
    tables, figures : tuple of str
        Made of it alone, below the results folder's ``tables/`` and ``figures/``.
    summaries : tuple of str
        Files of all its models together that `all` asks for, with ``{task}`` and the key `per`.
    """

    verdict: Mapping[str, object]
    files: tuple[str, ...]
    settings: Mapping[str, Setting] = MappingProxyType({})
    usual: bool = False
    per: str = ""
    by_k: bool = False
    kinds: tuple[str, ...] = ("question-answering", "classification", "multiple-choice", "generation")
    artifacts: tuple[str, ...] = ()
    splits: tuple[str, ...] = ("test",)
    control: Control | None = None
    tables: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    summaries: tuple[str, ...] = ()

    @property
    def row_keys(self) -> tuple[str, ...]:
        """Keys of a verdict that, with task and measure, say which row it rests on."""
        return ((self.per,) if self.per else ()) + ("k",) * self.by_k


_ERRORS = "errors/{task}/{task}/test/{model}.parquet"
_NEIGHBORS = "neighbors/{task}/{task}/test/{model}.npy"
_OOD = "ood/{task}/{ood_dataset}/{model}.parquet"
_ATTRIBUTIONS = "attributions/{task}/{task}/test/{model}.parquet"
_PREDICTIONS = "predictions/{task}/{task}/test/{model}.parquet"
# Methods of attribution that take gradients of a model.
GRADIENTS = ("integrated-gradients", "gradient-x-input")

DECLARED: dict[str, Characteristic] = {
    "errors": Characteristic(
        verdict={"measure": "jaccard", "keep": 0.8},
        usual=True,
        files=(_ERRORS, _PREDICTIONS),
        artifacts=("predictions", "errors"),
        control=Control(_ERRORS, "error", "right or wrong"),
        tables=("table2_errors",),
    ),
    "representation": Characteristic(
        verdict={"measure": "jaccard", "keep": 0.8},
        usual=True,
        files=(_NEIGHBORS, "embeddings/{task}/{task}/test/{model}.npy"),
        settings={"k_max": Setting("test", below=True)},
        by_k=True,
        artifacts=("embeddings",),
        control=Control(_NEIGHBORS, "", "set of {k} nearest neighbors"),
    ),
    "distribution": Characteristic(
        verdict={"measure": "jaccard_ood", "keep": 0.8},
        files=(
            _OOD,
            "ood/{task}/{ood_dataset}/{model}.calibration.parquet",
            "embeddings/{task}/{task}/bank/{model}.npy",
            "embeddings/{task}/{task}/calibration/{model}.npy",
            "embeddings/{task}/{task}/test/{model}.npy",
            "embeddings/{task}/{ood_dataset}/test/{model}.npy",
        ),
        settings={
            "bank_examples": Setting("train"),
            "k": Setting("bank_examples"),
            "percentile": Setting(),
        },
        per="ood_dataset",
        by_k=True,
        artifacts=("embeddings",),
        splits=("bank", "calibration", "test"),
        control=Control(_OOD, "is_ood", "out of distribution at K = {k}"),
    ),
    "vulnerability": Characteristic(
        verdict={"measure": "jaccard", "keep": 0.8},
        files=("attacks/{task}/{recipe}/{model}.parquet",),
        settings={"examples": Setting("test"), "recipes": Setting()},
        per="recipe",
        kinds=("classification",),
        tables=("table3_attacks",),
        figures=("transfer",),
        summaries=("attacks/{task}/{recipe}/transfer.csv",),
    ),
    "calibration": Characteristic(
        verdict={"measure": "brier_difference", "margin": 0.02},
        usual=True,
        files=("calibration/{task}/{task}/test/{model}.parquet", _PREDICTIONS),
        settings={"bins": Setting()},
        kinds=("classification", "multiple-choice"),
        artifacts=("predictions",),
        control=Control(_PREDICTIONS, "prediction", "prediction"),
    ),
    "attribution": Characteristic(
        verdict={"measure": "jaccard", "keep": 0.8},
        files=(_ATTRIBUTIONS,),
        settings={
            "examples": Setting("test"), "k_max": Setting(), "steps": Setting(), "samples": Setting(),
            "method": Setting(gradients=GRADIENTS, otherwise="occlusion"),
        },
        by_k=True,
        kinds=("question-answering", "classification"),
        control=Control(_ATTRIBUTIONS, "target", "explained decision"),
        figures=("attribution",),
    ),
}  # fmt: skip


def measures_of(characteristic: str) -> list[str]:
    """Measures of two models that a verdict on a characteristic can rest on.

    Parameters
    ----------
    characteristic : str
        Its name.

    Returns
    -------
    list of str
        In the order of the registry.

    Examples
    --------
    >>> measures_of("vulnerability")
    ['jaccard', 'kappa']
    """
    return [name for name, measure in MEASURES.items() if characteristic in measure.of]
