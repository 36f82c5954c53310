"""Quarantined lines: listed, shown, repaired as recorded decisions, read again. Truth is planted in the files."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from company_site import LEAD_HEADER, LEADS, Site
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest import load_company
from ingest.decisions import write_decisions
from ingest.errors import ConfigurationError, RefusedFile
from ingest.quarantine import Wanted, export, grouped, rows_at, rows_outside, shape_of, show
from ingest.replay import ReplayReport, check_repairs, replay
from ingest.strict_yaml import read_yaml

DAY = dt.date(2026, 7, 1)
SOUND = [
    "1,a@x.fr,Open,2026-06-01 10:00:00,Ann",
    '2,b@x.fr,Lost,2026-06-02 10:00:00,"Bob, Jr"',
    "3,c@x.fr,Open,2026-06-03 10:00:00,Chloé",
    "4,d@x.fr,Open,2026-06-04 10:00:00,Dan",
]
# Lines 3 and 4 of the file: a quote that never closes, a field too few.
BROKEN = [SOUND[0], '2,"b@x.fr,Lost,2026-06-02 10:00:00,Bob', "3,c@x.fr,Open,2026-06-03 10:00:00", SOUND[3]]
PATH = "2026-06/Leads.csv"


def text_of(lines: list[str]) -> str:
    return LEAD_HEADER + "".join(f"{line}\n" for line in lines)


def broken_site(site: Callable[..., Site], **arguments: str) -> Site:
    where = site(**arguments)
    where.put(PATH, text_of(BROKEN))
    where.collect()
    return where


def repair_file(where: Site, texts: dict[int, str], source: str = "crm") -> Path:
    """The exported file with the text behind the key of each line replaced."""
    company = load_company(where.root)
    target = where.root / "repair.csv"
    target.unlink(missing_ok=True)
    export(company, rows_outside(company.work, Wanted()), target)
    lines = target.read_text(encoding="utf-8-sig").splitlines()
    for at, line in enumerate(lines):
        key, _, _ = line.partition(",")
        number = key.rpartition(":")[2]
        if number.isdigit() and int(number) in texts:
            lines[at] = f"{key},{texts[int(number)]}"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def replayed(where: Site, file: Path, author: str = "Ann Lee", day: dt.date = DAY) -> ReplayReport:
    company = load_company(where.root)
    return replay(company, check_repairs(company, file, author, "typo", day))


def leads(where: Site) -> list[tuple]:
    """Raw rows without their delivery."""
    return where.rows("SELECT * EXCLUDE (_delivery_id) FROM raw.crm_lead ORDER BY ALL")


def terms(where: Site) -> dict[str, int]:
    return dict(where.rows("SELECT name, sum(value)::BIGINT FROM collect.ledger_terms GROUP BY 1"))


def test_rows_that_did_not_get_in_are_listed_by_file_and_reason_newest_first(
    site: Callable[..., Site],
) -> None:
    mapping = LEADS.replace("email: Email", "email: {source: Email, required: true}")
    where = broken_site(site, mapping=mapping)
    where.put("2026-05/Leads.csv", text_of(["9,,Open,2026-05-01 10:00:00,Zoe", "8;wrong"]))
    where.collect()
    rows = rows_outside(load_company(where.root).work, Wanted())
    assert [(r.delivered_on.month, r.line, r.kind, r.reason_code, r.contract) for r in rows] == [
        (6, 3, "line", "unclosed_quote", None),
        (6, 4, "line", "wrong_field_count", None),
        (5, 2, "record", "required_value_missing", "crm_lead"),
        (5, 3, "line", "wrong_field_count", None),
    ]
    counted = [(g["file_path"], g["kind"], g["reason_code"], g["n_rows"]) for g in grouped(rows)]
    assert ("crm/2026-05/Leads.csv", "record", "required_value_missing", 1) in counted
    work = load_company(where.root).work
    assert [r.line for r in rows_outside(work, Wanted(reason="wrong_field_count"))] == [4, 3]
    assert [r.line for r in rows_outside(work, Wanted(file="2026-05/Leads.csv"))] == [2, 3]
    assert [r.line for r in rows_outside(work, Wanted(contract="crm_lead"))] == [2]
    assert rows_outside(work, Wanted(source="erp")) == []


def test_lines_of_several_deliveries_are_repaired_in_one_file(site: Callable[..., Site]) -> None:
    where = broken_site(site)
    where.put("2026-05/Leads.csv", text_of(["9,z@x.fr,Open,2026-05-01 10:00:00,Zoe", "8;wrong"]))
    where.collect()
    texts = {3: "8,h@x.fr,Open,2026-05-02 10:00:00,Hal", 4: "4,d@x.fr,Open,2026-06-04 10:00:00,Dan"}
    report = replayed(where, repair_file(where, texts))
    assert len(report.landed) == 2
    assert {row[0] for row in where.rows("SELECT source_record_id FROM raw.crm_lead")} >= {"8", "4", "9"}


def test_a_line_is_shown_as_its_shape_and_says_where_it_breaks(site: Callable[..., Site]) -> None:
    where = broken_site(site)
    company = load_company(where.root)
    quote, count = (show(company, row) for row in rows_outside(company.work, Wanted()))
    assert BROKEN[1][quote.breaks.position - 1] == '"' and quote.breaks.position == 3
    assert count.breaks.position == len(BROKEN[2]) + 1
    assert (count.breaks.found, count.breaks.declared) == (4, 5)
    assert quote.columns == ("Id", "Email", "Status", "Created", "Name")
    assert (quote.record_before, quote.record_after, quote.others) == (2, 5, (4,))
    assert shape_of(quote.text) == '0,"x@x.xx,xxxx,0000-00-00 00:00:00,xxx'


@pytest.mark.parametrize(
    ("line", "reason", "position"),
    [
        ('7,a@x.fr,Open,2026-06-01,"Ann" Lee', "broken_quoting", 32),
        ("7,a@x.fr,Open,2026-06-01,Ann,Lee", "wrong_field_count", 30),
        ('7,a@x.fr,"Open,2026-06-01,Ann', "broken_quoting", 10),  # closed by the quote of a line below
        (';,a@x.fr,"Open,,,,,', "broken_quoting", 10),
    ],
)
def test_the_place_where_a_line_breaks_is_found(
    site: Callable[..., Site], line: str, reason: str, position: int
) -> None:
    where = site()
    where.put(PATH, text_of([line, *SOUND]))
    where.collect()
    company = load_company(where.root)
    (row,) = rows_at(company.work, "crm:2026-06/Leads.csv:2")
    assert row.reason_code == reason
    assert show(company, row).breaks.position == position


def test_repaired_lines_become_records_and_the_ledger_balances(site: Callable[..., Site]) -> None:
    where = broken_site(site)
    report = replayed(where, repair_file(where, {3: SOUND[1], 4: SOUND[2]}))
    assert report.recovered == {("line", "unclosed_quote"): 1, ("line", "wrong_field_count"): 1}
    assert report.still_outside == {} and report.not_applied == ()
    sound = site(name="sound")
    sound.put(PATH, text_of(SOUND))
    sound.collect()
    assert leads(where) == leads(sound), "the same rows as if the file had been right"
    counted = terms(where)
    lines = ("header_lines", "blank_lines", "record_lines", "quarantined_lines", "repaired_lines")
    assert [counted[name] for name in ("physical_lines", *lines)] == [5, 1, 0, 2, 0, 2]
    assert (counted["records_in"], counted["kept"]) == (4, 4)
    assert where.collect().imbalances == ()
    assert where.rows(
        "SELECT _source_row_id, reason_code, raw_line, repaired_line, author, comment, decided_on "
        "FROM collect.repaired_lines ORDER BY 1"
    ) == [
        (3, "unclosed_quote", BROKEN[1], SOUND[1], "Ann Lee", "typo", "2026-07-01"),
        (4, "wrong_field_count", BROKEN[2], SOUND[2], "Ann Lee", "typo", "2026-07-01"),
    ]


def test_a_rebuild_from_nothing_gives_the_repaired_state(site: Callable[..., Site]) -> None:
    where = broken_site(site)
    replayed(where, repair_file(where, {3: SOUND[1], 4: SOUND[2]}))
    state = where.state()
    shutil.rmtree(where.root / "work")
    where.collect()
    assert where.state() == state


def test_the_same_repairs_twice_change_nothing(site: Callable[..., Site]) -> None:
    where = broken_site(site)
    file = repair_file(where, {3: SOUND[1]})
    assert replayed(where, file).still_outside == {("line", "wrong_field_count"): 1}
    recorded = {path: path.read_bytes() for path in (where.root / "decisions").rglob("*.yml")}
    state = where.state()
    again = replayed(where, file, author="Somebody else", day=dt.date(2026, 8, 1))
    assert [each.state for each in again.checked] == ["recorded", "unchanged"]
    assert again.landed == () and again.files == {} and where.state() == state
    assert {path: path.read_bytes() for path in (where.root / "decisions").rglob("*.yml")} == recorded
    assert {path.stat().st_mode & 0o777 for path in recorded} == {0o600}


def test_an_exported_file_is_the_owners_alone_and_is_never_overwritten(site: Callable[..., Site]) -> None:
    where = broken_site(site)
    file = repair_file(where, {})
    assert file.stat().st_mode & 0o777 == 0o600
    header, *lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert header == "etalon_key,Id,Email,Status,Created,Name"
    assert [line.partition(",")[2] for line in lines] == BROKEN[1:3]
    company = load_company(where.root)
    with pytest.raises(FileExistsError):
        export(company, rows_outside(company.work, Wanted()), file)


def test_another_repair_of_a_line_is_an_error_that_names_both(site: Callable[..., Site]) -> None:
    where = broken_site(site)
    replayed(where, repair_file(where, {3: SOUND[1]}))
    where.put("2026-06/Other.csv", "")
    other = where.root / "other.csv"
    key = repair_file(where, {}).read_text(encoding="utf-8-sig").splitlines()[1].partition(":4,")[0]
    other.write_text(f"{key}:3,2,b@x.fr,Open,,Bob\n")
    with pytest.raises(ConfigurationError, match=r"E-ING-170.*Ann Lee.*Bea \(2026-08-01"):
        replayed(where, other, author="Bea", day=dt.date(2026, 8, 1))
    (path,) = (where.root / "decisions" / "repairs").glob("*.yml")
    content = read_yaml(path)
    content["repairs"][0] |= {"repaired": "2,b@x.fr,Open,,Bob", "author": "Cid"}
    write_decisions(path.with_name("second.yml"), content)
    with pytest.raises(ConfigurationError, match=r"E-ING-170.*Ann Lee.*Cid"):
        where.collect()


@pytest.mark.parametrize(
    "text", ["2,b@x.fr,Lost,Bob", '2,b@x.fr,Lost,,"Bob', "2,b@x.fr,Lost,2026-06-02\n10:00:00,Bob"]
)
def test_a_repair_that_is_no_record_is_refused_and_nothing_is_recorded(
    site: Callable[..., Site], text: str
) -> None:
    where = broken_site(site)
    state = where.state()
    file = repair_file(where, {3: text, 4: SOUND[2]})
    with pytest.raises(RefusedFile, match=r"E-ING-173.*:3 "):
        replayed(where, file)
    assert not (where.root / "decisions").exists() and where.state() == state


def test_a_repair_whose_record_would_be_set_aside_is_refused(site: Callable[..., Site]) -> None:
    where = broken_site(site, mapping=LEADS.replace("email: Email", "email: {source: Email, required: true}"))
    with pytest.raises(RefusedFile, match=r"E-ING-173.*required_value_missing"):
        replayed(where, repair_file(where, {3: "2,,Lost,2026-06-02 10:00:00,Bob"}))


def test_a_repair_that_is_the_header_line_is_refused(site: Callable[..., Site]) -> None:
    where = broken_site(site)
    with pytest.raises(RefusedFile, match=r"E-ING-173.*repeated_header"):
        replayed(where, repair_file(where, {3: LEAD_HEADER.rstrip("\n")}))


def test_a_value_of_several_lines_may_stand_in_a_repair_between_quotes(site: Callable[..., Site]) -> None:
    where = broken_site(site)
    file = repair_file(where, {3: '2,b@x.fr,Lost,2026-06-02 10:00:00,"Bob\nthe second"'})
    replayed(where, file)
    assert where.rows("SELECT last_name FROM raw.crm_lead WHERE source_record_id = '2'") == [
        ("Bob\nthe second",)
    ]


def test_a_repair_counts_once_when_the_file_comes_again_whole(site: Callable[..., Site]) -> None:
    where = broken_site(site)
    replayed(where, repair_file(where, {3: SOUND[1], 4: SOUND[2]}))
    where.put("2026-07/Leads.csv", text_of(SOUND))
    report = where.collect()
    assert (report.records_in, report.kept) == (8, 4)
    shutil.rmtree(where.root / "work")
    (where.root / "extracts" / "crm" / PATH).unlink()
    gone = where.collect()
    assert gone.kept == 4
    assert [(w["control"], w["measured"]) for w in gone.warnings if w["control"].startswith("repair")] == [
        ("repair_not_applied", "not_delivered")
    ] * 2


def test_a_corrected_mapping_recovers_lines_and_makes_repairs_unneeded(site: Callable[..., Site]) -> None:
    narrow = LEADS.replace('delimiter: ","', 'delimiter: ","\n    quote: null').replace(
        "[Id, Email, Status, Created, Name]", "[5]"
    )
    where = site(narrow)
    where.put(PATH, text_of(SOUND))  # "Bob, Jr" has six fields where quotes mean nothing
    where.collect()
    replayed(where, repair_file(where, {3: "2,b@x.fr,Lost,2026-06-02 10:00:00,Bob Jr"}))
    assert where.rows("SELECT last_name FROM raw.crm_lead WHERE source_record_id = '2'") == [("Bob Jr",)]
    (where.root / "mapping.yml").write_text(LEADS, encoding="utf-8")
    report = replay(load_company(where.root))
    assert [(each["measured"], each["file_path"]) for each in report.not_applied] == [
        ("not_needed", "crm/2026-06/Leads.csv")
    ]
    assert where.rows("SELECT last_name FROM raw.crm_lead WHERE source_record_id = '2'") == [("Bob, Jr",)]
    assert terms(where)["repaired_lines"] == 0 and where.collect().imbalances == ()


def test_replay_without_a_file_says_what_a_corrected_mapping_recovered(site: Callable[..., Site]) -> None:
    mapping = LEADS.replace("email: Email", "email: {source: Email, required: true}")
    where = site(mapping)
    where.put(PATH, text_of([*BROKEN, "5,,Open,2026-06-05 10:00:00,Eve"]))
    where.collect()
    (where.root / "mapping.yml").write_text(LEADS, encoding="utf-8")
    report = replay(load_company(where.root))
    assert report.recovered == {("record", "required_value_missing"): 1}
    assert report.still_outside == {("line", "unclosed_quote"): 1, ("line", "wrong_field_count"): 1}
    again = replay(load_company(where.root))
    assert again.landed == () and again.recovered == {} and again.still_outside == report.still_outside


def test_lines_of_a_file_that_keeps_columns_from_raw_are_not_written_out(site: Callable[..., Site]) -> None:
    mapping = LEADS.replace(
        "expected_columns: [Id, Email, Status, Created, Name]",
        "expected_columns: [Id, Email, Status, Created, Name]\n    privacy: {drop: [Name]}",
    ).replace("      last_name: Name\n", "")
    where = broken_site(site, mapping=mapping)
    with pytest.raises(RefusedFile, match=r"E-ING-171"):
        repair_file(where, {})
    assert not (where.root / "repair.csv").exists()


def test_a_file_without_keys_is_refused(site: Callable[..., Site]) -> None:
    where = broken_site(site)
    file = where.root / "repair.csv"
    for content in (
        "",
        "Id,Email\n1,a\n",
        "crm:000000000000:3,x\n",
        "\xff".encode("latin-1").decode("latin-1"),
    ):
        file.write_text(content)
        with pytest.raises(RefusedFile, match="E-ING-172"):
            replayed(where, file)


FIXED = """
version: 1
source: {system: vendor}
files:
  leads: {path: "{date}/leads.txt", format: fixed_width, fields: {Id: [1, 3], Name: [4, 5]}}
