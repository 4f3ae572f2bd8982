"""Second trainings of a model with other seeds, and the control: its checkpoint run a second time.

A replicate is a model like any other, called ``{model}.seed1`` and so on; every seed of a training is derived
from the model's name, which is what makes it another training. The control is no training: it is the
reference's checkpoint put through inference with another batch size and thread count.
"""

from collections.abc import Mapping

from miniature.characteristics.declared import DECLARED
from miniature.config.plan import model_names, models_with
from miniature.names import CONTROL, control_of, replicate_of


def expand_replicates(config: Mapping) -> dict:
    """Study in which every replicate is a model of its own, after the model that it repeats.

    Parameters
    ----------
    config : mapping
        The validated study.

    Returns
    -------
    dict
        The same study; no model has the key ``replicates`` any more, so that asking for more of them changes
        nothing of the models that are there.

    Examples
    --------
    >>> study = {"models": {"large": {"path": "a", "replicates": 2}, "tiny": {"path": "b"}}}
    >>> list(expand_replicates(study)["models"])
    ['large', 'large.seed1', 'large.seed2', 'tiny']
    """
    models = {}
    for name, entry in config["models"].items():
        kept = {key: value for key, value in entry.items() if key != "replicates"}
        names = [name, *(f"{name}.seed{n}" for n in range(1, entry.get("replicates", 0) + 1))]
        models |= dict.fromkeys(names, kept)
    return {**config, "models": models}


def original_models(config: Mapping) -> list[str]:
    """Models without second trainings, in the order of `model_names`."""
    return [name for name in model_names(config) if replicate_of(name) is None]


def replicates_of(config: Mapping, model: str) -> list[str]:
    """Second trainings of a model, in order."""
    return [name for name in model_names(config) if replicate_of(name) == model]


def control_model(config: Mapping) -> str | None:
    """Name of the control; None where the study has none."""
    return config["reference"] + CONTROL if "control" in config else None


def compared_models(config: Mapping, characteristic: str, task: str, other: str | None = None) -> list[str]:
    """Models that a compare rule reads: those of `models_with`, and the control where it takes part."""
    control = control_model(config) if DECLARED[characteristic].control else None
    return [*models_with(config, characteristic, task, other), *([control] if control else [])]


def inference_settings(config: Mapping, model: str) -> dict | None:
    """Settings of ``inference:`` for a model; a control has its own batch size and may have its precision."""
    settings = config.get("inference")
    if control_of(model) is None or settings is None:
        return settings
    return {**settings, **{key: value for key, value in config["control"].items() if key != "threads"}}


def inference_threads(config: Mapping, model: str) -> int:
    """Numerical threads of a model's inference; the control has its own."""
    block = config["compute"] if control_of(model) is None else config["control"]
    return int(block["threads"])
