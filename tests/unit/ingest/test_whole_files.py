"""Files put behind each other, and files of which no line is a record."""

from __future__ import annotations

from pathlib import Path

from company_site import LEAD_HEADER, LEADS, Site


def leads(*numbers: int) -> str:
    return "".join(f"L{i},p{i}@one.example,Open,2026-06-02 10:00:00,N{i}\n" for i in numbers)


def test_a_repeated_header_is_kept_out_with_its_reason_by_both_readers(tmp_path: Path) -> None:
    for damage in ("", "L9,broken\n"):  # the second file needs the strict reader
        site = Site(tmp_path / f"site{len(damage)}", LEADS)
        site.put("2026-06/Leads.csv", LEAD_HEADER + leads(1, 2) + LEAD_HEADER + leads(3) + damage)
        report = site.collect()
        assert report.refusals == () and report.imbalances == ()
        assert site.rows("SELECT source_record_id FROM raw.crm_lead WHERE _set_aside IS NULL ORDER BY 1") == [
            ("L1",), ("L2",), ("L3",)
        ]  # fmt: skip
        assert site.rows("SELECT _source_row_id, disposition, reason_code FROM collect.dispositions") == [
            (4, "excluded", "repeated_header")
        ]
        assert site.rows("SELECT count(*) FROM collect.changes") == [(0,)]


def test_a_record_that_bears_one_name_of_a_column_is_kept(tmp_path: Path) -> None:
    site = Site(tmp_path, LEADS)
    site.put("2026-06/Leads.csv", LEAD_HEADER + leads(1) + "Id,Email,Open,2026-06-02 10:00:00,Name\n")
    site.collect()
    assert site.rows("SELECT source_record_id, last_name FROM raw.crm_lead WHERE _set_aside IS NULL ORDER BY 1") == [
        ("Id", "Name"), ("L1", "N1")
    ]  # fmt: skip


def test_a_header_in_the_spelling_of_the_file_is_known_again(tmp_path: Path) -> None:
    aliased = LEADS.replace('delimiter: ","', 'delimiter: ","\n    header_aliases: {Mail: Email}')
    site = Site(tmp_path, aliased)
    header = LEAD_HEADER.replace("Email", "Mail")
    site.put("2026-06/Leads.csv", header + leads(1) + header + leads(2))
    site.collect()
    assert site.rows("SELECT reason_code FROM collect.dispositions") == [("repeated_header",)]


def test_a_file_of_which_no_line_is_a_record_is_refused_and_named(tmp_path: Path) -> None:
    site = Site(tmp_path, LEADS)
    site.put("2026-06/Leads.csv", LEAD_HEADER + "L1,one\nL2,two\n")
    (refused,) = site.collect().refusals
    assert (refused.file_path, refused.problem.code) == ("crm/2026-06/Leads.csv", "E-ING-035")
    assert "2 lines" in refused.problem.text("what") and "line 2" in refused.problem.text("what")
