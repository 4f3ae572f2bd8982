"""Attack summaries against counts made by hand."""

import math
import os
import subprocess
import sys

import pyarrow as pa
import pytest
from scipy.stats import binomtest

from miniature.attack import rows
from miniature.attack.rows import ATTACKS_SCHEMA, OUTCOMES, attacks_frame
from miniature.attack.run import Progress
from miniature.attack.summary import find_common_ids, summarize_attack
from miniature.attack.transfer import adversarial_table, count_transfer
from miniature.characteristics.vulnerability import compare as vulnerability


def row(id, outcome, words=10, changed=None, queries=5):
    empty = dict.fromkeys(ATTACKS_SCHEMA.names)
    if outcome == "error":
        return empty | {"id": id, "outcome": outcome, "message": "boom"}
    return empty | {
        "id": id,
        "outcome": outcome,
        "words": words,
        "words_changed": changed,
        "queries": queries,
    }


TABLE = attacks_frame(
    [
        row("a", "success", words=10, changed=1, queries=20),
        row("b", "success", words=4, changed=2, queries=10),
        row("c", "failure", words=6, changed=2, queries=60),
        row("d", "query_budget", words=20, changed=0, queries=100),
        row("e", "skipped", queries=1),
        row("f", "skipped", queries=1),
        row("g", "error"),
    ]
)


def interval(name, part, whole):
    found = binomtest(part, whole).proportion_ci(method="wilson")
    return {f"{name}_low": pytest.approx(found.low), f"{name}_high": pytest.approx(found.high)}


def test_counts_by_hand():
    assert summarize_attack(TABLE) == {
        "n": 6,
        "n_errors": 1,
        "n_attacked": 4,
        "n_success": 2,
        "n_query_budget": 1,
        "accuracy_before": pytest.approx(4 / 6),
        "accuracy_after": pytest.approx(2 / 6),
        "success_rate": 0.5,
        "success_rate_if_spent": 0.75,
        # scipy's own interval is the witness.
        **interval("accuracy_before", 4, 6),
        **interval("accuracy_after", 2, 6),
        **interval("success_rate", 2, 4),
        "words_mean": 10.0,
        "words_changed_rate": pytest.approx((1 / 10 + 2 / 4) / 2),
        "queries_mean": pytest.approx(190 / 4),
        "queries_mean_success": 15.0,
    }


def test_a_spent_time_budget_counts_like_one_of_queries():
    timed = TABLE.assign(outcome=TABLE["outcome"].replace("query_budget", "time_budget"))
    assert summarize_attack(timed) == summarize_attack(TABLE)
    assert find_common_ids([timed]) == find_common_ids([TABLE])


def test_the_outcomes_are_defined_once_and_without_torch():
    assert vulnerability.BUDGET is rows.BUDGET
    assert vulnerability.OUTCOMES is rows.OUTCOMES
    program = (
        "import sys, miniature.characteristics.vulnerability.compare; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'textattack', 'transformers')))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0


def test_common_subset_counts_only_its_ids():
    found = summarize_attack(TABLE, common_ids=["a", "c", "unknown"])
    assert (found["n"], found["n_attacked"], found["success_rate"]) == (2, 2, 0.5)
    assert found["accuracy_before"] == 1.0


@pytest.mark.parametrize("outcomes", [[], ["error"], ["skipped", "error"]])
def test_nothing_attacked_gives_nan(outcomes):
    found = summarize_attack(attacks_frame(row(str(i), o) for i, o in enumerate(outcomes)))
    assert found["n_attacked"] == 0
    assert math.isnan(found["success_rate"])
    assert math.isnan(found["words_changed_rate"])
    assert math.isnan(found["accuracy_before"]) == (found["n"] == 0)


def test_common_ids_are_those_every_model_had_right():
    other = attacks_frame([row(id, "failure") for id in "fdcb"] + [row("a", "error")])
    assert find_common_ids([TABLE, other]) == ["b", "c", "d"]
    assert find_common_ids([TABLE]) == ["a", "b", "c", "d"]
    assert find_common_ids([]) == []


def test_table_fits_its_schema_even_when_empty():
    for listed in ([], [row("a", outcome) for outcome in OUTCOMES]):
        table = pa.Table.from_pandas(attacks_frame(listed), schema=ATTACKS_SCHEMA, preserve_index=False)
        assert table.schema.equals(ATTACKS_SCHEMA)
        assert table.num_rows == len(listed)


def test_progress_line_tells_what_is_left():
    progress = Progress(8, [row("a", "success", changed=1), row("b", "skipped")])
    progress.add(row("c", "failure", queries=30))
    progress.add(row("d", "error"))
    line = progress.line(seconds=10.0)
    # Two examples in 10 s, four to go; the queries of an earlier run are not this run's speed.
    assert line == "4/8 examples, broken 50% of 2, 1 errors, 3 queries/s, 20 s left"


def test_transfer_counts_over_what_the_target_had_right():
    source = TABLE.assign(label="good", perturbed_text=TABLE["id"] + " changed")
    # Both of the source's successes, but the target had b wrong to begin with.
    target = attacks_frame([row("a", "failure"), row("b", "skipped"), row("c", "success")])
    assert adversarial_table(source).to_dict("list") == {
        "id": ["a", "b"], "cluster": ["a", "b"], "text": ["a changed", "b changed"], "label": ["good"] * 2
    }  # fmt: skip
    assert count_transfer(source, target, {"a": "bad", "b": "bad"}) == {"n": 1, "broken": 1, "rate": 1.0}
    assert count_transfer(source, target, {"a": "good"})["broken"] == 0
    # On the model it was made against, every adversarial text works.
    own = count_transfer(source, source, {"a": "bad", "b": "bad"})
    assert own == {"n": 2, "broken": 2, "rate": 1.0}
    with pytest.raises(ValueError, match="have no prediction"):
        count_transfer(source, target, {})
    assert math.isnan(count_transfer(source, target.iloc[1:], {})["rate"])
