"""The mapping assistant on generated files of vendors it has never seen: proof, questions, and never a wrong claim."""

from __future__ import annotations

import datetime as dt
import decimal
import random
import zoneinfo
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from company_site import Site
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.assistant import spelling
from ingest.assistant.drafting import Draft, draft_mapping, problem_of
from ingest.assistant.questions import Question
from ingest.errors import ConfigurationError, RefusedFile
from ingest.strict_yaml import UNDECIDED_TAG, read_yaml

N = 400
STATUSES = ["Nouveau", "Contacté", "Qualifié", "À rappeler plus tard", "Converti"]


def prospects(first: dt.datetime = dt.datetime(2026, 1, 2, 8, 5), days: int = 150) -> list[list[str]]:
    """Rows of a French CRM that no shipped mapping knows, header first."""
    seed = random.Random(7)
    rows = [
        [
            "Réf prospect",
            "Société",
            "Prénom",
            "Nom",
            "E-mail",
            "Téléphone",
            "Statut",
            "Créé le",
            "Score",
            "Refus e-mail",
        ]
    ]
    for i in range(N):
        at = first + dt.timedelta(days=seed.randrange(days), minutes=seed.randrange(600))
        rows.append(
            [
                f"P{i:05d}", f"Forêt & Fils {i}; Cie" if i % 50 == 0 else f"Hôtel à Évry n° {i}", "Hélène", "Lefêvre",
                f"h.lefevre{i}@exemple.fr", f"01 42 {i % 90 + 10} {i % 80 + 10} 07", STATUSES[i % len(STATUSES)],
                f"{at:%d/%m/%Y %H:%M}", f"{i % 90},{i % 10}", "Oui" if i % 3 == 0 else "Non",
            ]
        )  # fmt: skip
    return rows


def written(
    path: Path, rows: list[list[str]], encoding: str = "cp1252", delimiter: str = ";", end: str = "\r\n"
) -> Path:
    lines = [
        delimiter.join('"' + v.replace('"', '""') + '"' if delimiter in v or '"' in v else v for v in row)
        for row in rows
    ]
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


def answers(given: dict[str, str]) -> Callable[[Question], str | None]:
    """Answers by the last part of a question's key; what is not listed stays open."""

    def ask(question: Question) -> str | None:
        name = question.key.rsplit(".", 1)[-1]
        if name in given:
            assert question.takes(given[name]), (question.key, question.options)
            return given[name]
        return None

    return ask


DECIDED = {
    "timezone": "Europe/Paris",
    "phone_region": "FR",
    "À rappeler plus tard": "attempted",
    "is_converted": "expr: case when \"Statut\" = 'Converti' then 'true' else 'false' end",
}


# ---------------------------------------------------------------- an unseen vendor, end to end


def test_an_unseen_french_crm_runs_end_to_end_and_gives_every_row(
    tmp_path: Path, site: Callable[..., Site]
) -> None:
    rows = prospects()
    file = written(tmp_path / "prospects_2026-06.csv", rows)
    draft = draft_mapping(file, contract="crm_lead", ask=answers(DECIDED))
    assert draft.open_questions == ()
    assert (
        draft.claims["encoding"] == "cp1252"
        and draft.claims["delimiter"] == ";"
        and draft.claims["header"] is True
    )
    made = site(draft.text)
    made.put(file.name, file.read_bytes())
    report = made.collect()
    assert report.refusals == ()
    assert (report.records_in, report.kept) == (N, N)
    found = made.rows(
        "SELECT source_record_id, company_name, last_name, email, phone, status, is_converted, created_at, score, "
        "email_opt_out, _issues FROM raw.crm_lead ORDER BY 1"
    )
    status = dict(zip(STATUSES, ["new", "contacted", "qualified", "attempted", "converted"], strict=True))
    paris = zoneinfo.ZoneInfo("Europe/Paris")
    for row, got in zip(rows[1:], found, strict=True):
        local = dt.datetime.strptime(row[7], "%d/%m/%Y %H:%M").replace(tzinfo=paris)
        utc = local.astimezone(dt.UTC).replace(tzinfo=None)
        phone = "+33" + row[5].replace(" ", "")[1:]
        score = decimal.Decimal(row[8].replace(",", "."))
        expected = (
            row[0],
            row[1],
            row[3],
            row[4],
            phone,
            status[row[6]],
            row[6] == "Converti",
            utc,
            score,
            row[9] == "Oui",
        )
        assert got[:10] == expected
        assert got[10] is None