tables:
  crm_account: {from: leads, columns: {source_record_id: Id, name: Name}}
"""
JSONL = """
version: 1
source: {system: vendor}
files:
  leads: {path: "{date}/leads.txt", format: jsonl, fields: {Id: id, Name: name.full}}
tables:
  crm_account: {from: leads, columns: {source_record_id: Id, name: Name}}
"""


@pytest.mark.parametrize(
    ("mapping", "sound", "broken"),
    [
        (FIXED, ["001Ann  ", "002Chloé", "003Cid  "], "002Chlo"),
        (
            JSONL,
            [
                '{"id": 1, "name": {"full": "Ann"}}',
                '{"id": 2.50, "name": {"full": "Chlo\\u00e9"}}',
                '{"id": 3}',
            ],
            '{"id": 2.50, "name": {"full": "Ch',
        ),
    ],
)
def test_lines_of_other_formats_are_repaired_too(
    site: Callable[..., Site], mapping: str, sound: list[str], broken: str
) -> None:
    right, where = site(mapping, name="right"), site(mapping, name="wrong")
    right.put("2026-06/leads.txt", "".join(f"{line}\n" for line in sound))
    where.put("2026-06/leads.txt", "".join(f"{line}\n" for line in (sound[0], broken, sound[2])))
    right.collect()
    where.collect()
    company = load_company(where.root)
    file = where.root / "repair.csv"
    assert export(company, rows_outside(company.work, Wanted()), file) == 1
    file.write_text(file.read_text(encoding="utf-8-sig").replace(broken, sound[1]), encoding="utf-8")
    replayed(where, file)
    query = "SELECT * EXCLUDE (_delivery_id) FROM raw.crm_account ORDER BY ALL"
    assert where.rows(query) == right.rows(query)
    assert where.collect().imbalances == ()


def test_undecodable_lines_are_repaired_by_their_escaped_text(site: Callable[..., Site]) -> None:
    where = site(LEADS.replace('delimiter: ","', 'delimiter: ","\n    on_undecodable: quarantine'))
    where.put(PATH, text_of(SOUND).encode().replace("Chloé".encode(), b"Chlo\xe9"))
    where.collect()
    company = load_company(where.root)
    (row,) = rows_outside(company.work, Wanted())
    assert (row.line, row.reason_code) == (4, "undecodable_bytes")
    replayed(where, repair_file(where, {4: SOUND[2]}))
    assert where.rows("SELECT last_name FROM raw.crm_lead WHERE source_record_id = '3'") == [("Chloé",)]


def _damage(generator: random.Random, line: str) -> str:
    kind = generator.randrange(4)
    fields = line.split(",")
    if kind == 0:
        return ",".join(fields[:-1])
    if kind == 1:
        return line + ",surplus"
    if kind == 2:
        return f'"{line}'
    return f'"x" y,{line}'


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), n=st.integers(5, 30))
def test_putting_every_damaged_line_right_gives_the_undamaged_rows(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n: int
) -> None:
    generator = random.Random(seed)
    names = ["Ann", "Chloé", '"Bob, Jr"', '"said ""no"""', "", "Ω 1"]
    sound = [
        f"{key},k{key}@x.fr,Open,2026-06-{key % 28 + 1:02d} 10:00:00,{generator.choice(names)}"
        for key in range(n)
    ]
    damaged = {at: _damage(generator, sound[at]) for at in range(n) if generator.random() < 0.4}
    folder = tmp_path_factory.mktemp("repairs")
    right, where = Site(folder / "right"), Site(folder / "wrong")
    right.put(PATH, text_of(sound))
    where.put(PATH, text_of([damaged.get(at, line) for at, line in enumerate(sound)]))
    right.collect()
    where.collect()
    outside = {row.line for row in rows_outside(load_company(where.root).work, Wanted())}
    assert outside <= {at + 2 for at in damaged}
    if outside:
        replayed(where, repair_file(where, {line: sound[line - 2] for line in outside}))
    assert where.collect().imbalances == ()
    assert leads(where) == leads(right)
    state = where.state()
    shutil.rmtree(where.root / "work")
    where.collect()
    assert where.state() == state


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(text="\x85")
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_survives_the_file_of_decisions(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "decisions" / "any.yml"
    write_decisions(path, {"repaired": text})
    assert read_yaml(path) == {"repaired": text} == yaml.safe_load(path.read_text(encoding="utf-8"))
