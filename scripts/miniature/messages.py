"""Errors that a user can fix, in three parts: what is wrong, where, and the line to paste."""

import json
import shlex


class StudyError(Exception):
    """A mistake in a user's configuration or data, shown without a traceback.

    Parameters
    ----------
    what : str
        What is wrong, as a sentence.
    where : str, optional
        The file (with line or row) or the configuration key.
    fix : str, optional
        What to do, preferably the corrected line to paste.

    Examples
    --------
    >>> print(StudyError("The model name has a slash.", where="config.yaml: models", fix="my-model: ..."))
    The model name has a slash.
      where: config.yaml: models
      fix:   my-model: ...
    """

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None):
        self.what = what
        self.where = where
        self.fix = fix
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            # A fix of several lines stays aligned, so that it can be pasted unchanged.
            lines.append("  fix:   " + self.fix.replace("\n", "\n         "))
        return printable("\n".join(lines))


def printable(text: str, limit: int = 4000) -> str:
    r"""Text that cannot control a terminal: control characters are escaped, and the length is limited.

    Parameters
    ----------
    text : str
        Any text, possibly taken from a data file.
    limit : int
        Maximum number of characters.

    Returns
    -------
    str
        The text with every control character except newline written as ``\xNN``.

    Examples
    --------
    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    shown = "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= limit else shown[:limit] + f"... ({len(shown)} characters)"


def python_line(code: str, **values: object) -> str:
    r"""A command to paste into a shell that runs some Python.

    Parameters
    ----------
    code : str
        With a ``%(name)s`` for each value, and double quotes only.
    **values
        Paths, texts, numbers and lists of them, written as Python has them.

    Examples
    --------
    >>> python_line("print(%(path)s)", path="it is/here")
    'python -c \'print("it is/here")\''
    """
    written = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
    return f"python -c {shlex.quote(code % written)}"
