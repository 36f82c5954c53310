"""Two publications of a company of ten leads and three invoice lines, planted at the border of the metrics.

A world is plain Python; its figures are counted here by hand (fractions, no SQL), and the same world fills the tables
that the bridge reads. Not here: what must come out of a change (test_kpi_bridge.py).
"""

from __future__ import annotations

import copy
import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.contract import load_contracts
from orchestration.bridge.comparing import Compared, compare
from orchestration.bridge.dividing import CELL_COLUMNS, Cells
from orchestration.bridge.evidence import Evidence, write_evidence
from orchestration.explaining.definitions import Definition, definitions

METRICS = ("leads_new", "cr", "ttf_hours", "revenue_total")
MONTH = date(2026, 4, 1)
CONTRACTS = ("crm_lead", "erp_invoice_line", "erp_invoice")
RAW = {"_source_row_id": 1, "_record_part": 0, "is_deleted": False, "_set_aside": None}


#: metric, month, kind of segment, segment, part.
Cell = tuple[str, date, str, str, str]


@dataclass
class Lead:
    """One golden lead; its golden person has the same number. ttf: hours, None for a lead never contacted."""

    created: date = date(2026, 4, 10)
    is_matured: bool = True
    is_converted: bool = False
    ttf: int | None = None
    account: str = "acc_000000000001"
    channel: str | None = "web"
    size: str = "small"
    rep: str = "usr_1"

    def segments(self) -> dict[str, str]:
        """Kind -> segment."""
        return {"all": "all", "channel": self.channel or "unknown", "size_band": self.size, "rep": self.rep}


@dataclass
class Line:
    """One invoice line. amount: in its currency."""

    amount: int
    currency: str = "EUR"
    month: date = MONTH
    group: str = "grp_1"
    size: str = "small"
    product: str = "core"

    def segments(self) -> dict[str, str]:
        """Kind -> segment."""
        return {
            "all": "all",
            "size_band": self.size,
            "product_family": self.product,
            "currency": self.currency,
        }


@dataclass
class World:
    """The state of one publication. records: contract -> raw rows, each with its delivery."""

    leads: dict[str, Lead]
    lines: dict[str, Line]
    records: dict[str, list[dict[str, Any]]]
    holders: dict[str, str]  # record key of a lead -> number of its person
    rates: dict[str, str] = field(default_factory=lambda: {"USD": "0.90"})
    left_out: list[tuple[str, str, str]] = field(default_factory=list)
    deliveries: list[str] = field(default_factory=lambda: ["d1"])
    settings: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def lead_record(self, number: str, delivery: str, **values: Any) -> None:
        """The CRM delivers a lead record."""
        created = datetime(2026, 4, 10, 9)
        row = {
            "source_record_id": number,
            "_delivery_id": delivery,
            "source_instance": "crm",
            "created_at": created,
        }
        self.records["crm_lead"].append(RAW | row | values)
        self.holders.setdefault(f"crm/crm_lead/{number}", number)

    def line_record(self, number: str, delivery: str, amount: int) -> None:
        """The ERP delivers an invoice line."""
        row = {"source_record_id": number, "_delivery_id": delivery, "source_instance": "erp"}
        self.records["erp_invoice_line"].append(RAW | row | {"net_amount": Decimal(amount)})

    def figures(self) -> dict[tuple[str, date], Fraction | None]:
        """(metric, month) -> value, counted by hand; a rate to ten decimals, as published."""
        found: dict[tuple[str, date], Fraction | None] = {}
        months: dict[date, list[Lead]] = defaultdict(list)
        for lead in self.leads.values():
            months[lead.created.replace(day=1)].append(lead)
        for month, leads in months.items():
            matured = [each for each in leads if each.is_matured]
            hours = [each.ttf for each in leads if each.ttf is not None]
            converted = sum(each.is_converted for each in matured)
            found["leads_new", month] = Fraction(len(leads))
            found["cr", month] = rounded(Fraction(converted, len(matured))) if matured else None
            found["ttf_hours", month] = Fraction(statistics.median(map(Fraction, hours))) if hours else None
        totals: dict[date, Fraction] = defaultdict(Fraction)
        for line in self.lines.values():
            totals[line.month] += line.amount * Fraction(self.rates.get(line.currency, "1"))
        return found | {("revenue_total", month): total for month, total in totals.items()}

    def parts(self) -> dict[Cell, Fraction]:
        """(metric, month, kind, segment, part) -> count or sum, by hand."""
        found: dict[Cell, Fraction] = defaultdict(Fraction)
        for lead in self.leads.values():
            for kind, segment in lead.segments().items():
                place = (lead.created.replace(day=1), kind, segment)
                found["leads_new", *place, "value"] += 1
                found["cr", *place, "numerator"] += lead.is_matured and lead.is_converted
                found["cr", *place, "denominator"] += lead.is_matured
                found["ttf_hours", *place, "denominator"] += lead.ttf is not None
        for line in self.lines.values():
            for kind, segment in line.segments().items():
                amount = line.amount * Fraction(self.rates.get(line.currency, "1"))
                found["revenue_total", line.month, kind, segment, "value"] += amount
        return found

    def cells(self) -> pa.Table:
        """The same as the KPI mart has it."""
        rows: dict[tuple[str, date, str, str], dict[str, Decimal]] = defaultdict(dict)
        for (*place, part), value in self.parts().items():
            rows[tuple(place)]["metric_value" if part == "value" else part] = as_decimal(value)
        schema = pa.schema(
            [
                (
                    name,
                    pa.date32()
                    if name == "period_month"
                    else pa.string()
                    if number < 4
                    else pa.decimal128(38, 10),
                )
                for number, name in enumerate(CELL_COLUMNS)
            ]
        )
        return pa.Table.from_pylist(
            [dict(zip(CELL_COLUMNS, place, strict=False)) | values for place, values in rows.items()],
            schema=schema,
        )


