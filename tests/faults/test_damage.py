"""Results that are missing or damaged: the next run builds them again."""

import pytest

from projects import jobs_in

pytestmark = pytest.mark.workflow


@pytest.mark.fault
def test_result_is_deleted_by_hand(project, table_row):
    before = project.contents()
    (project.results / "agreement/errors.csv").unlink()
    done = project.run("--cores", "1", "errors")
    assert project.contents() == before
    jobs = sorted(rule for rule, _ in jobs_in(done.stdout))
    assert jobs == ["compare_errors", "errors"]
    table_row("a result deleted by hand", "it is missed", "everything else", "compare_errors")
