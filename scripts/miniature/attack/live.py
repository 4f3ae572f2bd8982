"""One example under attack, among others."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from miniature.attack.answers import Ask, BoundExceeded
from miniature.attack.authors import AuthorsSearch
from miniature.attack.search import GreedySearch, Read
from miniature.machine import explain
from miniature.messages import printable


@dataclass
class Live:
    """An example, its search, and what the search waits for.

    Parameters
    ----------
    id, text, label : str or None
        The example.
    begin : callable
        Makes its search anew, from the start.

    Attributes
    ----------
    search : GreedySearch, AuthorsSearch or None
        None where the example cannot be attacked.
    request : Ask, Read or None
        What the search waits for; None when the example is finished.
    message : str or None
        What went wrong.
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
        """Length of the text, 0 where there is none."""
        return len(self.text.split()) if isinstance(self.text, str) else 0

    def start(self) -> None:
        """Start, or start again, and go on to the first request."""
        self.search = self.request = self.message = None

        def prepare():
            self.search = self.begin()
            self._steps = self.search.run()
            return next(self._steps)

        self._advance(prepare)

    def resume(self, answer) -> None:
        """Hand over what the request asked for, and go on to the next."""
        self._advance(lambda: self._steps.send(answer))

    def fail(self, error: Exception) -> None:
        """Tell the search that its request failed."""
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
            if explain(error) is not None:
                # The machine's fault, not the example's: every other one would meet it too.
                raise
            self.message = printable(f"{type(error).__name__}: {error}", limit=500)