def as_decimal(value: Fraction) -> Decimal:
    """As the tables have it."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("1e-10"))


def rounded(value: Fraction) -> Fraction:
    """To ten decimals."""
    return Fraction(round(value * 10**10), 10**10)


def base() -> World:
    """Ten leads of April, three converted, four contacted; 100 and 200 EUR and 100 USD invoiced."""
    leads = {f"{n:012d}": Lead(is_converted=n <= 3, ttf=n if n <= 4 else None) for n in range(1, 11)}
    world = World(
        leads,
        {"erp/erp_invoice_line/1": Line(100), "erp/erp_invoice_line/2": Line(200, group="grp_2"),
         "erp/erp_invoice_line/3": Line(100, "USD", group="grp_3")},
        {name: [] for name in CONTRACTS},
        {},
    )  # fmt: skip
    for number in leads:
        world.lead_record(number, "d1")
    for number, line in zip("123", world.lines.values(), strict=True):
        world.line_record(number, "d1", line.amount)
    world.settings = settings_of("2026-04")
    return world


def settings_of(cycle: str) -> dict[str, str]:
    """Identity of the settings of a run of `cycle`."""
    end = date(int(cycle[:4]), int(cycle[5:]) + 1, 1)
    return {
        "cycle": cycle, "as_of": str(datetime(end.year, end.month, 1)), "cycle_end": str(end), "own_domains": "a",
        "conversion_window_days": "30", "conversation_min_s": "10", "timezone": "Europe/Paris",
        "reporting_currency": "EUR", "code_version": "c", "policy_version": "p",
    }  # fmt: skip


def following(world: World) -> World:
    """The same world at the publication of the next month, with a delivery that changes nothing."""
    after = copy.deepcopy(world)
    after.settings = settings_of("2026-05")
    after.deliveries = ["d1", "d2"]
    return after


def planted_definitions(**changed: dict[str, Any]) -> dict[str, Definition]:
    """The definitions of the planted metrics; `changed`: metric -> other fields."""
    return {name: replace(definitions()[name], **changed.get(name, {})) for name in METRICS}


def connected(world: World) -> duckdb.DuckDBPyConnection:
    """A connection that uses the world's tables as its warehouse."""
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'; attach ':memory:' as warehouse; use warehouse")
    for schema in ("metrics", "master", "conforming", "raw", "quality_dbt", "run", "marts"):
        con.execute(f"create schema {schema}")
    rates = {"EUR": "1"} | world.rates
    tables: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
        "metrics.fct_lead_cadences": (
            "lead_id varchar, account_id varchar, created_on date, is_dated boolean, is_matured boolean,"
            " is_converted_in_window boolean, n_touches bigint, ttf_hours decimal(18, 4), ttf_status_code varchar,"
            " is_older_24h boolean, is_contacted_24h boolean, channel_code varchar, size_band_code varchar,"
            " rep_id varchar, source_code varchar",
            [(f"lea_{n}", x.account, x.created, True, x.is_matured, x.is_converted, 0, x.ttf,
              "contacted" if x.ttf is not None else "never_contacted", True, False, x.channel, x.size, x.rep, "s")
             for n, x in world.leads.items()],
        ),
        "metrics.fct_revenue_lines": (
            "invoice_line_id varchar, account_id varchar, group_id varchar, period_month date, currency varchar,"
            " net_amount_reporting decimal(18, 4), size_band_code varchar, product_family varchar",
            [(key, "acc_x", x.group, x.month, x.currency, Decimal(x.amount) * Decimal(rates[x.currency]), x.size,
              x.product)
             for key, x in world.lines.items()],
        ),
        "metrics.fct_revenue_group_months": (
            "group_id varchar, period_month date, is_new_business boolean",
            sorted({(x.group, x.month, False) for x in world.lines.values()}),
        ),
        "master.xref_persons": (
            "record_key varchar, person_id varchar", [(key, f"per_{n}") for key, n in world.holders.items()]
        ),
        "master.fct_invoice_lines": ("invoice_line_id varchar, invoice_id varchar", [(k, "i") for k in world.lines]),
        "master.dim_dates": ("period_month date", [(MONTH,), (date(2026, 5, 1),)]),
        "conforming.int_month_rates": (
            "currency varchar, valid_from_month date, valid_to_month date, exchange_rate decimal(18, 8)",
            [(name, date(1900, 1, 1), date(9999, 12, 1), Decimal(rate)) for name, rate in rates.items()],
        ),
        "quality_dbt.dq_exclusions": (
            "contract varchar, record_key varchar, stream varchar, reason_code varchar",
            [(contract, key, "lead", reason) for contract, key, reason in world.left_out],
        ),
    }  # fmt: skip
    for name, (columns, rows) in tables.items():
        con.execute(f"create table {name} ({columns})")
        if rows:
            con.executemany(f"insert into {name} values ({', '.join('?' * len(rows[0]))})", rows)
    con.register("planted", world.cells())
    con.execute("create table marts.mart_management_kpis_month as select * from planted")
    con.unregister("planted")
    for contract, rows in world.records.items():
        con.register("planted", pa.Table.from_pylist(rows, schema=load_contracts()[contract].arrow_schema))
        con.execute(f"create table raw.{contract} as select * from planted")
        con.unregister("planted")
    return con