def test_without_a_terminal_what_is_not_proved_refuses_to_load_and_names_line_and_decision(
    tmp_path: Path,
) -> None:
    draft = draft_mapping(written(tmp_path / "prospects.csv", prospects()), contract="crm_lead")
    assert {q.key.rsplit(".", 1)[-1] for q in draft.open_questions} == set(DECIDED)
    target = tmp_path / "mapping.yml"
    target.write_text(draft.text, encoding="utf-8")
    line = next(
        i
        for i, text in enumerate(draft.text.splitlines(), 1)
        if UNDECIDED_TAG in text and "#" not in text.split()[0]
    )
    with pytest.raises(ConfigurationError) as error:
        read_yaml(target)
    problem = error.value.problem
    assert problem.code == "E-ING-110"
    assert problem.where == f"mapping.yml, line {line}"
    assert "timezone" in problem.text("what") and "time zone" in problem.text("what")
    # Each marker removed one after the other leads to the next one, then the mapping loads.
    for key, value in (
        ("timezone", "Europe/Paris"), ("phone_region", "FR"), ("À rappeler plus tard", "attempted"),
        ("is_converted", "{const: false}"),
    ):  # fmt: skip
        assert f"{key}: {UNDECIDED_TAG}" in draft.text
        lines = target.read_text(encoding="utf-8").splitlines()
        edited = [
            text.split(UNDECIDED_TAG)[0] + value if f" {key}: {UNDECIDED_TAG}" in text else text
            for text in lines
        ]
        target.write_text("\n".join(edited) + "\n", encoding="utf-8")
    assert problem_of(target.read_text(encoding="utf-8"), tmp_path) is None


def test_a_status_of_the_source_that_is_called_like_the_marker_is_data(tmp_path: Path) -> None:
    word = UNDECIDED_TAG[1:]
    target = tmp_path / "m.yml"
    target.write_text(f'map: {{"{word}": new}}\nnull_values: [{word}]\n', encoding="utf-8")
    assert read_yaml(target) == {"map": {word: "new"}, "null_values": [word]}


# ---------------------------------------------------------------- dates


def created(draft: Draft) -> str:
    return draft.text.split("created_at:")[1].split("formats:")[1].split("\n")[0].strip()


def test_dates_that_fit_both_orders_are_refused_until_somebody_decides(
    tmp_path: Path, site: Callable[..., Site]
) -> None:
    file = written(tmp_path / "leads.csv", prospects(dt.datetime(2026, 3, 1), days=12))
    draft = draft_mapping(file, contract="crm_lead", ask=answers(DECIDED))
    assert [q.key for q in draft.open_questions] == ["tables.crm_lead.columns.created_at.formats"]
    assert f"{N} dates fit several orders; fit one only: 0 day-month, 0 month-day" in draft.text
    made = site(draft.text)
    made.put(file.name, file.read_bytes())
    with pytest.raises(ConfigurationError, match="E-ING-110"):
        made.collect()
    decided = draft_mapping(file, contract="crm_lead", ask=answers({**DECIDED, "formats": "%d/%m/%Y %H:%M"}))
    made = site(decided.text, name="decided")
    made.put(file.name, file.read_bytes())
    assert made.collect().kept == N
    assert made.rows("SELECT max(created_at) < '2026-03-14' FROM raw.crm_lead") == [(True,)]


@pytest.mark.parametrize(
    ("pattern", "order"),
    [
        ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M"),
        ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M"),
        ("%Y-%m-%d %H:%M:%S", "iso"),
        ("%d.%m.%Y", "%d.%m.%Y"),
        ("%Y%m%d", "%Y%m%d"),
        ("%d %b %Y", "%d %b %Y"),
        ("%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"),
    ],
)
def test_the_order_of_dates_is_proved_by_the_dates_that_fit_one_order_only(
    tmp_path: Path, pattern: str, order: str
) -> None:
    rows = prospects()
    for row in rows[1:]:
        row[7] = dt.datetime.strptime(row[7], "%d/%m/%Y %H:%M").strftime(pattern)
    draft = draft_mapping(written(tmp_path / "x.csv", rows), contract="crm_lead", ask=answers(DECIDED))
    assert created(draft) in (f"[{order}]", f'["{order}"]')


