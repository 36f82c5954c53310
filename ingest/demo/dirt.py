"""Planted dirt: changes of single records, and the catalogue of the classes of defects.

What does NOT belong here: dirt that is part of a layout (encodings, decimal commas), which the writers note
  themselves.
"""

from __future__ import annotations

import pyarrow as pa

from ingest.demo.scratch import Scratch
from ingest.demo.sizes import AS_OF, DAY
from ingest.demo.writing import ExtractWriter

# table, defect, which records, what changes
_CHANGES = (
    # a number mangled by a spreadsheet: only a switchboard that nobody calls, beside the person's own number
    (
        "sf_leads",
        14,
        """kind = 'original' and phone <> '' and mobile <> '' and lead_no % 5 < 2
          and acc not in (select acc from called_switchboards)""",
        "phone = '3,35365E+10'",
    ),
    ("sf_leads", 22, "kind = 'original' and lead_no % 173 = 11", "industry = 'Select'"),
    ("sf_leads", 22, "kind = 'original' and phone = '' and lead_no % 59 = 7", "phone = '0000000000'"),
    ("sf_leads", 22, "kind = 'original' and email = '' and lead_no % 2 = 0", "email = 'N/A'"),
    ("sf_leads", 36, "kind = 'test'", ""),
    (
        "sf_leads",
        46,
        "kind = 'original' and per in (select per from touches group by per having count(*) >= 30)",
        "",
    ),
    ("sf_accounts", 22, "kind = 'main' and account_no % 61 = 5", "industry = '-'"),
    (
        "sf_accounts",
        12,
        "kind = 'main' and account_no % 17 = 3",
        "street = '12 rue du Port' || chr(10) || 'Bâtiment \"B\"'",
    ),
    ("sf_accounts", 21, "kind = 'main' and account_no % 43 = 9", f"shown_modified = created - {DAY}"),
    (
        "sf_leads",
        40,
        "not (regexp_full_match(phone, '([+][0-9]+)?') and regexp_full_match(mobile, '([+][0-9]+)?'))",
        "",
    ),
    ("sf_tasks", 5, "origin = 'todo' and task_no % 13 = 2", "shown_who = '00Q5g0088888888EAA'"),
    ("opps", 5, "opp % 59 = 13", "shown_owner = '0055g0088888888AAA'"),
    ("opps", 27, "amount = 0 or amount = 10000", ""),
)  # fmt: skip


def plant(scratch: Scratch) -> None:
    """Flaw chosen records; their class number goes to the column `defects` of their table."""
    scratch.run(f"""
        alter table opps add column defects varchar; alter table opps add column shown_owner varchar;
        alter table opps add column is_deleted boolean; alter table opps add column won_flag_lost boolean;
        update opps set is_deleted = status = 'open' and opp % 11 = 3 and per < 0 and opened + 9 * {DAY} <
          {AS_OF}, won_flag_lost = status = 'won' and opp % 37 = 4;
        alter table sf_tasks add column shown_who varchar""")
    for table, number, where, change in _CHANGES:
        assignment = f"{change}, " if change else ""
        scratch.run(
            f"update {table} set {assignment} defects = concat_ws(',', defects, '{number}') where {where}"
        )


NOT_PLANTED = {
    7: "a drifted header refuses the file; covered by the fault tests, the demo refuses none",
    9: "a wrong separator refuses the file; covered by the fault tests",
    50: "a partial export holds by its volume, or by its manifest; covered by the fault tests",
}

