"""docs/audit_coverage.md: every row of the audit has a test that runs, or stands on the page as open with a reason."""

import pytest
from audit_coverage import PAGE_FILE, Citation, citations, cited, faults, open_rows, page, rows

from orchestration.dictionary.metric import dictionary

KNOWN = rows("decide:\n  DE1: {scope: IN, fr: un, en: one}\n  DE2: {scope: PART, fr: deux, en: two}\n")
PLAIN = Citation("DE1", "tests/a.py", "test_a", ())
NIGHTLY = Citation("DE2", "tests/a.py", "test_b", ("nightly",))


def test_every_row_has_a_test_or_a_reason_and_no_test_cites_what_is_no_row():
    assert faults(rows(), citations(), open_rows()) == []


def test_the_page_is_that_of_the_tests():
    """python -m tests.conventions.audit_coverage writes it."""
    assert PAGE_FILE.read_text(encoding="utf-8") == page(rows(), citations(), open_rows())


def test_metrics_of_a_row_are_published_metrics_of_the_dictionary():
    published = {name for name, metric in dictionary().items() if metric.is_published}
    assert not [(row.code, m) for row in rows().values() for m in row.metrics if m not in published]


@pytest.mark.parametrize(
    ("found", "left_open", "fault"),
    [
        ([PLAIN], {"DE2": "not built"}, None),
        ([PLAIN], {}, "DE2 has no test"),
        ([PLAIN, NIGHTLY], {}, "DE2 has no test"),
        ([PLAIN, NIGHTLY], {"DE2": "nightly only"}, None),
        ([PLAIN], {"DE1": "not built", "DE2": "not built"}, "DE1 is called open and has a test"),
        ([PLAIN], {"DE2": ""}, "DE2 is called open without a reason"),
        ([PLAIN], {"DE2": "not built", "DE9": "not built"}, "DE9 is called open and is no row"),
        (
            [PLAIN, Citation("DX1", "tests/a.py", "test_c", ())],
            {"DE2": "not built"},
            "tests/a.py::test_c cites DX1, which is no row",
        ),
    ],
)
def test_a_row_without_proof_and_a_mark_without_row_are_found(found, left_open, fault):
    assert faults(KNOWN, found, left_open) == ([] if fault is None else [fault])


def test_marks_of_a_test_its_class_and_its_module_are_read():
    source = """
pytestmark = [pytest.mark.nightly, pytest.mark.audit("FR1")]
@pytest.mark.audit("CO1", "CO2")
@pytest.mark.parametrize("x", [1])
def test_one(x): ...
@pytest.mark.audit("CO3")
class TestMany:
    def test_two(self): ...
    def no_test(self): ...
def test_three(): ...
@pytest.mark.audit("CO9")
def told(): ...
"""
    night = ("nightly",)
    assert set(cited(source)) == {
        ("FR1", "test_one", night), ("CO1", "test_one", night), ("CO2", "test_one", night),
        ("FR1", "test_two", night), ("CO3", "test_two", night), ("FR1", "test_three", night),
    }  # fmt: skip


def test_a_code_that_is_computed_cannot_hide():
    with pytest.raises(ValueError, match="plain texts"):
        list(cited("@pytest.mark.audit(*CODES)\ndef test_a(): ..."))


def test_open_rows_are_struck_off_by_name_and_shown_on_the_page():
    told = page(KNOWN, [PLAIN, NIGHTLY], {"DE2": "nightly only"})
    assert "1 of 2 rows are proved; 1 are open." in told
    assert "| DE2 | deux: two | PART | nightly only |" in told and "`a.py::test_b` (nightly)" in told