def test_years_of_two_digits_that_may_be_days_are_a_question(tmp_path: Path) -> None:
    rows = prospects()
    for row in rows[1:]:
        row[7] = dt.datetime.strptime(row[7], "%d/%m/%Y %H:%M").strftime("%d.%m.%y")
    draft = draft_mapping(written(tmp_path / "x.csv", rows), contract="crm_lead", ask=answers(DECIDED))
    (question,) = draft.open_questions
    assert question.options[:2] in (("%d.%m.%y", "%y.%m.%d"), ("%y.%m.%d", "%d.%m.%y"))


def test_one_stray_date_among_many_ambiguous_ones_decides_nothing(tmp_path: Path) -> None:
    rows = prospects(dt.datetime(2026, 3, 1), days=12)
    rows[5][7] = "25/03/2026 10:00"
    draft = draft_mapping(written(tmp_path / "x.csv", rows), contract="crm_lead", ask=answers(DECIDED))
    assert [q.key.rsplit(".", 1)[-1] for q in draft.open_questions] == ["formats"]


def test_dates_of_both_orders_in_one_column_are_a_question(tmp_path: Path) -> None:
    rows = prospects()
    for row in rows[1::2]:
        day, month, rest = row[7].split("/")
        row[7] = f"{month}/{day}/{rest}"
    draft = draft_mapping(written(tmp_path / "x.csv", rows), contract="crm_lead", ask=answers(DECIDED))
    assert [q.key.rsplit(".", 1)[-1] for q in draft.open_questions] == ["formats"]


def test_an_epoch_beside_a_local_time_proves_the_order_and_names_the_zones(tmp_path: Path) -> None:
    paris = zoneinfo.ZoneInfo("Europe/Paris")
    rows = prospects(dt.datetime(2026, 3, 1), days=12)
    rows[0].append("uniqueid")
    for i, row in enumerate(rows[1:]):
        local = dt.datetime.strptime(row[7], "%d/%m/%Y %H:%M").replace(tzinfo=paris)
        row.append(f"{int(local.timestamp()) + i % 40}.{i}")
    asked: list[Question] = []

    def ask(question: Question) -> str | None:
        asked.append(question)
        return answers({k: v for k, v in DECIDED.items() if k != "timezone"})(question)

    draft = draft_mapping(written(tmp_path / "x.csv", rows), contract="crm_lead", ask=ask)
    assert created(draft) == '["%d/%m/%Y %H:%M"]'
    (zone,) = [q for q in asked if q.key == "defaults.timezone"]
    assert (
        "Europe/Paris" in zone.options
        and "UTC" not in zone.options
        and "America/New_York" not in zone.options
    )
    assert "+1 h" in draft.text


# ---------------------------------------------------------------- numbers, separators, headers, encodings


@pytest.mark.parametrize(
    ("values", "decimal", "thousands"),
    [
        (["12,5", "1 234,56", "0,1"], ",", " "),
        (["1.234,56", "12,00", "7,5"], ",", "."),
        (["1,234.56", "12.00", "7.5"], ".", ","),
        (["12.5", "0.125", "3"], ".", None),
    ],
)
def test_the_decimal_mark_is_proved(
    tmp_path: Path, values: list[str], decimal: str, thousands: str | None
) -> None:
    rows = prospects()
    for i, row in enumerate(rows[1:]):
        row[8] = values[i % len(values)]
    draft = draft_mapping(
        written(tmp_path / "x.csv", rows, delimiter="\t"), contract="crm_lead", ask=answers(DECIDED)
    )
    assert draft.open_questions == ()
    score = yaml.safe_load(draft.text)["tables"]["crm_lead"]["columns"]["score"]
    assert (score.get("decimal", "."), score.get("thousands")) == (decimal, thousands)


def test_three_digits_after_the_only_mark_are_a_question(tmp_path: Path) -> None:
    rows = prospects()
    for i, row in enumerate(rows[1:]):
        row[8] = f"{i % 9 + 1},{i % 900 + 100}"
    draft = draft_mapping(written(tmp_path / "x.csv", rows), contract="crm_lead", ask=answers(DECIDED))
    assert [q.key for q in draft.open_questions] == ["tables.crm_lead.columns.score.decimal"]


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_separator_and_line_ends_of_any_kind_are_found(tmp_path: Path, delimiter: str, end: str) -> None:
    file = written(tmp_path / "x.csv", prospects(), delimiter=delimiter, end=end)
    draft = draft_mapping(file, contract="crm_lead", ask=answers(DECIDED))
    assert (draft.claims["delimiter"], draft.claims["header"], draft.n_rows, draft.n_misfits) == (
        delimiter,
        True,
        N,
        0,
    )


