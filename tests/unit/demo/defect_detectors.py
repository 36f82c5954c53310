"""How each planted class of defect is recognised in the files alone, by its number in the catalogue.

A detector gives (file, line) of every flawed record; line is None for a property of a whole file.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.unit.demo.extract_reader import Record

Files = dict[str, list[Record]]
Place = tuple[str, int | None]
PARIS = zoneinfo.ZoneInfo("Europe/Paris")
CLOSED = ("Closed Won", "Closed Lost")


def sound(records: list[Record]) -> list[Record]:
    """Records that can be parsed, without the lines that repeat the line before."""
    return [r for r in records if r.values is not None and not r.is_repeat]


def rows(files: Files, kind: str, condition: Callable[[dict], bool]) -> Iterator[Place]:
    """Places of the sound records of one kind that meet a condition."""
    return ((r.file, r.line) for r in sound(files[kind]) if condition(r.values))


def total_rows(files: Files) -> Iterator[Place]:
    yield from rows(files, "erp/factures", lambda v: v["N° pièce"] == "TOTAL")


def repeated_lines(files: Files) -> Iterator[Place]:
    for kind in ("crm/Lead", "crm/Task", "telephony"):
        yield from ((r.file, r.line) for r in files[kind] if r.is_repeat)


def equal_ledger_lines(files: Files) -> Iterator[Place]:
    texts = [(r.file, r.text) for r in files["ledger"]]
    yield from ((r.file, r.line) for r in files["ledger"] if texts.count((r.file, r.text)) > 1)


def dangling_keys(files: Files) -> Iterator[Place]:
    leads = {r.values["Id"] for r in sound(files["crm/Lead"])}
    users = {r.values["Id"] for r in sound(files["crm/User"])}
    documents = {r.values["N° pièce"] for r in files["erp/factures"]}
    yield from rows(files, "crm/Task", lambda v: v["WhoId"] not in leads)
    yield from rows(files, "crm/Opportunity", lambda v: v["OwnerId"] not in users)
    yield from rows(files, "erp/lignes_factures", lambda v: v["N° pièce"] not in documents)


def cut_names(files: Files) -> Iterator[Place]:
    names = {r.values["Code client"]: r.values["Raison sociale"] for r in files["erp/clients"]}

    def is_cut(v: dict) -> bool:
        whole = re.sub(" SA$", "", names.get(v["CompAuxNum"], ""))
        return len(v["CompAuxLib"]) == 18 and len(whole) > 18 and v["EcritureLib"] != "À-nouveau"

    yield from rows(files, "ledger", is_cut)


def broken_lines(files: Files) -> Iterator[Place]:
    for kind in ("crm/Lead", "crm/Task", "telephony", "mailing"):
        yield from ((r.file, r.line) for r in files[kind] if r.values is None)


def mangled_by_a_spreadsheet(files: Files) -> Iterator[Place]:
    yield from rows(files, "crm/Lead", lambda v: "E+" in v["Phone"])
    yield from rows(files, "erp/clients", lambda v: v["SIREN"].endswith(".0"))


def wrong_clock(files: Files) -> Iterator[Place]:
    night = (dt.datetime(2025, 10, 26, 0, 30, tzinfo=dt.UTC), dt.datetime(2025, 10, 26, 1, 30, tzinfo=dt.UTC))
    for record in sound(files["telephony"]):
        instant = dt.datetime.fromtimestamp(int(record.values["uniqueid"].split(".")[0]), dt.UTC)
        call = dt.datetime.fromtimestamp(int(record.values["linkedid"].split(".")[0]), dt.UTC)
        wall = instant.astimezone(PARIS).strftime("%Y-%m-%d %H:%M:%S")
        if wall != record.values["start"] or night[0] <= call <= night[1]:
            yield record.file, record.line


def sentinels(files: Files) -> Iterator[Place]:
    for record in sound(files["crm/Lead"]):
        v = record.values
        for hit in (v["Industry"] == "Select", v["Phone"] == "0000000000", v["Email"] == "N/A"):
            if hit:
                yield record.file, record.line
    yield from rows(files, "crm/Account", lambda v: v["Industry"] == "-")
    yield from rows(
        files,
        "erp/clients",
        lambda v: v["SIREN"] == "000000000" or v["Ville"] == "N/A" or v["Date création"] == "01/01/1900",
    )
    yield from rows(files, "ledger", lambda v: v["PieceDate"] == "19000101")


def deleted(files: Files) -> Iterator[Place]:
    for kind in ("crm/Account", "crm/Contact", "crm/Lead", "crm/Opportunity"):
        yield from rows(files, kind, lambda v: v["IsDeleted"] == "true")


def converted_twice(files: Files) -> Iterator[Place]:
    first: dict[str, tuple[str, str]] = {}
    for record in sound(files["crm/Lead"]):
        v = record.values
        if v["ConvertedContactId"]:
            known = first.get(v["ConvertedContactId"], (v["CreatedDate"], v["Id"]))
            first[v["ConvertedContactId"]] = min(known, (v["CreatedDate"], v["Id"]))

    def hit(v: dict) -> bool:
        lost = v["IsDeleted"] == "true" and v["IsConverted"] == "true" and not v["MasterRecordId"]
        return lost or (bool(v["ConvertedContactId"]) and first[v["ConvertedContactId"]][1] != v["Id"])

    yield from rows(files, "crm/Lead", hit)


def undone_closings(files: Files) -> Iterator[Place]:
    last: dict[str, str] = {}
    for record in sound(files["crm/OpportunityHistory"]):
        v = record.values
        last[v["OpportunityId"]] = max(last.get(v["OpportunityId"], ""), v["CreatedDate"])
    yield from rows(
        files,
        "crm/OpportunityHistory",
        lambda v: v["StageName"] in CLOSED and v["CreatedDate"] < last[v["OpportunityId"]],
    )


def supplier_documents(files: Files) -> Iterator[Place]:
    yield from rows(files, "erp/factures", lambda v: v["Sens"] == "Fournisseur")
    yield from rows(files, "erp/lignes_factures", lambda v: v["Sens"] == "Fournisseur")
    yield from rows(files, "ledger", lambda v: v["JournalCode"] == "HA")


def intercompany(files: Files) -> Iterator[Place]:
    yield from rows(files, "erp/clients", lambda v: v["Société du groupe"] == "Oui")
    yield from rows(files, "erp/factures", lambda v: v["Code client"].startswith("G"))


def records_of_tests(files: Files) -> Iterator[Place]:
    yield from rows(files, "crm/Lead", lambda v: v["Email"].endswith("@etalon-demo.example"))
    yield from rows(files, "erp/abonnements", lambda v: v["Test"] == "Oui")
    yield from rows(files, "mailing", lambda v: v["email"].endswith("@etalon-demo.example"))


def odd_numbers(files: Files) -> Iterator[Place]:
    plain = re.compile(r"(\+\d+)?")
    yield from rows(
        files, "crm/Lead", lambda v: not (plain.fullmatch(v["Phone"]) and plain.fullmatch(v["MobilePhone"]))
    )
    yield from rows(
        files,
        "telephony",
        lambda v: v["src"] == "anonymous" or any(re.fullmatch(r"33\d{9}", v[k]) for k in ("src", "dst")),
    )


def copies_of_touches(files: Files) -> Iterator[Place]:
    yield from rows(files, "crm/Task", lambda v: v["CallObject"] != "" or v["TaskSubtype"] == "Email")


def open_after_replacement(files: Files) -> Iterator[Place]:
    latest: dict[str, dict] = {}
    for record in files["erp/abonnements"]:
        latest[record.values["N° contrat"]] = record.values
    live = [v for v in latest.values() if not v["Fin"] and v["Test"] == "Non" and v["Statut"] == "Actif"]

    def start(v: dict) -> dt.datetime:
        return dt.datetime.strptime(v["Début"], "%d/%m/%Y")

    replaced = {
        a["N° contrat"]
        for a in live
        for b in live
        if a["Code client"] == b["Code client"]
        and a["Code article"] == b["Code article"]
        and start(a) < start(b)
    }
    yield from rows(files, "erp/abonnements", lambda v: v["N° contrat"] in replaced)


def odd_bytes(files: Files, extracts: Path) -> Iterator[Place]:
    for kind in files:
        if kind.startswith("erp/") or kind == "ledger":
            yield from ((name, None) for name in sorted({r.file for r in files[kind]}))
    yield from ((r.file, r.line) for r in sound(files["telephony"]) if "\xa5" in r.text)
    for name in sorted({r.file for r in files["crm/Account"]}):
        if (extracts / name).read_bytes().startswith(b"\xef\xbb\xbf"):
            yield name, None


def odd_newlines(files: Files, extracts: Path) -> Iterator[Place]:
    for kind in files:
        if kind.startswith("erp/") or kind == "ledger":
            for name in sorted({r.file for r in files[kind]}):
                assert b"\r\n" in (extracts / name).read_bytes()
                yield name, None
    yield from rows(files, "crm/Account", lambda v: "\n" in v["BillingStreet"])


def misleading_ledgers(files: Files) -> Iterator[Place]:
    for name in sorted({r.file for r in files["ledger"]}):
        dates = [r.values["EcritureDate"] for r in files["ledger"] if r.file == name]
        named = name[-12:-4]
        is_short = min(dates)[:6] != max(dates)[:4] + "01" and max(dates).startswith(named[:6])
        if max(dates) > named or is_short:
            yield name, None


SIMPLE: dict[int, tuple[str, Callable[[dict], bool]]] = {
    3: ("erp/taux_change", lambda v: True),
    4: ("ledger", lambda v: v["EcritureNum"] == "0"),
    15: ("erp/factures", lambda v: v["Date"][:2] <= "12" and v["Date"] != ""),
    16: ("erp/abonnements", lambda v: bool(re.fullmatch(r"\d{4}-\d\d-\d\d", v["Fin"]))),
    17: ("crm/Task", lambda v: v["CompletedDateTime"].endswith("T12:00:00.000Z")),
    18: ("crm/Task", lambda v: v["CompletedDateTime"] == "" and v["Status"] == "Completed"),
    20: ("telephony", lambda v: int(v["duration"]) < 0 or int(v["duration"]) > 86400),
    21: ("crm/Account", lambda v: v["LastModifiedDate"] < v["CreatedDate"]),
    23: ("crm/Opportunity", lambda v: v["StageName"] == "Closed Won" and v["IsWon"] == "false"),
    27: ("crm/Opportunity", lambda v: float(v["Amount"]) in (0, 10000)),
    28: ("erp/factures", lambda v: v["Type"] == "Avoir"),
    29: ("ledger", lambda v: v["CompteNum"].startswith(("701", "70705"))),
    30: ("ledger", lambda v: v["JournalCode"] == "AN"),
    34: ("erp/factures", lambda v: v["Devise"] in ("USD", "GBP")),
    35: ("erp/lignes_factures", lambda v: v["Code article"] == "PORT"),
    37: ("telephony", lambda v: v["uniqueid"] != v["linkedid"]),
    38: ("telephony", lambda v: v["lastapp"] == "VoiceMail"),
    39: ("telephony", lambda v: v["dcontext"] == "from-internal" and len(v["dst"]) <= 6),
    41: ("mailing", lambda v: v.get("sg_machine_open") is True or "Barracuda" in v.get("useragent", "")),
    45: ("crm/Task", lambda v: v["TaskSubtype"] == "ListEmail"),
    48: ("erp/lignes_factures", lambda v: int(v["N° ligne"]) > 1),
}

BY_FILES: dict[int, Callable[[Files], Iterator[Place]]] = {
    0: total_rows,
    1: repeated_lines,
    2: equal_ledger_lines,
    5: dangling_keys,
    6: cut_names,
    10: broken_lines,
    14: mangled_by_a_spreadsheet,
    19: wrong_clock,
    22: sentinels,
    24: deleted,
    25: converted_twice,
    26: undone_closings,
    31: misleading_ledgers,
    32: supplier_documents,
    33: intercompany,
    36: records_of_tests,
    40: odd_numbers,
    42: lambda files: ((r.file, r.line) for r in files["mailing"] if r.is_repeat),
    44: copies_of_touches,
    47: open_after_replacement,
}

BY_BYTES: dict[int, Callable[[Files, Path], Iterator[Place]]] = {11: odd_bytes, 12: odd_newlines}


def detect(number: int, files: Files, extracts: Path) -> list[Place]:
    """Places of one class; KeyError when the class has no detector."""
    if number in SIMPLE:
        kind, condition = SIMPLE[number]
        return sorted(rows(files, kind, condition), key=str)
    if number in BY_BYTES:
        return sorted(BY_BYTES[number](files, extracts), key=str)
    return sorted(BY_FILES[number](files), key=str)
