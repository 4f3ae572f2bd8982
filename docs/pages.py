"""Pages of the site that lie elsewhere in the repository, and links to files that are no pages."""

import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"configuration.md": "config/README.md", "contributing.md": "CONTRIBUTING.md"}
PAGES = {source: name for name, source in ELSEWHERE.items()}


def on_files(files, config):
    """Add the pages from elsewhere."""
    for name, source in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=relink(text, (ROOT / source).parent)))
    return files


def on_page_markdown(markdown, page, **_):
    """Links out of the documentation."""
    return markdown if page.file.src_uri in ELSEWHERE else relink(markdown, ROOT / "docs")


def relink(text, folder):
    """Links to files of the repository: to the page that a file is, else its path as code."""

    def changed(found):
        label, target, anchor = found.groups(default="")
        path = (folder / target).resolve()
        if not path.exists():
            # For the strict build to complain about, unless it is a page from elsewhere.
            return found.group()
        name = path.relative_to(ROOT).as_posix()
        if name in PAGES:
            return f"[{label}]({PAGES[name]}{anchor})"
        if name.startswith("docs/"):
            return f"[{label}]({name.removeprefix('docs/')}{anchor})"
        return f"{label} (`{name}`)" if label.strip("`") != name else f"`{name}`"

    return re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)", changed, text)
