"""Checks of models that are made from others: one technique each, from something that it can be done to."""

from collections.abc import Iterator, Mapping

from miniature.config.lines import Positions
from miniature.config.plan import ARTIFACTS, is_artifact, named_tasks
from miniature.config.suggest import TRAINING, _unknown, flow
from miniature.messages import StudyError
from miniature.models.derived import (
    RECOVERABLE,
    TECHNIQUES,
    check_shape,
    derived_by_training,
    entry_shape,
    sees_training_data,
    technique_of,
)
from miniature.models.entry import is_graph

# What belongs to a model that is made in another way, and what to do instead.
ELSEWHERE = {
    "layers": "drop_layers: [1]   # inside derive, the numbers of the layers that go",
    "dropout": "remove dropout: that of the model it comes from is kept",
    "segments": "remove segments: those of the model it comes from are kept",
    "teacher": "distill: {{architecture: {{...}}}}   # inside derive; its teacher is '{}'",
    "as_is": "remove as_is",
}


def check_derived(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Every ``derive:`` block, alone and along its chain."""
    for name, entry in config["models"].items():
        if "derive" in entry and not is_artifact(entry):
            yield from _check_entry(name, entry, config, positions)


def _check_entry(name: str, entry: Mapping, config: Mapping, positions: Positions) -> Iterator[StudyError]:
    derive, models, place = entry["derive"], config["models"], ("models", name)
    inside = (*place, "derive")
    for key, fix in ELSEWHERE.items():
        if key in entry:
            yield StudyError(
                f"'{key}' beside 'derive': '{name}' is made from '{derive['from']}'.",
                where=positions.where((*place, key)),
                fix=fix.format(derive["from"]),
            )
    given = [key for key in TECHNIQUES if key in derive]
    if len(given) != 1:
        fix = f"derive: {{from: {derive['from']}, quantize: int8}}"
        if given:
            more = f"{name}-2: {{derive: {{from: {name}, {given[1]}: ...}}}}   # a model more"
            fix = f"remove {given[1]} here\n{more}"
        yield StudyError(
            f"'derive' needs exactly one of {', '.join(TECHNIQUES)}; it has {', '.join(given) or 'none'}.",
            where=positions.where(inside),
            fix=fix,
        )
        return
    yield from _check_distill(derive, inside, positions)
    if derive.get("recover") and given[0] not in RECOVERABLE:
        yield StudyError(
            f"There is nothing to recover by training after '{given[0]}'.",
            where=positions.where((*inside, "recover")),
            fix=f"remove recover; it goes with {', '.join(RECOVERABLE)}",
        )
    yield from _check_trained(name, entry, config, positions)
    wrong = _wrong_origin(name, config, positions)
    if wrong is not None:
        yield wrong
        return
    origin = derive["from"]
    shape = entry_shape(models[origin], models)
    for key, what, fix in check_shape(derive, shape, origin=origin) if shape else ():
        yield StudyError(what, where=positions.where((*inside, key)), fix=fix)


def _check_distill(derive: Mapping, inside: tuple, positions: Positions) -> Iterator[StudyError]:
    distill = derive.get("distill")
    if distill is not None and ("architecture" in distill) == ("layers" in distill):
        yield StudyError(
            "A student has either an architecture of its own or layers of its teacher.",
            where=positions.where((*inside, "distill")),
            fix="distill: {layers: [0]}",
        )


def _check_trained(name: str, entry: Mapping, config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """What is trained needs a block for every task; what is not has nothing to do with training."""
    derive, place = entry["derive"], ("models", name)
    if not derived_by_training(derive):
        for key in ("training", "replicates"):
            if key in entry and not (key == "replicates" and sees_training_data(derive)):
                hint = ", or recover: true inside derive" if technique_of(derive) in RECOVERABLE else ""
                yield StudyError(
                    f"'{key}' of '{name}': {technique_of(derive)} trains nothing and gives the same model "
                    "every time.",
                    where=positions.where((*place, key)),
                    fix=f"remove {key}{hint}",
                )
        bare = [
            task for task in sorted(named_tasks(config)) if "train" not in config["datasets"][task]["splits"]
        ]
        for task in bare if sees_training_data(derive) else ():
            yield StudyError(
                f"The scales of '{name}' come from training texts, and '{task}' has no train split.",
                where=positions.where(("datasets", task, "splits")),
                fix="train: {path: train.csv}   # or quantize: int8, which needs none",
            )
        return
    blocks = config.get("training", {})
    for task in sorted(named_tasks(config) - set(blocks)):
        yield StudyError(
            f"'{name}' is trained on '{task}', and nothing says how.",
            where=positions.where(("training",)),
            fix=f"training: {flow({**blocks, task: TRAINING})}",
        )


def _wrong_origin(name: str, config: Mapping, positions: Positions) -> StudyError | None:
    """What is wrong with the model that a chain comes from; None where it can be derived from."""
    models, derive = config["models"], config["models"][name]["derive"]
    where, origin = positions.where(("models", name, "derive", "from")), derive["from"]
    fine = [
        other
        for other, entry in models.items()
        if other != name and not (is_artifact(entry) or is_graph(entry) or "derive" in entry)
    ]
    first = config["reference"] if config["reference"] in fine else (fine or ["..."])[0]
    if origin not in models:
        return _unknown("model", origin, [n for n in models if n != name], where, "from: {}")
    chain = [name]
    while chain[-1] in models and "derive" in models[chain[-1]]:
        after = models[chain[-1]]["derive"]["from"]
        if after in chain:
            return StudyError(
                f"Models are derived in a circle: {' <- '.join([*chain, after])}.",
                where=where,
                fix=f"from: {first}",
            )
        chain.append(after)
    entry = models[origin]
    if is_artifact(entry):
        kind = next(kind for kind in ARTIFACTS if kind in entry)
        return StudyError(
            f"'{origin}' is given by its {kind}: there are no weights to derive from.",
            where=where,
            fix=f"from: {first}",
        )
    if is_graph(entry):
        back = entry["derive"]["from"] if "derive" in entry else first
        return StudyError(
            f"'{origin}' is a graph of ONNX: it has no gradients to train with, and no weights to change.",
            where=where,
            fix=f"from: {back}   # quantize last",
        )
    return None
