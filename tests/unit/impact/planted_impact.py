"""A company of a dozen leads and four deals in which what each decision does to a KPI is plain to see.

Each row is there for one decision. The figures that must come out are counted here, in Python, from these rows.
What does NOT belong here: running the pipeline (conftest.py).
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

COMPANY = """version: 1
company: planted
reporting_currency: EUR
timezone: Europe/Paris
cycle: 2026-06
sources: [{instance: crm, mapping: mapping.yml, folder: crm}]
"""
MAPPING = """version: 1
source: {system: vendor}
defaults: {timezone: UTC, currency: EUR, phone_region: FR}
files:
  leads: {path: "{date}/leads.csv", format: delimited, delimiter: ";", expected_columns: [9]}
  deals: {path: "{date}/deals.csv", format: delimited, delimiter: ";", expected_columns: [7]}
tables:
  crm_lead:
    from: leads
    columns:
      source_record_id: {source: Id, required: true}
      first_name: First
      last_name: Last
      email: Email
      status: {source: Status, map: {new: new, converted: converted}}
      is_converted: {source: Converted, map: {"1": "true", "0": "false"}}
      converted_at: {source: ConvertedOn, precision: day}
      created_at: {source: CreatedOn, precision: day}
      is_deleted: {source: Deleted, map: {"1": "true", "0": "false"}}
  crm_opportunity:
    from: deals
    columns:
      source_record_id: {source: Id, required: true}
      stage: Status
      stage_code: {source: Status, map: {won: won, lost: lost}}
      status: {source: Status, map: {won: won, lost: lost}}
      amount: Amount
      currency: Currency
      created_at: {source: CreatedOn, precision: day}
      closed_at: {source: ClosedOn, precision: day}
      is_deleted: {source: Deleted, map: {"1": "true", "0": "false"}}
"""
LEAD_COLUMNS = ("Id", "First", "Last", "Email", "Status", "Converted", "ConvertedOn", "CreatedOn", "Deleted")
DEAL_COLUMNS = ("Id", "Status", "Amount", "Currency", "CreatedOn", "ClosedOn", "Deleted")

# id, given name, family name, e-mail, converted, deleted, and the decision that the row is there for
LEADS = [
    ("L1", "Anouk", "Tremblay", "anouk@tremblay.example.fr", True, False, None),
    ("L2", "Bastien", "Garnier", "bastien@garnier-sa.fr", True, False, None),
    ("L3", "Chloe", "Vasseur", "chloe@vasseur-cie.fr", True, False, None),
    ("L4", "Damien", "Rolland", "damien@rolland-bois.fr", False, False, None),
    ("L5", "Elodie", "Marchand", "elodie at marchand", False, False, "email_invalid"),
    ("L6", "Fabrice", "Lemoine", "fabrice@lemoine-auto.fr", False, False, None),
    ("L7", "Anouk", "Tremblay", "anouk@tremblay.example.fr", False, False, "same_email"),
    ("T1", "Gilles", "Perrot", "gilles@example.com", False, False, "test_record"),
    ("T2", "Hanna", "Quere", "hanna@example.org", False, False, "test_record"),
    ("D1", "Ines", "Sorel", "ines@sorel-textile.fr", True, True, "deleted_in_source"),
]
#: What an earlier extract called L6: another person, so that it counts beside the newer version.
OLD_L6 = ("L6", "Yvon", "Zeller", "yvon@zeller-pneus.fr", False, False, "superseded_by_newer")
#: A line that is no record: nothing of it can come back.
BROKEN_LINE = "B1;only three;fields"
# id, status, amount, deleted, decision
DEALS = [
    ("O1", "won", "100", False, None),
    ("O2", "won", "", False, "R-CRM-010"),
    ("O3", "lost", "50", False, None),
    ("O4", "won", "30", True, "deleted_in_source"),
]


def write_company(root: Path) -> None:
    """company.yml, mapping.yml and the extracts of May and June under `root`."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "company.yml").write_text(COMPANY)
    (root / "mapping.yml").write_text(MAPPING)
    _write(root / "extracts/crm/2026-05-31/leads.csv", LEAD_COLUMNS, [_lead(OLD_L6)])
    june = root / "extracts/crm/2026-06-30/leads.csv"
    _write(june, LEAD_COLUMNS, [_lead(row) for row in LEADS])
    june.write_text(june.read_text(encoding="utf-8") + BROKEN_LINE + "\n", encoding="utf-8")
    deals = [
        (name, status, amount, "EUR", "2026-05-02", "2026-05-20", str(int(deleted)))
        for name, status, amount, deleted, _ in DEALS
    ]
    _write(root / "extracts/crm/2026-06-30/deals.csv", DEAL_COLUMNS, deals)


def conversion_rate(*, but: str | None = None) -> Decimal:
    """Converted leads of April over all, as published or had the decision `but` gone the other way."""
    persons: dict[str, bool] = {}
    for name, _, _, email, converted, _, decision in [*LEADS, OLD_L6]:
        if decision in ("test_record", "deleted_in_source", "superseded_by_newer") and decision != but:
            continue
        person = name if but == "same_email" else email
        persons[person] = persons.get(person, False) or converted
    return Decimal(sum(persons.values())) / len(persons)


def won_over_closed(*, but: str | None = None, flagged: str | None = None) -> Decimal:
    """Won deals of May over all, as published, had `but` gone the other way, or without those that `flagged` flags."""
    left = [
        status
        for _, status, _, deleted, decision in DEALS
        if (not deleted or but == "deleted_in_source") and (flagged is None or decision != flagged)
    ]
    return Decimal(left.count("won")) / len(left)


def _lead(row: tuple) -> tuple[str, ...]:
    name, first, last, email, converted, deleted, _ = row
    status = "converted" if converted else "new"
    on = "2026-04-20" if converted else ""
    return (name, first, last, email, status, str(int(converted)), on, "2026-04-10", str(int(deleted)))


def _write(path: Path, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(";".join(row) for row in [columns, *rows]) + "\n", encoding="utf-8")