CATALOGUE = {
    0: ("total row", "factures.csv: last line starts with TOTAL"),
    1: ("duplicate lines", "Lead.csv, Task.csv, Master.csv: a line repeated as it is"),
    2: ("equal rows that are not duplicates", "FEC: two equal lines in one entry of journal OD"),
    3: ("no id at all", "taux_change.csv: every row"),
    4: ("constant key", "FEC: EcritureNum is 0 on every line of journal OD"),
    5: ("dangling keys", "Task.WhoId, Opportunity.OwnerId, lignes_factures without a document"),
    6: ("names cut", "FEC: CompAuxLib cut at 18 characters"),
    7: ("schema drift", ""),
    8: ("non-table file in the folder", "crm/LISEZMOI.txt, erp/desktop.ini"),
    9: ("wrong separator", ""),
    10: ("broken quoting or cut line", "Lead.csv, Task.csv, Master.csv, events.jsonl"),
    11: ("encodings", "cp1252 (erp, ledger), raw bytes 0xA5 (telephony), BOM (crm)"),
    12: ("newlines", "CRLF (erp), CR CR LF (first FEC), newline inside quotes (Account.BillingStreet)"),
    13: ("number notations", "articles.csv: '1 200,00 €'; first FEC: zero-padded"),
    14: ("Excel-mangled", "Lead.Phone '3,35365E+10', clients.SIREN '990001000.0'"),
    15: ("ambiguous day and month", "factures.csv: dates whose day is 12 or less also read as mm/dd"),
    16: ("mixed date layouts", "abonnements.Fin: some yyyy-mm-dd"),
    17: ("time part is false", "Task.CompletedDateTime always 12:00:00"),
    18: ("missing time", "Task with ActivityDate only"),
    19: ("wrong zone, DST", "Master.csv: legs logged in UTC; the hour that comes twice on 2025-10-26"),
    20: ("impossible durations", "Master.csv: negative, or 400,000 s"),
    21: ("modified before created", "Account.LastModifiedDate"),
    22: ("sentinels", "Select, -, N/A, 0000000000, 000000000, 01/01/1900, 19000101"),
    23: ("status contradicts", "Opportunity: Closed Won with IsWon false"),
    24: ("deleted and merged", "IsDeleted true, with or without MasterRecordId"),
    25: ("lead converted twice, or deleted after conversion", "Lead.csv"),
    26: ("reopened opportunities", "OpportunityHistory: a closing stage followed by others"),
    27: ("default or zero amounts", "Opportunity.Amount 0 or 10000"),
    28: ("credit notes", "factures.csv: Type Avoir, amount written positive"),
    29: ("clearing account, VAT in class 70", "FEC: 701000 and 707050"),
    30: ("opening balances", "FEC: journal AN"),
    31: ("short year, file name lies", "FEC"),
    32: (
        "supplier documents mixed in",
        "factures.csv, lignes_factures.csv: Sens Fournisseur; FEC journal HA",
    ),
    33: ("intercompany", "clients.csv: Société du groupe Oui; their documents"),
    34: ("several currencies", "factures.csv: GBP, USD; rates given in both directions"),
    35: ("non-product lines", "lignes_factures.csv: PORT"),
    36: (
        "test and internal records",
        "Lead e-mail of the own domain, abonnements Test Oui, mails to ourselves",
    ),
    37: ("legs counted as calls", "Master.csv: second leg of a linkedid"),
    38: ("voicemail as answered", "Master.csv: lastapp VoiceMail"),
    39: ("internal and conference calls", "Master.csv: extension to extension, ConfBridge"),
    40: ("number formats", "Lead phones; Master.csv without + or anonymous"),
    41: ("machine opens and clicks", "events.jsonl: sg_machine_open, Barracuda"),
    42: ("repeated webhook deliveries", "events.jsonl: a line repeated as it is"),
    43: ("unsubscribes and complaints unknown to the CRM", "events.jsonl against HasOptedOutOfEmail"),
    44: ("touch logged twice", "Task.csv: copies of calls (CallObject) and of mails"),
    45: ("bulk mail logged as a task", "Task.TaskSubtype ListEmail"),
    46: ("extreme cadences", "Lead.csv: leads with 30 touches and more"),
    47: ("overlapping subscriptions", "abonnements.csv: the former contract stays open"),
    48: ("fan-out", "lignes_factures.csv: document total repeated on each line"),
    49: ("header spelling", "first FEC: MontantDevise"),
    50: ("partial export", ""),
    51: ("leakage columns", "Opportunity.csv: Probability, ExpectedRevenue, ForecastCategory"),
}


def stray_files(writer: ExtractWriter) -> None:
    """Files that are no table."""
    for path, text in (
        ("crm/LISEZMOI.txt", "Exports mensuels.\n"),
        ("erp/desktop.ini", "[.ShellClassInfo]\r\n"),
    ):
        writer.write_bytes(path, text.encode())
        writer.note(8, path)


def summary(rows: pa.Table) -> pa.Table:
    """One row per class of the catalogue: what was planted, how many rows, in how many files."""
    counted = rows.group_by("defect_no").aggregate([("file", "count"), ("file", "count_distinct")])
    count = {r["defect_no"]: r for r in counted.to_pylist()}
    result = []
    for number, (title, where) in CATALOGUE.items():
        row = count.get(number, {"file_count": 0, "file_count_distinct": 0})
        status = (
            "planted"
            if row["file_count"]
            else "not applicable"
            if number in NOT_PLANTED
            else "none in this size"
        )
        result.append(
            {
                "defect_no": number,
                "defect": title,
                "status": status,
                "n_rows": row["file_count"],
                "n_files": row["file_count_distinct"],
                "where": where,
                "reason": NOT_PLANTED.get(number, ""),
            }
        )
    return pa.Table.from_pylist(result)