def left_behind(
    con: duckdb.DuckDBPyConnection, world: World, folder: Path, given: dict[str, Definition]
) -> Evidence:
    """The evidence of a publication of `world`."""
    held = [
        {"record_key": key, "golden_id": f"per_{number}", "valid_to": None}
        for key, number in world.holders.items()
    ]
    schema = pa.schema([("record_key", pa.string()), ("golden_id", pa.string()), ("valid_to", pa.date32())])
    matching = folder / "matching"
    matching.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(held, schema=schema), matching / "person_history.parquet")
    pq.write_table(schema.empty_table(), matching / "account_history.parquet")
    versions = {name: world.versions.get(name, "1") for name in given}
    told = {"publication_id": folder.name, "settings": world.settings, "deliveries": world.deliveries}
    return write_evidence(
        con, folder / "evidence", given.values(), versions, matching, folder / "dispositions.parquet", told
    )


def as_history(figures: dict[tuple[str, date], Fraction | None]) -> pa.Table:
    """Figures as the history of publications keeps them."""
    unit = {"leads_new": "count", "cr": "rate", "ttf_hours": "hours", "revenue_total": "money"}
    rows = [
        {"metric_name": name, "period_month": month, "unit_code": unit[name],
         "value": None if value is None else Decimal(value.numerator) / Decimal(value.denominator)}
        for (name, month), value in sorted(figures.items())
    ]  # fmt: skip
    types = [("metric_name", pa.string()), ("period_month", pa.date32()), ("unit_code", pa.string())]
    schema = pa.schema([*types, ("value", pa.decimal128(38, 10))])
    for row in rows:
        if row["value"] is not None:
            row["value"] = row["value"].quantize(Decimal("1e-10"))
    return pa.Table.from_pylist(rows, schema=schema)


def bridged(
    folder: Path,
    before: World,
    after: World,
    former: dict[str, Definition] | None = None,
    now: dict[str, Definition] | None = None,
) -> list[dict[str, Any]]:
    """Rows of kpi_bridge between two worlds."""
    return bridged_by_segment(folder, before, after, former, now)[0]


def bridged_by_segment(
    folder: Path,
    before: World,
    after: World,
    former: dict[str, Definition] | None = None,
    now: dict[str, Definition] | None = None,
    as_left: Callable[[Evidence], Evidence | None] = lambda evidence: evidence,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of kpi_bridge and of kpi_segment_bridge. as_left: what is found of the former evidence."""
    former, now = former or planted_definitions(), now or planted_definitions()
    with connected(before) as con:
        left = left_behind(con, before, folder / "before", former)
    with connected(after) as con:
        right = left_behind(con, after, folder / "after", now)
        whole, by_segment = compare(
            con,
            Compared("before", "after", as_left(left), right),
            as_history(before.figures()),
            as_history(after.figures()),
            Cells(before.cells(), after.cells()),
            now,
            folder / "after" / "dispositions.parquet",
        )
    return whole.to_pylist(), by_segment.to_pylist()
