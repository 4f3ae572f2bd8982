"""What all pages share: templates that escape, tables and captions as HTML, pictures inside the file."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import jinja2
from docutils.core import publish_parts
from markdown_it import MarkdownIt
from markdown_it.token import Token

from miniature.scorecard.limits import BEYOND, WITHIN
from miniature.scorecard.verdicts import MINIATURE, NOT_MEASURED, NOT_MINIATURE, UNDECIDED, UNINFORMATIVE
from miniature.tables.escape import escape_markdown

# A verdict has a sign beside its color: a print in gray says the same.
SIGNS = {
    MINIATURE: ("●", "good"), NOT_MINIATURE: ("✕", "bad"), UNDECIDED: ("◇", ""), UNINFORMATIVE: ("–", "mute"),
    NOT_MEASURED: ("–", "mute"), WITHIN: ("●", "good"), BEYOND: ("✕", "bad"), "supported": ("●", "good"),
    "not supported": ("✕", "bad"), "within tolerance": ("●", "good"), "outside tolerance": ("✕", "bad"),
}  # fmt: skip


def page_environment(templates: Mapping[str, str]) -> jinja2.Environment:
    """Templates in which every value of an ``.html`` is escaped, and a name that is not known is an error.

    Parameters
    ----------
    templates : mapping of str to str
        Text of each template by its file name.

    Returns
    -------
    jinja2.Environment
        With the filter ``md`` for values in Markdown, and ``signs``.
    """
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(dict(templates)),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters["md"] = lambda value: escape_markdown(str(value))
    environment.globals["signs"] = SIGNS
    return environment


def markdown_html(text: str) -> str:
    r"""HTML of Markdown with tables; HTML inside it is shown, not rendered.

    A cell knows the heading of its column, so that a narrow screen can show a row as a list, and a verdict
    has its sign.

    Examples
    --------
    >>> markdown_html("<b>*x*</b>")
    '<p>&lt;b&gt;<em>x</em>&lt;/b&gt;</p>\n'
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    headings: list[str] = []
    column = 0
    for token, inside in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "thead_open":
            headings = []
        elif token.type == "th_open":
            token.attrSet("scope", "col")
            headings.append(_words(inside))
        elif token.type == "tr_open":
            column = 0
        elif token.type == "td_open":
            token.attrSet("data-label", headings[column])
            column += 1
            sign, tone = SIGNS.get(_words(inside), ("", ""))
            if sign:
                token.attrSet("class", f"verdict {tone}".strip())
                token.attrSet("data-sign", sign)
    return parser.renderer.render(tokens, parser.options, {})


def _words(token: Token | None) -> str:
    return "".join(part.content for part in (token.children or [])) if token is not None else ""


def caption_html(text: str, config: Mapping) -> str:
    """HTML of a caption, which is reStructuredText with the study in it.

    Parameters
    ----------
    text : str
        A template, as Snakemake's own report takes it.
    config : mapping
        The study.

    Returns
    -------
    str
    """
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    source = environment.from_string(text).render(snakemake=SimpleNamespace(config=config))
    settings = {"raw_enabled": False, "file_insertion_enabled": False, "report_level": 5}
    return publish_parts(source, writer="html5", settings_overrides=settings)["body"]


def caption_title(text: str) -> str:
    """Title of a caption: its first words in bold.

    Examples
    --------
    >>> caption_title("**The control**, of a study")
    'The control'
    """
    found = re.search(r"\*\*(.+?)\*\*", text, flags=re.S)
    return " ".join(found.group(1).split()).strip("?.,") if found else ""


def picture(path: Path) -> dict[str, object]:
    """A PNG as an address that holds the picture itself, and its width on a screen in pixels."""
    content = path.read_bytes()
    # Its header has the width; figures are saved with 200 pixels for an inch, of which a screen has 96.
    width = int.from_bytes(content[16:20], "big") * 96 // 200
    return {"source": f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}", "width": width}
