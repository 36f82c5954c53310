"""A file of another encoding than the declared one is refused for that, whichever of the two it is."""

from __future__ import annotations

import codecs
from collections.abc import Callable

import pytest
from company_site import LEADS, Site

from ingest.mapping import MAPPINGS
from ingest.text_preparation import HEAD

ROWS = "1,a@x.fr,Open,2026-06-01 10:00:00,Ann\n2,b@x.fr,Open,2026-06-02 10:00:00,Zoé\n"
PLAIN = "Id,Email,Status,Created,Name\n" + ROWS
ACCENTED = PLAIN.replace("Name", "Prénom")
CP1252 = LEADS.replace("delimiter:", "encoding: cp1252\n    delimiter:")
ACCENTED_CP1252 = CP1252.replace("Created, Name", "Created, Prénom").replace(": Name", ": Prénom")


def told(site: Site) -> list[tuple[str, str]]:
    return [(r.problem.code, r.problem.text("what")) for r in site.collect().refusals]


@pytest.mark.parametrize(
    ("mapping", "content", "words"),
    [
        (CP1252, PLAIN.encode(), "line 3, UTF-8 (é = C3 A9)"),
        (CP1252, PLAIN.replace("\n", "\r\n").encode(), "line 3, UTF-8"),
        (CP1252, PLAIN.replace("é", "e").encode("utf-8-sig"), "line 1, UTF-8."),
        (CP1252.replace("cp1252", "latin-1"), PLAIN.encode(), "line 3, UTF-8"),
        (CP1252.replace("cp1252", "cp850"), PLAIN.encode(), "line 3, UTF-8"),
        (ACCENTED_CP1252, ACCENTED.encode(), "line 1, UTF-8"),
        (CP1252, PLAIN.encode("utf-16"), "line 1, UTF-16"),
        (CP1252, codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"), "line 1, UTF-16"),
        (CP1252, PLAIN.encode("utf-16-le"), "line 1, UTF-16"),
        (LEADS, PLAIN.encode("utf-16-be"), "line 1, UTF-16"),
    ],
)
def test_the_refusal_names_the_encoding_and_not_the_header(
    site: Callable[..., Site], mapping: str, content: bytes, words: str
) -> None:
    where = site(mapping)
    where.put("2026-06/Leads.csv", content)
    ((code, what),) = told(where)
    assert code == "E-ING-005" and words in what
    assert len(what) < 200 and "\x00" not in what
    assert where.rows("SELECT * FROM raw.crm_lead") == []


def test_the_letter_is_found_wherever_it_stands(site: Callable[..., Site]) -> None:
    where = site(CP1252)
    where.put("2026-06/Leads.csv", PLAIN.replace("Ann", "A" * (HEAD * 2)).encode())
    ((code, what),) = told(where)
    assert code == "E-ING-005" and "line 3, UTF-8 (é = C3 A9)" in what


def test_a_code_page_with_accents_is_read_as_declared(site: Callable[..., Site]) -> None:
    where = site(ACCENTED_CP1252)
    where.put("2026-06/Leads.csv", ACCENTED.encode("cp1252"))
    assert told(where) == []
    assert where.rows("SELECT last_name FROM raw.crm_lead ORDER BY 1") == [("Ann",), ("Zoé",)]


def test_a_source_of_raw_bytes_accepts_utf8_and_not_utf16(site: Callable[..., Site]) -> None:
    where = site(CP1252.replace("cp1252", "latin-1\n    on_utf8: accept"))
    where.put("2026-06/Leads.csv", PLAIN.encode())
    assert told(where) == []
    assert ("ZoÃ©",) in where.rows("SELECT last_name FROM raw.crm_lead")
    where.put("2026-06/Leads.csv", PLAIN.encode("utf-16"))
    assert [code for code, _ in told(where)] == ["E-ING-005"]


def test_a_lone_letter_garbled_in_the_source_is_asked_about_and_read_as_declared_once_accepted(
    site: Callable[..., Site],
) -> None:
    garbled = PLAIN.replace("Zoé", "FranÃ§ois").encode("cp1252")
    where = site(CP1252)
    where.put("2026-06/Leads.csv", garbled)
    (refusal,) = where.collect().refusals
    assert refusal.problem.code == "E-ING-005" and "on_utf8: accept" in refusal.problem.text("next")
    accepting = site(CP1252.replace("cp1252", "cp1252\n    on_utf8: accept"), name="accepting")
    accepting.put("2026-06/Leads.csv", garbled)
    assert told(accepting) == []
    assert ("FranÃ§ois",) in accepting.rows("SELECT last_name FROM raw.crm_lead")


def test_every_shipped_mapping_of_asterisk_in_a_code_page_takes_raw_bytes() -> None:
    texts = [path.read_text(encoding="utf-8") for path in MAPPINGS.glob("asterisk*.yml")]
    assert all("on_utf8: accept" in text for text in texts if "encoding: latin-1" in text)
