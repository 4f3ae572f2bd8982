"""The written tables, read back by rules written here and not taken from the writer."""

import csv
import html
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniature.tables.escape import escape_markdown, escape_tex
from miniature.tables.write import latex_table, markdown_table, write_table

HOSTILE = "a|b & 50 % of $x_1$ <script>#{}~^\\ [c] *d* `e`\n\\end{tabular}"


def written(folder, table, **more):
    paths = {kind: folder / f"table.{kind}" for kind in ("csv", "md", "tex")}
    write_table(table, **paths, caption="A & B", label="tab:x", **more)
    return {kind: path.read_text(encoding="utf-8") for kind, path in paths.items()}


def markdown_cells(line):
    """Split a row of a GitHub table at bars without a backslash, and undo escapes and entities."""
    cells = re.split(r"(?<!\\)(?:\\\\)*\|", line.strip())[1:-1]
    return [html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell.strip())) for cell in cells]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
@settings(max_examples=200, deadline=None)
def test_markdown_cell_comes_back_whole_and_alone(text):
    expected = "".join(c for c in " ".join(text.split()) if c.isprintable()).strip()
    table = markdown_table(pd.DataFrame({"x": [text], "y": [1]}), "c")
    row = table.split("\n")[4]
    assert [c.strip() for c in markdown_cells(row)] == [expected, "1"]
    assert "<" not in escape_markdown(text)


COMMANDS = {
    r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"\textless{}": "<",
    r"\textgreater{}": ">", r"\textbar{}": "|", r"\textasciigrave{}": "`",
    "{[}": "[", "{]}": "]", "{*}": "*",
}  # fmt: skip
TEX_TOKEN = re.compile(
    "|".join([*map(re.escape, COMMANDS), r"\\[&%$#_{}]", r"[^\\&%$#_{}~^<>|`\[\]*]"]), flags=re.DOTALL
)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
@settings(max_examples=200, deadline=None)
def test_latex_cell_holds_only_known_commands_and_comes_back(text):
    escaped = escape_tex(text)
    tokens = TEX_TOKEN.findall(escaped)
    assert "".join(tokens) == escaped  # nothing in it that LaTeX would obey
    back = "".join(COMMANDS.get(t, t[-1]) for t in tokens)
    assert back == "".join(c for c in " ".join(text.split()) if c.isprintable())


def test_hostile_text_keeps_the_table_in_shape(tmp_path):
    table = pd.DataFrame({HOSTILE: [HOSTILE, "ok"], "n %": [1.0, 2.25]})
    files = written(tmp_path, table)
    lines = files["md"].splitlines()
    assert [len(markdown_cells(line)) for line in lines[2:6]] == [2, 2, 2, 2]
    assert lines[3].replace(" ", "").endswith("-:|")
    body = files["tex"].split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()
    assert len(body) == 2
    assert all(len(re.findall(r"(?<!\\)&", line)) == 1 for line in body)
    assert files["tex"].count("\\end{tabular}") == 1
    assert r"\caption{A \& B}" in files["tex"]
    with (tmp_path / "table.csv").open(newline="") as file:
        assert next(csv.reader(file))[0] == HOSTILE


def test_csv_is_exact_and_prints_are_rounded(tmp_path):
    table = pd.DataFrame(
        {
            "model": ["a", "b"],
            "EM %": [200 / 3, np.nan],
            "kappa": [1 / 3, -0.00001],
            "difference": [-0.25, 0.5],
            "size": [1.23456, 2.0],
            "n": pd.array([7, None], dtype="Int64"),
        }
    )
    files = written(tmp_path, table, digits={"size": 1})
    assert files["csv"] == (
        "model,EM %,kappa,difference,size,n\na,66.66666667,0.3333333333,-0.25,1.23456,7\nb,,-1e-05,0.5,2,\n"
    )
    assert markdown_cells(files["md"].splitlines()[4]) == ["a", "66.7", "0.333", "-0.250", "1.2", "7"]
    assert markdown_cells(files["md"].splitlines()[5]) == ["b", "", "0.000", "0.500", "2.0", ""]
    assert "a & 66.7 & 0.333 & $-$0.250 & 1.2 & 7 \\\\" in files["tex"]


def test_further_views_are_printed_but_not_in_the_csv(tmp_path):
    table = pd.DataFrame({"x": [1]})
    files = written(tmp_path, table, also={"The same, squared": pd.DataFrame({"y": [2.5]})})
    assert files["csv"] == "x\n1\n"
    assert "The same, squared" in files["md"]
    assert files["tex"].count("\\begin{tabular}") == 2
    assert re.findall(r"\\label\{(.*?)\}", files["tex"]) == ["tab:x", "tab:x-2"]


def test_the_same_bytes_again_and_nothing_left_behind(tmp_path):
    table = pd.DataFrame({"model": ["a"], "EM %": [1 / 3]})
    assert written(tmp_path, table) == written(tmp_path, table)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["table.csv", "table.md", "table.tex"]


def test_an_empty_table_still_has_its_headings():
    empty = pd.DataFrame({"model": pd.Series(dtype="str"), "n": pd.Series(dtype="Int64")})
    assert markdown_cells(markdown_table(empty, "c").splitlines()[2]) == ["model", "n"]
    assert "model & n" in latex_table(empty, "c", "tab:c")


@pytest.mark.parametrize("label", ["", "a b", "a}\\input{x", "é"])
def test_a_label_that_latex_would_obey_is_refused(tmp_path, label):
    with pytest.raises(ValueError, match="label"):
        write_table(
            pd.DataFrame({"x": [1]}), csv=tmp_path / "a", md=tmp_path / "b", tex=tmp_path / "c",
            caption="c", label=label,
        )  # fmt: skip


def test_no_p_value_above_zero_is_printed_as_zero():
    table = pd.DataFrame(
        {"model": ["a", "b", "c"], "McNemar p": [1e-9, 0.0321, 0.0], "share": [1e-9, 0.1, 0.0]}
    )
    lines = markdown_table(table, "t").splitlines()[4:]
    assert [[cell.strip() for cell in line.split("|")[2:4]] for line in lines] == [
        [escape_markdown("<0.001"), "0.000"], ["0.032", "0.100"], ["0.000", "0.000"],
    ]  # fmt: skip
