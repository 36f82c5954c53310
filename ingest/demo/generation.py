"""Order of the generation: world, records, dirt, files, truth.

What does NOT belong here: any content; each step lives in its own module.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.demo import (
    billing,
    calendars,
    campaigns,
    companies,
    crm_rows,
    deals,
    dirt,
    erp,
    framing,
    groups,
    ledger,
    mailing,
    market,
    pbx,
    people,
    records,
    salesforce,
    sheet_truth,
    sheets,
    touches,
    traps,
    truth,
)
from ingest.demo.scratch import Scratch
from ingest.demo.sizes import CONVERSATION_MIN_S, CYCLE, OWN_DOMAIN, SIZES, WINDOW_DAYS
from ingest.demo.writing import ExtractWriter, WrittenFile

_COMPANY = f"""version: 1
company: demo
reporting_currency: EUR
timezone: Europe/Paris
own_domains: [{OWN_DOMAIN}]
cycle: {CYCLE}
conversion_window_days: {WINDOW_DAYS}
conversation_min_s: {CONVERSATION_MIN_S}
sources:
  - {{instance: crm, mapping: salesforce, folder: crm}}
  - {{instance: erp, mapping: erp_export, folder: erp}}
  - {{instance: ledger, mapping: fec, folder: ledger}}
  - {{instance: pbx, mapping: asterisk_master, folder: telephony, options: {{timezone: Europe/Paris}}}}
  - {{instance: mailing, mapping: sendgrid, folder: mailing}}
  - {{instance: calendar, mapping: icalendar, folder: calendar, options: {{timezone: Europe/Paris}}}}
"""


@dataclass(frozen=True)
class DemoReport:
    """What was written: files below extracts/ (records, bytes, sha256), seconds by step and in all."""

    size: str
    seed: int
    files: tuple[WrittenFile, ...]
    steps: tuple[tuple[str, float], ...]
    seconds: float

    def by_kind(self) -> dict[str, tuple[int, int, int]]:
        """(files, records, bytes) by source folder and file name."""
        result: dict[str, tuple[int, int, int]] = {}
        for file in self.files:
            folder, name = file.path.split("/")[0], file.path.split("/")[-1]
            kind = f"{folder}/*.ics" if name.endswith(".ics") else f"{folder}/{name}"
            n, records, size = result.get(kind, (0, 0, 0))
            result[kind] = (n + 1, records + file.records, size + file.bytes)
        return result


def generate(company_dir: Path, size: str = "demo", seed: int = 20260101) -> DemoReport:
    """Write a demo company (company.yml, cycles/, extracts/, truth/); same size and seed, same bytes.

    Extracts, truth and stewards' decisions of an earlier demo are replaced. Raises KeyError for an unknown size,
    FileExistsError for a directory that holds a company or extracts that are no demo's (no truth/ beside them).
    """
    scale = SIZES[size]
    began = time.perf_counter()
    company_dir = Path(company_dir)
    held = [name for name in ("company.yml", "extracts") if (company_dir / name).exists()]
    if held and not (company_dir / "truth").is_dir():
        raise FileExistsError(f"{company_dir} holds {held[0]} of a company that is no demo")
    for name in ("extracts", "truth", "stewardship", "cycles", ".generation"):
        shutil.rmtree(company_dir / name, ignore_errors=True)
    workshop = company_dir / ".generation"
    workshop.mkdir(parents=True)
    (company_dir / "truth").mkdir()
    scratch = Scratch(workshop / "scratch.duckdb")
    writer = ExtractWriter(scratch, company_dir / "extracts")
    steps: list[tuple[str, float]] = []

    def step(name: str, *actions: Callable[[], None]) -> None:
        started = time.perf_counter()
        for action in actions:
            action()
        steps.append((name, round(time.perf_counter() - started, 3)))

    try:
        step(
            "world",
            lambda: companies.make_sellers(scratch, scale),
            lambda: companies.make_success_team(scratch, scale),
            lambda: companies.make_companies(scratch, scale, seed),
            lambda: people.make_people(scratch, scale, seed),
            lambda: touches.make_touches(scratch, scale, seed),
            lambda: deals.make_deals(scratch, scale, seed),
            lambda: billing.make_customers(scratch, scale, seed),
            lambda: billing.make_subscriptions(scratch, scale, seed),
            lambda: billing.make_invoices(scratch, scale, seed),
        )
        step(
            "systems",
            lambda: records.make_records(scratch, scale, seed),
            lambda: pbx.make_calls(scratch, scale, seed),
            lambda: mailing.make_mails(scratch, scale, seed),
            lambda: calendars.make_meetings(scratch, scale),
            lambda: crm_rows.make_crm_rows(scratch, scale),
            lambda: crm_rows.make_task_rows(scratch, scale),
            lambda: erp.make_documents(scratch, scale),
            lambda: erp.make_orders(scratch, scale),
            lambda: ledger.make_ledger(scratch, scale),
            lambda: groups.make_group_links(scratch, scale),
            lambda: dirt.plant(scratch),
            lambda: traps.plant_traps(scratch, scale, seed),
        )
        declared = _COMPANY + (sheets.SOURCES + market.SOURCES if scale.has_sheets else "")
        (company_dir / "company.yml").write_text(declared, encoding="utf-8")
        framing.write_notes(company_dir, scale.delivery_months)
        step("crm", lambda: salesforce.write_crm(writer, scale))
        step("erp", lambda: erp.write_erp(writer, scale))
        step("ledger", lambda: ledger.write_ledger(writer, scale))
        step("telephony", lambda: pbx.write_calls(writer, scale))
        step("mailing", lambda: mailing.write_mails(writer, scale))
        step("calendar", lambda: calendars.write_calendars(writer, scale), lambda: dirt.stray_files(writer))
        if scale.has_sheets:
            step(
                "sheets",
                lambda: campaigns.make_campaigns(scratch, scale, seed),
                lambda: campaigns.write_campaigns(writer, scale),
                lambda: sheets.make_sheets(scratch, scale, seed),
                lambda: sheets.write_sheets(writer, scale),
                lambda: market.make_market(scratch, scale, seed),
                lambda: market.write_market(writer, scale),
                lambda: sheet_truth.write_sheet_truth(scratch, company_dir / "truth"),
            )
        step(
            "truth",
            lambda: groups.write_group_links(scratch, company_dir / "stewardship"),
            lambda: groups.write_group_truth(scratch, company_dir / "truth"),
            lambda: traps.write_traps(scratch, company_dir / "truth"),
            lambda: truth.write_truth(writer, scale, company_dir / "truth"),
        )
    finally:
        scratch.close()
        shutil.rmtree(workshop, ignore_errors=True)
    return DemoReport(size, seed, tuple(writer.files), tuple(steps), round(time.perf_counter() - began, 2))