def test_a_separator_of_two_characters_is_not_claimed_as_one(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("".join("+|".join([f"{i}", "Next Door", f"{i + 9}"]) + "&|\n" for i in range(60)))
    assert draft_mapping(file, contract="crm_user").claims["delimiter"] is None


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16", "cp850", "mac_roman"])
def test_an_encoding_claimed_reads_the_text_as_it_was_written(tmp_path: Path, encoding: str) -> None:
    file = written(tmp_path / "x.csv", prospects(), encoding=encoding)
    draft = draft_mapping(file, contract="crm_lead", ask=answers(DECIDED))
    text = file.read_bytes().decode(encoding).removeprefix("\ufeff")
    assert file.read_bytes().decode(draft.claims["encoding"]).removeprefix("\ufeff") == text


def test_one_sign_above_ascii_proves_no_encoding(tmp_path: Path) -> None:
    rows = [["Id", "Email", "Libellé"[:5]], *[[str(i), f"a{i}@x.fr", "N° 12"] for i in range(50)]]
    draft = draft_mapping(written(tmp_path / "x.csv", rows, encoding="cp850"), contract="crm_lead")
    assert draft.claims["encoding"] is None
    assert draft.open_questions[0].key == "files.rows.encoding"
    assert {"cp1252", "cp850"} <= set(draft.open_questions[0].options)


def test_a_known_column_name_proves_an_encoding_that_its_few_accents_leave_open(tmp_path: Path) -> None:
    # "é" is the same byte in cp1252 and cp1250; the only "è" would be a Czech letter in the other one.
    rows = [["Id", "Pièce d'origine", "Créé le"], *[[str(i), f"payée {i}", "2026-06-01"] for i in range(40)]]
    assert (
        draft_mapping(written(tmp_path / "x.csv", rows), contract="crm_user").claims["encoding"] == "cp1252"
    )
    rows[0][1] = "Xyzè d'origine"
    assert draft_mapping(written(tmp_path / "y.csv", rows), contract="crm_user").claims["encoding"] is None


def test_a_row_of_totals_is_a_question_and_asks_nothing_else(tmp_path: Path) -> None:
    rows = [*invoices(lambda i: ""), ["TOTAL", "", "", "", "", "99 999,00 €", ""]]
    (question,) = draft_mapping(written(tmp_path / "x.csv", rows), contract="erp_invoice").open_questions
    assert question.key == "files.rows.drop_rows_where"
    assert question.options == ("\"N° facture\" = 'TOTAL'", "false")


def test_a_file_without_header_gets_numbered_columns_and_its_first_row_stays_a_record(tmp_path: Path) -> None:
    draft = draft_mapping(written(tmp_path / "x.csv", prospects()[1:]), contract="crm_lead")
    assert draft.claims["header"] is False
    assert draft.n_rows == N
    assert "header: [column_1, column_2" in draft.text


def test_lines_before_the_header_are_counted_and_misfits_are_told(tmp_path: Path) -> None:
    file = written(tmp_path / "x.csv", prospects())
    content = file.read_bytes().split(b"\r\n")
    content[100:100] = [b"P9;trop;court"]
    file.write_bytes(b"\r\n".join([b"Export du 12/06/2026", b"", *content]))
    draft = draft_mapping(file, contract="crm_lead", ask=answers(DECIDED))
    assert "skip_rows: 2" in draft.text
    assert (draft.n_rows, draft.n_misfits) == (N, 1)


def test_a_key_that_repeats_is_a_question_with_the_figures(tmp_path: Path) -> None:
    rows = prospects()
    rows.append(list(rows[1]))
    draft = draft_mapping(written(tmp_path / "x.csv", rows), contract="crm_lead", ask=answers(DECIDED))
    assert [q.key.rsplit(".", 1)[-1] for q in draft.open_questions] == ["source_record_id"]
    assert f"{N} distinct values in {N + 1} rows" in draft.text


def test_required_columns_without_a_match_are_open_questions(tmp_path: Path) -> None:
    rows = [["Code", "Libre"], *[[f"C{i}", "texte"] for i in range(30)]]
    draft = draft_mapping(written(tmp_path / "x.csv", rows), contract="erp_invoice")
    names = {q.key.rsplit(".", 1)[-1] for q in draft.open_questions}
    assert names >= {
        "document_number",
        "document_type",
        "status",
        "customer_id",
        "invoice_date",
        "currency",
        "net_amount",
    }


def test_an_id_whose_kind_no_column_tells_is_a_question(tmp_path: Path) -> None:
    rows = [["ActivityID", "LeadID", "ActivityType", "ActivityDate"]]
    rows += [[f"A{i}", f"L{i % 7}", "Call", f"2026-05-{i % 28 + 1:02d}"] for i in range(40)]
    file = written(tmp_path / "activities.csv", rows)
    draft = draft_mapping(file, contract="crm_activity")
    (question,) = [q for q in draft.open_questions if q.key.endswith(".person_type")]
    assert question.options == ("const: lead", "const: contact", "none")
    decided = draft_mapping(file, contract="crm_activity", ask=answers({"person_type": "const: lead"}))
    assert "const: lead" in decided.text
    without_ids = written(tmp_path / "anonymous.csv", [[row[0], *row[2:]] for row in rows])
    assert not any(
        q.key.endswith(".person_type")
        for q in draft_mapping(without_ids, contract="crm_activity").open_questions
    )


def test_the_contract_is_asked_with_the_likeliest_first(tmp_path: Path) -> None:
    draft = draft_mapping(written(tmp_path / "x.csv", prospects()))
    (question,) = [q for q in draft.open_questions if q.key == "contract"]
    assert question.options[0] == "crm_lead"


def test_the_draft_holds_no_address_and_no_telephone_number(tmp_path: Path) -> None:
    draft = draft_mapping(written(tmp_path / "x.csv", prospects()), contract="crm_lead")
    assert "@exemple.fr" not in draft.text and "01 42" not in draft.text


def test_french_and_english_have_the_same_sentences_with_the_same_values() -> None:
    from string import Formatter

    said = yaml.safe_load((Path(spelling.__file__).parent / "wording.yml").read_text(encoding="utf-8"))
    assert said["en"].keys() == said["fr"].keys()
    for key in said["en"]:
        names = [{n for _, n, _, _ in Formatter().parse(said[lang][key]) if n} for lang in ("en", "fr")]
        assert names[0] == names[1], key


def test_synonyms_name_contracts_columns_and_values_that_exist() -> None:
    from ingest.contract import load_contracts

    contracts = load_contracts()
    for contract, columns in spelling._words("header_names.yml").items():
        for column, names in columns.items():
            assert all(isinstance(n, str) for n in names), (contract, column)
            if contract != "every_contract" and column != "is_deleted":
                assert column in contracts[contract].names or column in ("buying_role", "company_name"), (
                    contract,
                    column,
                )
    for place, values in spelling._words("value_names.yml").items():
        contract, column = place.split(".")
        assert set(values) <= set(contracts[contract].column(column).values), place
        assert all(isinstance(n, str) for names in values.values() for n in names), place


def invoices(sign: Callable[[int], str]) -> list[list[str]]:
    rows = [["N° facture", "Type", "Code client", "Date facture", "Échéance", "Montant HT", "Statut"]]
    for i in range(60):
        kind = "Avoir" if i % 6 == 0 else "Facture"
        amount = f"{1200 + i},50 €"
        rows.append([f"F{i:04d}", kind, f"C{i % 9}", f"{i % 28 + 1:02d}/06/2026", f"{i % 28 + 1:02d}/07/2026",
                     (sign(i) if kind == "Avoir" else "") + amount, "Payée"])  # fmt: skip
    return rows


def test_credit_notes_written_positive_become_negative_by_their_type(
    tmp_path: Path, site: Callable[..., Site]
) -> None:
    file = written(tmp_path / "factures_2026-06.csv", invoices(lambda i: ""))
    draft = draft_mapping(file, contract="erp_invoice")
    assert draft.open_questions == ()
    made = site(draft.text)
    made.put(file.name, file.read_bytes())
    assert made.collect().kept == 60
    totals = "document_type, sum(net_amount)::DOUBLE, any_value(currency)"
    assert made.rows(f"SELECT {totals} FROM raw.erp_invoice GROUP BY 1 ORDER BY 1") == [
        ("credit_note", -sum(1200.5 + i for i in range(0, 60, 6)), "EUR"),
        ("invoice", sum(1200.5 + i for i in range(60) if i % 6), "EUR"),
    ]


def test_credit_notes_of_both_signs_are_a_question(tmp_path: Path) -> None:
    file = written(tmp_path / "x.csv", invoices(lambda i: "-" if i % 12 == 0 else ""))
    draft = draft_mapping(file, contract="erp_invoice")
    assert [q.key.rsplit(".", 1)[-1] for q in draft.open_questions] == ["net_amount"]
    negative = written(tmp_path / "y.csv", invoices(lambda i: "-"))
    assert "source: Montant HT" in draft_mapping(negative, contract="erp_invoice").text


def test_serial_days_of_a_spreadsheet_are_read_as_such(tmp_path: Path, site: Callable[..., Site]) -> None:
    rows = prospects()
    for i, row in enumerate(rows[1:]):
        row[7] = f"{46023 + i % 90}.25"
    file = written(tmp_path / "x.csv", rows)
    draft = draft_mapping(file, contract="crm_lead", ask=answers({**DECIDED, "timezone": "UTC"}))
    made = site(draft.text)
    made.put(file.name, file.read_bytes())
    assert made.collect().kept == N
    assert made.rows("SELECT min(created_at) FROM raw.crm_lead") == [(dt.datetime(2026, 1, 1, 6),)]


# ---------------------------------------------------------------- any bytes


def loads_or_refuses_by_the_marker(path: Path, scratch: Path) -> None:
    try:
        draft = draft_mapping(path, contract="crm_contact")
    except RefusedFile as error:
        assert error.problem.code in ("E-ING-002", "E-ING-023")
        return
    problem = problem_of(draft.text, scratch)
    if draft.open_questions:
        assert problem is not None and problem.problem.code == "E-ING-110"
    else:
        assert problem is None


CELLS = st.text(st.sampled_from("ab1é€/.,:@ \"'#\u00a0\u2028\x85\x00\\-!&*{}[]%"), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400))
@example(b"\x00")
@example(b"\xff\xfe")
@example(b"\xff\xfea")
@example(b"\xef\xbb\xbf")
@example(b'"')
@example(b"a;b\n" * 3)
@example(b"\r\r\n;;;\n\n\n")
def test_any_bytes_give_a_draft_or_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    loads_or_refuses_by_the_marker(path, tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=12),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "cp1252", "utf-16"]),
    is_quoted=st.booleans(),
)
def test_any_cells_give_a_draft_that_loads_or_refuses_by_its_marker(
    tmp_path: Path, rows: list[list[str]], delimiter: str, encoding: str, is_quoted: bool
) -> None:
    path = tmp_path / "cells.csv"
    cells = [['"' + c.replace('"', '""') + '"' for c in row] if is_quoted else row for row in rows]
    path.write_bytes("\n".join(delimiter.join(row) for row in cells).encode(encoding, "replace"))
    loads_or_refuses_by_the_marker(path, tmp_path)


