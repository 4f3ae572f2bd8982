"""One attack: a victim, a masked LM and a recipe combined, attacking many examples concurrently.

Each example has its own search, which requests what it needs (`search`). The requests of all examples in
progress run together: equal texts once, texts of similar length in one batch. An example's outcome does not
depend on the others (`answers`), so it equals the outcome of attacking it alone with TextAttack.
"""

import copy
import functools
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from miniature.attack.library import GreedyWordSwapWIR, UntargetedClassification
from miniature.attack.recipe import PRESETS
from miniature.attack.search.answers import Answers, Ask, BoundExceeded
from miniature.attack.search.authors import AuthorsSearch, Proposals
from miniature.attack.search.greedy import GreedySearch, Read
from miniature.attack.search.parts import Helpers, build_constraints, build_reader, build_swap
from miniature.attack.search.texts import Assembly, Text
from miniature.attack.search.victim import Key, Victim
from miniature.job.machine import describe_machine_error
from miniature.messages import StudyError, printable
from miniature.models.checkpoints import longest_input
from miniature.seeds import derive_seed


@dataclass
class RunningExample:
    """An example, its search, and the request that the search waits for.

    Parameters
    ----------
    id, text, label : str or None
        The example.
    begin : callable
        Creates its search from the start.

    Attributes
    ----------
    search : GreedySearch, AuthorsSearch or None
        None if the example cannot be attacked.
    request : Ask, Read or None
        The pending request; None when the example is finished.
    message : str or None
        The error, if any.
    """

    id: str
    text: str | None
    label: str | None
    begin: Callable[[], GreedySearch | AuthorsSearch]
    search: GreedySearch | AuthorsSearch | None = None
    request: Ask | Read | None = None
    message: str | None = None
    _steps: Iterator | None = None

    @functools.cached_property
    def words(self) -> int:
        """Length of the text, 0 if there is none."""
        return len(self.text.split()) if isinstance(self.text, str) else 0

    def start(self) -> None:
        """Start or restart, and advance to the first request."""
        self.search = self.request = self.message = None

        def prepare():
            self.search = self.begin()
            self._steps = self.search.run()
            return next(self._steps)

        self._advance(prepare)

    def resume(self, answer) -> None:
        """Send the reply to the request, and advance to the next."""
        self._advance(lambda: self._steps.send(answer))

    def fail(self, error: Exception) -> None:
        """Report to the search that its request failed."""
        self._advance(lambda: self._steps.throw(error))

    def _advance(self, step: Callable[[], Ask | Read]) -> None:
        self.request = None
        try:
            self.request = step()
        except StopIteration:
            pass
        except BoundExceeded:
            raise
        except Exception as error:
            if describe_machine_error(error) is not None:
                # A machine error, not the example's: every other example would hit it too.
                raise
            self.message = printable(f"{type(error).__name__}: {error}", limit=500)


logger = logging.getLogger(__name__)

# Examples in progress at a time: enough to fill batches, few enough to lose little when killed.
MOST_LIVE = 64
# Number of batches of texts that the examples in progress may request at once.
BATCHES_WAITED_FOR = 4


