"""An edit changes the version of exactly the scripts that can reach it."""

import pytest

from miniature.job.code_version import CodeMap

FILES = {
    "count_words.py": '''"""Script."""
import logging
from lib.words import count

def main(snakemake):
    """Run."""
    logging.info("counting")
    print(count("a b"))
''',
    "shout.py": """from _frame import run
from lib import loud

def main(snakemake):
    print(loud.shout("a"))
""",
    "_frame.py": "def run(main):\n    main()\n",
    "lazy.py": """def main(snakemake):
    from lib.outside import loads
    from lib.words import split
    split(loads("x"))
""",
    "lib/outside.py": """from json import loads

def prepare(value):
    return value

prepare(1)
""",
    "lib/__init__.py": "from lib.words import count\n",
    "lib/words.py": '''"""Words."""
import logging
logger = logging.getLogger(__name__)
SEPARATOR = " "
OTHER = 3

def split(text: str) -> list:
    """Split."""
    logger.info("splitting %s", text)
    if not text:
        raise ValueError("no text given")
    return text.split(SEPARATOR)

def count(text):
    return len(split(text))

def unused(text):
    return OTHER
''',
    "lib/loud.py": """from . import words

class Voice:
    def up(self, text):
        return text.upper()

def shout(text):
    return Voice().up(text)

def repeat(text):
    return words.split(text)
""",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def versions(folder):
    code = CodeMap(folder)
    return {script: code.version(script) for script in ("count_words", "shout", "lazy")}


def changed_by(folder, file, old, new):
    before = versions(folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    after = versions(folder)
    return {script for script in before if before[script] != after[script]}


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("lib/words.py", "return len(split(text))", "return len(split(text)) + 1", {"count_words"}),
        ("lib/words.py", "text.split(SEPARATOR)", "text.split(SEPARATOR, 1)", {"count_words", "lazy"}),
        ("lib/words.py", 'SEPARATOR = " "', 'SEPARATOR = "_"', {"count_words", "lazy"}),
        ("lib/words.py", "return OTHER", "return 2 * OTHER", set()),
        ("lib/words.py", '"""Split."""', '"""Split a text."""', set()),
        ("lib/words.py", "splitting %s", "cutting %s", set()),
        ("lib/words.py", "no text given", "the text is empty", set()),
        ("lib/words.py", "raise ValueError", "raise KeyError", {"count_words", "lazy"}),
        ("lib/words.py", "text: str", "text", set()),
        ("lib/words.py", "OTHER = 3", "OTHER = 3  # a comment", set()),
        ("lib/words.py", "OTHER = 3", "OTHER = 3\nprint('imported')", {"count_words", "lazy"}),
        ("lib/loud.py", "text.upper()", "text.lower()", {"shout"}),
        ("lib/loud.py", "return words.split(text)", "return words.count(text)", set()),
        ("_frame.py", "main()", "return main()", set()),
        # A module reached only for a name that it has from outside the library still runs on import.
        ("lib/outside.py", "prepare(1)", "prepare(2)", {"lazy"}),
        ("count_words.py", 'logging.info("counting")', 'logging.info("now counting")', set()),
        ("count_words.py", '"a b"', '"a b c"', {"count_words"}),
    ],
)
def test_edit_reruns_what_reaches_it(folder, file, old, new, expected):
    assert changed_by(folder, file, old, new) == expected


def test_same_code_same_version_in_another_folder(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("copy")
    for name, text in FILES.items():
        (other / name).parent.mkdir(exist_ok=True)
        (other / name).write_text(text)
    assert versions(folder) == versions(other)


def test_a_move_reruns_nothing(folder):
    before = versions(folder)
    (folder / "lib" / "text").mkdir()
    (folder / "lib" / "text" / "__init__.py").write_text("")
    (folder / "lib" / "words.py").rename(folder / "lib" / "text" / "split.py")
    for path in [folder / "lib" / "loud.py", folder / "lib" / "__init__.py", *folder.glob("*.py")]:
        text = path.read_text().replace("lib.words import", "lib.text.split import")
        path.write_text(text.replace("from . import words", "from .text import split as words"))
    assert versions(folder) == before


def test_missing_script(folder):
    with pytest.raises(FileNotFoundError, match=r"nothing\.py"):
        CodeMap(folder).version("nothing")