GERMAN = ["Nummer", "Nachname", "E-Mail", "Angelegt am", "Zustand", "Wert"]


def test_columns_that_only_look_right_are_asked_for_and_never_claimed(tmp_path: Path) -> None:
    states = ("Neu", "Kontaktiert", "Verloren")
    days = [f"{i % 12 + 1:02}/{i % 11 + 1:02}/2026 {8 + i % 9:02}:30" for i in range(60)]
    rows = [
        [f"P-{i}", f"Nom{i}", f"p{i}@x.example", days[i], states[i % 3], f"1.{i:03},70"] for i in range(60)
    ]
    path = tmp_path / "leads.csv"
    path.write_text("\n".join(";".join(row) for row in [GERMAN, *rows]) + "\n", encoding="utf-8")
    draft = draft_mapping(path, contract="crm_lead")
    asked = {question.key.rpartition(".")[2]: question for question in draft.open_questions}
    status = asked["status"]
    assert "Zustand" in status.options and "Nachname" not in status.options
    assert "Kontaktiert (20)" in status.evidence[0].text("en")
    for name in ("created_at", "modified_at"):
        assert asked[name].options == ("Angelegt am", "none")
        said = asked[name].evidence[0].text("fr")
        assert "%d/%m/%Y %H:%M" in said and "%m/%d/%Y %H:%M" in said
    assert "Angelegt am" in " ".join(each.text("en") for each in asked["timezone"].evidence)
    assert "source: Angelegt am" not in draft.text and "source: Zustand" not in draft.text

    wanted = {
        "created_at": "Angelegt am",
        "status": "Zustand",
        "formats": "%d/%m/%Y %H:%M",
        "timezone": "UTC",
    }
    answered = draft_mapping(
        path, contract="crm_lead", ask=lambda question: wanted.get(question.key.rpartition(".")[2])
    )
    keys = [question.key for question in answered.open_questions]
    assert not {f"tables.crm_lead.columns.{name}" for name in ("created_at", "status")} & set(keys)
    assert "tables.crm_lead.columns.modified_at" in keys
    assert "%d/%m/%Y %H:%M" in answered.text
