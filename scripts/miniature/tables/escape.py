"""Escapes arbitrary text (names, messages, data) for Markdown and LaTeX tables."""

import re

_TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    # A bracket or a star at the start of a row would be parsed as an argument of the \\ before it.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]|~$#])")


def one_line(text: str) -> str:
    r"""Text on one line: white space becomes a single space, other control characters are removed."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def escape_tex(text: str) -> str:
    r"""Text for a cell of a LaTeX table."""
    return "".join(_TEX.get(character, character) for character in one_line(text))


def escape_markdown(text: str) -> str:
    r"""Text for a cell of a Markdown table; HTML in it is shown, not rendered."""
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", text)
