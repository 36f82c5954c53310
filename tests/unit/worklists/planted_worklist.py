"""A company just after its rules: a small warehouse, failing rows, and what earlier publications knew.

What does NOT belong here: what must be true of the worklist (test_*.py).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from planted_candidate import COMPANY_YML, SETTINGS

from expectations.results import RuleResult, write_results
from expectations.runner import FAILURES
from ingest.controls_result import CONTROL_SCHEMA, ControlResult
from orchestration.settings import write_settings
from orchestration.worklists.building import WorklistCounts, build_worklist
from orchestration.worklists.history import promote_worklist
from orchestration.worklists.schema import WORKLIST_FILE

CONTROL_FAILURES = (
    "control_id",
    "contract",
    "source_instance",
    "record_key",
    "field",
    "_delivery_id",
    "reason_code",
)
LEDGER_TERMS = ("source_instance", "_delivery_id", "contract", "term", "name", "value")
#: (rule, table, record key, field, owner, delivery)
WON_WITHOUT_AMOUNT = ("R-CRM-010", "staging.stg_crm__opportunities", "crm/crm_opportunity/o1", None,
                      "sales_operations", "may")  # fmt: skip
BAD_SIREN = ("R-CRM-012", "staging.stg_erp__customers", "erp/erp_customer/c1", "registration_number", "data_steward",
             "may")  # fmt: skip
NO_NUMBER = ("R-TEL-003", "staging.stg_telephony__call_legs", "pbx/telephony_call_leg/9", "external_phone",
             "telephony", "june")  # fmt: skip
LOGGED = ("R-FCT-003", "master.fct_touches", "activity:crm/crm_activity/x1", None, "sales_operations", None)
A_MONTH = ("R-LED-002", "master.fct_ledger_revenues", "2026-05-01", None, "finance", None)
NO_CONTACT_POINT = (
    "R-CRM-002",
    "staging.stg_crm__leads",
    "crm/crm_lead/=1+1",
    None,
    "sales_operations",
    "june",
)
LEGS = tuple(("R-ERP-025", "staging.stg_erp__ledger_entries", f"ledger/erp_ledger_entry/{n}", None, "finance", None)
             for n in (1, 2, 3))  # fmt: skip
PAYMENT = ("R-ERP-019", "staging.stg_erp__payments", "erp/erp_payment/p1", None, "finance", None)
ALL = (WON_WITHOUT_AMOUNT, BAD_SIREN, NO_NUMBER, LOGGED, A_MONTH, NO_CONTACT_POINT)

_TABLES = {
    "collect.deliveries": "select * from (values ('may', 'crm', 'crm/2026-05/a.csv', date '2026-05-31'),"
    " ('june', 'crm', 'crm/2026-06/a.csv', date '2026-06-28'), ('june_erp', 'erp', 'erp/2026-06/c.csv',"
    " date '2026-06-20'), ('june_pbx', 'pbx', 'pbx/2026-06/p.csv', date '2026-06-30'))"
    " as t(_delivery_id, source_instance, file_path, delivered_on)",
    "run.settings": "select 'EUR' as reporting_currency,"
    " date '2026-06-01' as cycle_start, date '2026-07-01' as cycle_end",
    "master.fct_opportunities": "select * from (values"
    " ('crm/crm_opportunity/o1', 'acc_1', 'unknown', false, true, null),"
    " ('crm/crm_opportunity/o2', 'acc_1', 'unknown', true, false, 700.0))"
    " as t(opportunity_id, account_id, lead_id, is_open, is_won, amount_reporting)",
    "master.fct_invoice_lines": "select * from (values ('erp/erp_invoice/i1', 'erp/erp_invoice_line/l1', 'acc_1',"
    " date '2026-01-10', 1000.0, false, 'USD', 0.8::decimal(18, 8)),"
    " ('erp/erp_invoice/i0', 'erp/erp_invoice_line/l0', 'acc_1', date '2025-01-10',"
    " 9000.0, false, 'USD', 0.8))"
    " as t(invoice_id, invoice_line_id, account_id, invoiced_on, net_amount_reporting, is_intercompany, currency,"
    " exchange_rate)",
    "master.fct_subscription_months": "select 'acc_1' as account_id, date '2026-06-01' as period_month, 50.0 as mrr",
    "master.xref_accounts": "select 'erp/erp_customer/c1' as record_key, 'acc_1' as account_id",
    "master.xref_persons": "select 'crm/crm_lead/=1+1' as record_key, 'per_1' as person_id",
    "master.dim_persons": "select 'per_1' as person_id, 'lea_1' as lead_id, 'unknown' as account_id",
    "master.dim_reps": "select 'crm/crm_user/u1' as rep_id",
    "staging.stg_crm__opportunities": "select 'crm' as source_instance, 'crm/crm_opportunity/o1' as record_key,"
    " 'u1' as owner_id",
    "staging.stg_crm__leads": "select 'crm' as source_instance, 'crm/crm_lead/=1+1' as record_key,"
    " 'gone' as owner_id",
    "staging.stg_crm__accounts": "select 'crm' as source_instance, 'crm/crm_account/a1' as record_key,"
    " 'gone' as owner_id",
    "staging.stg_crm__activities": "select 'crm' as source_instance, 'crm/crm_activity/x1' as record_key,"
    " 'u1' as owner_id, 'may' as _delivery_id",
    # one entry of three legs: 120 owed, 100 sold, 20 of tax
    "staging.stg_erp__ledger_entries": "select 'ledger' as source_instance, 'ledger/erp_ledger_entry/' || leg as"
    " record_key, 'VE' as journal_code, date '2026-06-02' as entry_date, 'V1' as entry_number, debit, credit,"
    " 'june_erp' as _delivery_id from (values (1, 120.0, 0.0), (2, 0.0, 100.0), (3, 0.0, 20.0))"
    " as t(leg, debit, credit)",
    "staging.stg_erp__payments": "select 'erp' as source_instance, 'erp/erp_payment/p1' as record_key,"
    " 'i1' as invoice_id, 25000000.0::decimal(18, 4) as amount, 'usd' as currency, 'june_erp' as _delivery_id",
}


class Site:
    """One company directory whose runs are written by hand."""

    def __init__(self, root: Path) -> None:
        self.root, self.work, self.published = root, root / "work", root / "published"
        for folder in ("collect", "quality", "run", "tmp"):
            (self.work / folder).mkdir(parents=True)
        (root / "company.yml").write_text(COMPANY_YML)
        with duckdb.connect(str(self.work / "warehouse.duckdb")) as con:
            for name, select in _TABLES.items():
                con.execute(f"create schema if not exists {name.split('.')[0]}")
                con.execute(f"create table {name} as {select}")
            con.execute(f"copy collect.deliveries to '{self.work}/collect/deliveries.parquet'")
            con.execute(
                f"copy (select 'june' as _delivery_id, 'crm' as source_instance, 'crm_lead' as contract,"
                " cast(7 as bigint) as _source_row_id, 0 as _record_part, 'quarantined' as disposition,"
                " 'required_value_missing' as reason_code union all select 'june', 'crm', 'crm_lead', 8, 0,"
                f" 'superseded', 'superseded_by_newer') to '{self.work}/collect/dispositions.parquet'"
            )
            con.execute(
                f"copy (select 'june_erp' as _delivery_id, cast(4 as bigint) as _source_row_id, 'unclosed_quote' as"
                f" reason_code) to '{self.work}/collect/quarantine_lines.parquet'"
            )
            con.execute(
                "copy (select * from (values ('june_erp', 'erp_customer', 'C', 'records_in', 90), ('june_erp',"
                " 'crm_account', 'C', 'records_in', 3)) as t(_delivery_id, contract, term, name, value))"
                f" to '{self.work}/collect/ledger_terms.parquet'"
            )

    def run(self, failing: tuple, cycle: str = "2026-06", *, unassessed: tuple[str, ...] = (),
            withdrawn: tuple[str, ...] = (), controls: tuple = ()) -> WorklistCounts:  # fmt: skip
        """What a run leaves after its rules, and its worklist. failing: rows as above; controls: keys of accounts."""
        month = dt.date.fromisoformat(f"{cycle}-01")
        end = (month + dt.timedelta(days=32)).replace(day=1)
        write_settings(replace(SETTINGS, cycle=cycle, cycle_start=month, cycle_end=end), self.work)
        rows = [
            {"cycle": cycle, "rule_id": rule, "table_name": table, "record_key": key, "field": field, "owner": owner,
             "_delivery_id": delivery, "reason_code": "planted", "layer": "raw", "action": "keep_flagged"}
            for rule, table, key, field, owner, delivery in failing
        ]  # fmt: skip
        pq.write_table(
            pa.Table.from_pylist(rows, schema=FAILURES), self.work / "quality" / "rule_failures.parquet"
        )
        write_results(
            [_result(rule, table, unassessed) for rule, table, *_ in ALL if rule not in withdrawn],
            self.work / "quality" / "rule_results.parquet",
        )
        flagged = [
            dict(zip(CONTROL_FAILURES, ("crm/order", "crm_account", "crm", key, "modified_at", "may", "date_order"),
                     strict=True))
            for key in controls
        ]  # fmt: skip
        schema = pa.schema([(name, pa.string()) for name in CONTROL_FAILURES])
        pq.write_table(
            pa.Table.from_pylist(flagged, schema=schema), self.work / "collect" / "control_failures.parquet"
        )
        measured = ControlResult(
            "crm", "order", "order", "warn", "warn", "order", contract="crm_account"
        ).row()
        table = pa.Table.from_pylist([measured], schema=CONTROL_SCHEMA)
        pq.write_table(table, self.work / "collect" / "control_results.parquet")
        return build_worklist(self.work, self.published)

    def publish(self, cycle: str = "2026-06") -> None:
        promote_worklist(self.work, self.published, cycle)

    def items(self, *columns: str) -> dict[str, tuple]:
        """rule id -> the columns of its one item."""
        return {
            row["rule_id"]: tuple(row[name] for name in columns)
            for row in pq.read_table(self.work / WORKLIST_FILE).to_pylist()
        }


def _result(rule: str, table: str, unassessed: tuple[str, ...]) -> RuleResult:
    status = "not_assessed" if rule in unassessed else "warn"
    return RuleResult(rule, "raw", table, "warning", status, 10, 1, None, Decimal(0))