class Engine:
    """Attacks one victim's examples with one recipe.

    Parameters
    ----------
    victim, victim_tokenizer : PreTrainedModel, PreTrainedTokenizerBase
        The classifier under attack.
    helpers : Helpers
        The other models and files that the recipe names.
    recipe : dict
        As `miniature.attack.recipe.spell_recipe` gives it.
    labels : list of str
        Names of the classes, in the order of the classifier's outputs.
    max_length : int
        Longest input of the victim, in tokens.
    device : str
        ``cpu`` or ``cuda``.
    seed : int
        The study's seed; every example gets its own, derived from its id.

    Attributes
    ----------
    overruns : int
        How often an answer exceeded its error bound. Examples finished before relied on a bound that was too
        small and have to be attacked again, as `run.attack_table` does.

    Raises
    ------
    StudyError
        The classifier has a different number of classes, or the masked LM does not fit the recipe.
    """

    def __init__(
        self,
        victim,
        victim_tokenizer,
        helpers: Helpers,
        recipe: dict,
        *,
        labels: list[str],
        max_length: int,
        device: str = "cpu",
        seed: int = 0,
    ):
        check_victim(victim, labels, max_length)
        self.labels = list(labels)
        self.seed = seed
        self.overruns = 0
        self.recipe = recipe
        self.victim = Victim(
            victim,
            victim_tokenizer,
            max_length=max_length,
            batch_size=recipe["batch_size"],
            device=device,
            screening=recipe["screening"],
        )
        self.unknown = victim_tokenizer.unk_token or "[UNK]"
        self.masked_lm = build_reader(recipe, helpers, device=device)
        if recipe["kind"] == "bert-attack-authors":
            self.swap = Proposals(self.masked_lm, recipe, helpers.vectors)
            return
        self.swap = build_swap(recipe, helpers, self.masked_lm)
        self.assembly = Assembly(
            UntargetedClassification(self.victim),
            build_constraints(recipe, helpers, device=device),
            self.swap,
            GreedyWordSwapWIR(),
        )

    def attack_example(self, id: str, text: str | None, label: str | None) -> dict:
        """Attack one example; see `attack_examples`."""
        (row,) = self.attack_examples([(id, text, label)])
        return row

    def attack_examples(
        self, examples: Iterable[tuple], *, watch: Callable[[int], None] | None = None
    ) -> Iterator[dict]:
        """Attack examples concurrently; an example's error becomes part of its row.

        Parameters
        ----------
        examples : iterable of tuple
            Id, text and the name of the true class; text and name may be None.
        watch : callable, optional
            Called after every step with the number of queries that the examples in progress have made.

        Yields
        ------
        dict
            Rows of the attacks table, in the order in which they are finished.
        """
        waiting = iter(examples)
        live: list[RunningExample] = []
        exhausted = False
        while True:
            while not exhausted and self._has_room(live):
                example = next(waiting, None)
                exhausted = example is None
                if not exhausted:
                    live.append(self._begin(*example))
            if not live:
                return
            self._calibrate(live)
            finished = [one for one in live if one.request is None]
            live = [one for one in live if one.request is not None]
            yield from map(self._row, finished)
            try:
                self._serve(live)
            except BoundExceeded as error:
                logger.info("%s: %d examples start over", error, len(live))
                self.overruns += 1
                for one in live:
                    one.start()
            if watch is not None:
                watch(sum(one.search.queries for one in live if one.search is not None))

    def _has_room(self, live: list[RunningExample]) -> bool:
        if not live:
            return True
        # With a time limit, an example must not wait for others.
        if len(live) >= MOST_LIVE or self.recipe["max_seconds"] is not None:
            return False
        candidates = self.recipe.get("max_candidates", len(PRESETS["deepwordbug"]["edits"]))
        # About as many tokens as words: a rough estimate suffices.
        words = sum(min(one.words, self.victim.max_length) for one in live if one.request is not None)
        return words * candidates < BATCHES_WAITED_FOR * self.victim.tokens

    def _begin(self, id: str, text: str | None, label: str | None) -> RunningExample:
        def begin() -> GreedySearch | AuthorsSearch:
            if not isinstance(text, str):
                raise ValueError("The example has no text.")
            if label not in self.labels:
                raise ValueError(f"The label {label!r} is not one of {', '.join(self.labels)}.")
            answers = Answers(self.labels.index(label), self.victim.errors, first=self.victim.first_level)
            if self.recipe["kind"] == "bert-attack-authors":
                return AuthorsSearch(
                    text, answers, self.swap, self.victim.encode, self.recipe, unknown=self.unknown
                )
            return GreedySearch(
                Text(text),
                answers,
                self._assembly_of(id),
                self.victim.encode,
                importance=self.recipe["importance"],
                unknown=self.unknown,
                budget=self.recipe["query_budget"],
                seconds=self.recipe["max_seconds"],
            )

        one = RunningExample(id, text, label, begin)
        one.start()
        return one

    def _assembly_of(self, id: str) -> Assembly:
        """The assembly of an example: random choices use the example's own seed."""
        if not hasattr(self.swap, "begin"):
            return self.assembly
        assembly = copy.copy(self.assembly)
        assembly.transformation = copy.copy(self.swap)
        assembly.transformation.begin(derive_seed(self.seed, "attack", id))
        return assembly

    def _calibrate(self, live: list[RunningExample]) -> None:
        if not self.victim.calibrated:
            keys = [key for one in live if isinstance(one.request, Ask) for key in one.request.keys]
            if keys:
                self.victim.calibrate(keys)

    def _serve(self, live: list[RunningExample]) -> None:
        """Run the pending requests, and let each example continue."""
        reads = [one for one in live if isinstance(one.request, Read)]
        if reads:
            self._share(reads, self._read)
        by_level: dict[int, list[RunningExample]] = {}
        for one in live:
            if isinstance(one.request, Ask):
                by_level.setdefault(one.request.level, []).append(one)
        for _, asks in sorted(by_level.items()):
            self._share(asks, self._ask)

    def _share(self, some: list[RunningExample], serve: Callable[[list[RunningExample]], list]) -> None:
        """Serve several examples at once; if that fails, each alone: only one may be at fault."""
        try:
            answers = serve(some)
        except Exception as error:
            if len(some) == 1:
                some[0].fail(error)
                return
            for one in some:
                self._share([one], serve)
            return
        for one, answer in zip(some, answers, strict=True):
            one.resume(answer)

    def _read(self, reads: list[RunningExample]) -> list[None]:
        self.masked_lm.prefetch([text for one in reads for text in one.request.texts])
        return [None] * len(reads)

    def _ask(self, asks: list[RunningExample]) -> list[np.ndarray]:
        """Logits of each example's texts, each distinct text read once; all requests are at one level."""
        keys: dict[Key, int] = {}
        for one in asks:
            for key in one.request.keys:
                keys.setdefault(key, len(keys))
        logits = self.victim.forward(list(keys), asks[0].request.level)  # [texts, classes]
        return [logits[np.array([keys[key] for key in one.request.keys])] for one in asks]

    def _row(self, one: RunningExample) -> dict:
        row = empty_row(one.id, one.text, one.label)
        search = one.search
        if search is not None and search.before is not None:
            row |= {
                "prediction_before": self.labels[search.before],
                "words": search.words,
                "queries": search.queries,
                "outcome": search.outcome,
            }
        if one.message is not None:
            return row | {"outcome": "error", "message": one.message}
        if search.outcome == "skipped":
            return row
        return row | {
            "prediction_after": self.labels[search.after],
            "perturbed_text": search.current.text,
            "words_changed": search.words_changed,
        }


def check_victim(victim, labels: list[str], max_length: int) -> None:
    """Check that a classifier has the study's classes and accepts inputs as long as the study requires."""
    classes = int(victim.config.num_labels)
    if classes != len(labels):
        raise StudyError(
            f"The classifier has {classes} classes, but the study names {len(labels)} labels.",
            where=f"model {victim.config.name_or_path}",
            fix=f"labels: [{', '.join(labels)}] must have {classes} names",
        )
    longest = longest_input(victim)
    if max_length > longest:
        raise StudyError(
            f"The classifier accepts at most {longest} tokens; the study sets {max_length}.",
            where=f"model {victim.config.name_or_path}, classification: max_length",
            fix=f"max_length: {longest}",
        )


def empty_row(id: str, text: str | None, label: str | None) -> dict:
    """An empty row for an example that has not been attacked yet."""
    return {
        "id": id,
        "label": label,
        "prediction_before": None,
        "prediction_after": None,
        "outcome": None,
        "original_text": text,
        "perturbed_text": None,
        "words": None,
        "words_changed": None,
        "queries": None,
        "message": None,
    }
