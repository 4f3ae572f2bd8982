"""Checks of what is read off the agreement tables: verdicts and the panels of figure 1."""

from collections.abc import Iterator, Mapping

from miniature.characteristics.declared import DECLARED, measures_of
from miniature.config.checks.characteristics import _enabled
from miniature.config.lines import Positions
from miniature.config.plan import enabled, models_giving, row_choices, trained_models
from miniature.config.suggest import _nearest, _unknown, flow, value_for
from miniature.measures.registry import MEASURES
from miniature.messages import StudyError


def check_verdict(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """The rows that verdicts are read from exist."""
    for name, block in config["verdict"].items():
        place = ("verdict", name)
        if name not in config["characteristics"]:
            yield StudyError(
                f"A verdict on '{name}' needs it to be measured, and it is not named under characteristics.",
                where=positions.where(place),
                fix=f"{name}: {flow(value_for(config, ('characteristics', name)))}",
            )
        if not _enabled(config, name):
            continue
        yield from _check_measure(name, block["measure"], place, positions)
        yield from _check_bar(block, place, positions)
        for key in ("k", "ood_dataset", "recipe"):
            if key in block and key not in _row_keys(name, block["measure"]):
                subject = block["measure"] if key in DECLARED[name].row_keys else name
                yield StudyError(
                    f"'{key}' means nothing for '{subject}'"
                    + (", which is not measured against K." if key == "k" else "."),
                    where=positions.where((*place, key)),
                    fix=f"remove {key}",
                )
        settings = config["characteristics"][name]
        if block["task"] not in settings["tasks"]:
            tasks = list(settings["tasks"])
            if not set(tasks) <= set(config["datasets"]):
                continue  # a misspelled task is told where it stands
            where = positions.where((*place, "task"))
            yield StudyError(
                f"'{block['task']}' is not a task of '{name}'.", where=where,
                fix=f"task: {_nearest(block['task'], tasks)}",
            )  # fmt: skip
            continue
        yield from _check_row(name, block, config, positions)
        yield from _check_probabilities(name, block, config, positions)


def _check_probabilities(
    name: str, block: Mapping, config: Mapping, positions: Positions
) -> Iterator[StudyError]:
    """What compares probabilities needs models that may have them: with weights or predictions."""
    reference, task = config["reference"], block["task"]
    if reference not in config["models"]:
        return
    able = [*trained_models(config), *models_giving(config, "predictions", task)]
    if reference in able and len(able) > 1:
        return
    declared = DECLARED[name]
    if not getattr(MEASURES.get(block["measure"]), "probabilities", False):
        return
    if MEASURES[declared.verdict["measure"]].probabilities:
        fix = f"{name}: {{enabled: false}}   # and remove its verdict"
    else:
        fix = "measure: " + ("label_loyalty" if reference in able else declared.verdict["measure"])
    without = f"the reference '{reference}' has" if reference not in able else "all other models have"
    yield StudyError(
        f"'{block['measure']}' compares probabilities, and {without} neither weights nor predictions.",
        where=positions.where(("verdict", name, "measure")),
        fix=fix,
    )


def _check_measure(name: str, measure: str, place: tuple, positions: Positions) -> Iterator[StudyError]:
    known = measures_of(name)
    if measure not in known:
        if measure in MEASURES and measure.endswith("_corrected"):
            what = f"A verdict rests on the agreement itself, not on '{measure}'"
        elif measure in MEASURES and not MEASURES[measure].closer:
            what = f"'{measure}' is no agreement of two models"
        else:
            what = f"'{name}' has no measure '{measure}'"
        yield StudyError(
            f"{what} (there are: {', '.join(known)}).",
            where=positions.where((*place, "measure")),
            fix=f"measure: {_nearest(measure, known)}",
        )


def _check_bar(block: Mapping, place: tuple, positions: Positions) -> Iterator[StudyError]:
    """An agreement is judged by the share that is kept, a level by a margin."""
    measure = block["measure"]
    if measure not in MEASURES or not MEASURES[measure].closer:
        return
    level = MEASURES[measure].closer == "zero"
    wanted, other = ("margin: 0.02", "keep") if level else ("keep: 0.8", "margin")
    if other in block:
        judged = (
            "by how far it may lie from the reference's"
            if level
            else ("by the share that it keeps of what another training shares with the reference")
        )
        yield StudyError(
            f"'{measure}' is judged {judged}, not by '{other}'.",
            where=positions.where((*place, other)),
            fix=f"{wanted}   # in place of {other}",
        )
    elif wanted.partition(":")[0] not in block:
        yield StudyError(
            f"The key '{wanted.partition(':')[0]}' is missing.", where=positions.where(place), fix=wanted
        )


def _row_keys(name: str, measure: str) -> tuple[str, ...]:
    once = getattr(MEASURES.get(measure), "once", False)
    return tuple(key for key in DECLARED[name].row_keys if key != "k" or not once)


def _check_row(name: str, block: Mapping, config: Mapping, positions: Positions) -> Iterator[StudyError]:
    place = ("verdict", name)
    for key in _row_keys(name, block["measure"]):
        known = row_choices(config, name, key, block["task"])
        if key not in block:
            value = value_for(config, (*place, key))
            yield StudyError(
                f"The key '{key}' is missing.", where=positions.where(place),
                fix=f"{key}: {'...' if value is None else flow(value)}",
            )  # fmt: skip
        elif block[key] in known:
            continue
        elif key == "k":
            above = isinstance(known, range)
            yield StudyError(
                f"k ({block['k']}) is {'above k_max' if above else 'not among those measured'}.",
                where=positions.where((*place, "k")),
                fix=f"k: {known[-1 if above else 0]}",
            )
        else:
            kind = {"ood_dataset": "OOD dataset"}.get(key, key)
            yield _unknown(kind, block[key], list(known), positions.where((*place, key)), f"{key}: {{}}")


def check_figure(config: Mapping, positions: Positions) -> Iterator[StudyError]:
    """Panels show what is measured, and each shows one thing."""
    for letter, panel in config.get("figure1", {}).get("panels", {}).items():
        name, place = panel["characteristic"], ("figure1", "panels", letter)
        if not enabled(config, name):
            if name in config["verdict"] and name not in config["characteristics"]:
                continue  # told with the verdict
            yield StudyError(
                f"Panel {letter} shows '{name}', which is not enabled.",
                where=positions.where(place),
                fix=f"{name}: {flow(value_for(config, ('characteristics', name)))}",
            )
        elif _enabled(config, name):
            yield from _check_measure(name, panel["measure"], place, positions)
            if getattr(MEASURES.get(panel["measure"]), "once", False):
                yield StudyError(
                    f"'{panel['measure']}' is not measured against K, which panel {letter} shows.",
                    where=positions.where((*place, "measure")),
                    fix="measure: jaccard",
                )
            yield from _check_panel(letter, panel, config["characteristics"][name]["tasks"], positions)


def _check_panel(letter: str, panel: Mapping, tasks, positions: Positions) -> Iterator[StudyError]:
    place = ("figure1", "panels", letter)
    yield from _check_choice("task", panel, list(tasks), place, positions)
    if DECLARED[panel["characteristic"]].per != "ood_dataset":
        if "ood_dataset" in panel:
            yield StudyError(
                f"'ood_dataset' means nothing for '{panel['characteristic']}'.",
                where=positions.where((*place, "ood_dataset")),
                fix="remove ood_dataset",
            )
        return
    task = panel.get("task", next(iter(tasks)) if len(tasks) == 1 else None)
    if task in tasks:
        yield from _check_choice("ood_dataset", panel, tasks[task], place, positions)


def _check_choice(
    key: str, panel: Mapping, known: list[str], place: tuple, positions: Positions
) -> Iterator[StudyError]:
    if key in panel and panel[key] not in known:
        yield StudyError(
            f"'{panel['characteristic']}' is not measured with the {key} '{panel[key]}' "
            f"(there are: {', '.join(known)}).",
            where=positions.where((*place, key)),
            fix=f"{key}: {_nearest(panel[key], known)}",
        )
    elif key not in panel and len(known) > 1:
        yield StudyError(
            f"Panel {place[-1]} shows one {key}, and '{panel['characteristic']}' is measured on several.",
            where=positions.where(place),
            fix=f"{key}: {known[0]}   # or {', '.join(known[1:])}",
        )
