"""Known truth of a demo company, computed from the clean world, never from the extracts.

Months, weeks and days are those of Paris, where the company is.
The pipeline never reads these files. What does NOT belong here: planted dirt (dirt.py, writing.py).
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv as pcsv

from ingest.demo import dirt
from ingest.demo.deals import EVIDENCE
from ingest.demo.scratch import Scratch
from ingest.demo.sizes import (
    CONVERSATION_MIN_S,
    DAY,
    LOCAL_AS_OF,
    WINDOW_DAYS,
    Size,
    months_before,
)
from ingest.demo.vocabulary import STAGE_CODES
from ingest.demo.writing import ExtractWriter

TAKEN_WITHIN_DAYS = 7  # what customer success has to touch a new customer


def write_truth(writer: ExtractWriter, size: Size, folder: Path) -> None:
    """All truth tables of the company into `folder` (Parquet, and CSV for the small ones)."""
    scratch = writer.scratch
    rows = writer.save_defects(folder / "defect_rows.parquet")
    pcsv.write_csv(dirt.summary(rows), folder / "defects.csv")
    _clusters(scratch)
    _lead_facts(scratch)
    _lead_metrics(scratch)
    _deal_metrics(scratch, size)
    _money_metrics(scratch, size)
    _mail_metrics(scratch)
    _effects(scratch)
    _customer_handoffs(scratch)
    _deliveries(scratch, size)
    for table, order in (
        ("entity_clusters", "entity, contract, source_record_id"), ("account_groups", "true_id"),
        ("mrr_accounts", "true_id, period_month"),
        ("kpi_values", "metric_name, grain, dimension, period_start"), ("lead_truth", "true_id"),
    ):  # fmt: skip
        scratch.run(
            f"copy (select * from {table} order by {order}) to '{folder}/{table}.parquet' (format parquet)"
        )
    for table, order in (
        ("planted_effects", "effect, x"),
        ("reconciliation", "period_month"),
        ("deliveries", "kind"),
        ("handoff_truth", "opportunity_id"),
    ):
        scratch.run(f"copy (select * from {table} order by {order}) to '{folder}/{table}.csv' (header)")


def _clusters(scratch: Scratch) -> None:
    """strong_key: a strong key, or a link made by the CRM, ties the record to the rest of its cluster.

    is_gone: deleted in the CRM without a survivor, so that no golden record should show it.
    """
    scratch.run("""
        create or replace table entity_clusters as
        with account_rows as (
          select 'account' as entity, 'crm' as source_instance, 'crm_account' as contract,
            account_id(account_no) as source_record_id,
            'A' || code(acc, 8) as true_id, kind <> 'no_strong_key' as strong_key, false as is_gone
            from sf_accounts
          union all
          select 'account', 'crm', 'crm_lead', lead_id(l.lead_no), 'A' || code(l.acc, 8),
            p.mail_kind in (0, 2) and l.kind in ('original', 'same_mail') or l.siren is not null or
              l.converted > 0
              or (l.kind = 'same_mail' and l.master_no is not null),
            l.deleted_s > 0 and l.master_no is null
          from sf_leads l join persons p using (per)
          union all
          select 'account', 'erp', 'erp_customer', code_text, 'A' || code(acc, 8), true, false
          from customers),
        person_rows as (
          select 'person', 'crm', 'crm_lead', lead_id(lead_no), 'P' || code(per, 8), kind <> 'no_strong_key',
            deleted_s > 0 and master_no is null from sf_leads where per >= 0
          union all
          select 'person', 'crm', 'crm_contact', contact_id(contact_no), 'P' || code(per, 8), true,
            false from sf_contacts)
        select * from account_rows union all select * from person_rows;
        create or replace table account_groups as
        select 'A' || code(acc, 8) as true_id, 'A' || code(r.root_acc, 8) as group_true_id, name, size_code,
          is_strategic
        from companies join as_is_roots r using (acc)""")


def _lead_facts(scratch: Scratch) -> None:
    # Effective: an answered conversation (even one only the CRM logged), a delivered mail, a meeting.
    scratch.run(f"""
        create or replace table lead_truth as
        with t as (
          select g.per, count(*) filter (where t.at_s >= g.created and t.at_s < g.created +
            {WINDOW_DAYS * DAY}) as n_touches,
            min(t.at_s) filter (where (t.kind in (0, 2, 7) and t.talk_s >= {CONVERSATION_MIN_S}) or t.kind in
              (3, 5)) as effective
          from golden_leads g join touches t using (per) group by g.per)
        select 'P' || code(g.per, 8) as true_id, 'A' || code(g.acc, 8) as account_true_id, g.size_code,
          g.channel,
          instant(g.created) as created_at, cast(instant(paris(g.created)) as date) as created_on,
          case when g.converted > 0 then cast(instant(paris(g.converted)) as date) end as converted_on,
          coalesce(t.n_touches, 0) as n_touches, case when t.effective is not null then instant(t.effective)
            end as first_effective_at,
          (t.effective - g.created) / 3600.0 as ttf_hours, g.created + {WINDOW_DAYS * DAY} <= {LOCAL_AS_OF} as
            is_matured,
          g.created + {DAY} <= {LOCAL_AS_OF} as is_older_24h,
          g.converted > 0 and g.converted < {LOCAL_AS_OF} and paris(g.converted) // {DAY} - paris(g.created) //
            {DAY} between 0 and {WINDOW_DAYS} as is_converted_in_window,
          true as is_person
        from golden_leads g left join t using (per)
        union all  -- what a match on strong keys alone would take for one more lead
        select 'R' || code(lead_no, 8), 'A' || code(acc, 8), '', '', instant(created),
          cast(instant(paris(created)) as date), null, 0, null, null,
          created + {WINDOW_DAYS * DAY} <= {LOCAL_AS_OF}, created + {DAY} <= {LOCAL_AS_OF}, false, false
        from sf_leads where kind = 'no_strong_key'""")


def _lead_metrics(scratch: Scratch) -> None:
    """value counts true persons; value_strong_keys counts unmatched duplicates as leads of their own."""
    scratch.run("""
        create or replace table kpi_values (metric_name varchar, grain varchar, period_start date, dimension
          varchar, value double,
          numerator double, denominator double, value_strong_keys double)""")
    matured, older = "where is_matured", "where is_older_24h"
    for name, numerator, denominator in (
        ("leads_new", "count(*)", "1"),
        ("cr", f"count(*) filter ({matured} and is_converted_in_window)", f"count(*) filter ({matured})"),
        ("touches_per_lead", "sum(n_touches)", "count(*)"),
        ("touches_per_lead_matured", f"sum(n_touches) filter ({matured})", f"count(*) filter ({matured})"),
        (
            "contacted_24h_rate",
            f"count(*) filter ({older} and ttf_hours <= 24)",
            f"count(*) filter ({older})",
        ),
        ("ttf_hours", "median(ttf_hours)", "1"),
        ("ttf_hours_mean", "sum(ttf_hours)", "count(ttf_hours)"),
    ):  # fmt: skip
        scratch.run(f"""
            insert into kpi_values
            with a as (select date_trunc('month', created_on) as m, cast({numerator} as double) as n,
              cast({denominator} as double) as d
              from lead_truth where is_person group by 1),
            s as (select date_trunc('month', created_on) as m, cast({numerator} as double) as n,
              cast({denominator} as double) as d
              from lead_truth group by 1)
            select '{name}', 'month', cast(m as date), null, a.n / nullif(a.d, 0), a.n, a.d, s.n /
              nullif(s.d, 0) from s left join a using (m)""")


def _deal_metrics(scratch: Scratch, size: Size) -> None:
    codes = ", ".join(f"'{c}'" for c in STAGE_CODES)
    scratch.run(f"""
        insert into kpi_values
        select 'win_rate_close', 'month', date_trunc('month', instant(paris(closed))), null, avg((status =
          'won')::int),
          count(*) filter (where status = 'won'), count(*), null
        from opps where status <> 'open' group by 3;
        insert into kpi_values
        select name, 'month', m, null, median(v), sum(v), count(*), null from (
          select date_trunc('month', instant(paris(closed))) as m, 'sales_cycle_days' as name, paris(closed) // {DAY} -
            paris(opened) // {DAY} as v from opps where status = 'won'
          union all select date_trunc('month', instant(paris(closed))), 'sales_cycle_days_elapsed', (closed // {DAY}
            * {DAY} - opened) / {DAY}.0
          from opps where status = 'won') group by 1, 3;
        create or replace table stage_truth as
        with reached as (
          select o.opp, o.status, r.rung, min(c.at_s) filter (where c.stage >= r.rung and c.stage <= 7) as
            entered,
            bool_or(c.stage > r.rung and c.stage <= 7) as reached_next
          from opps o join opp_changes c using (opp), range(1, 7) r(rung) where not o.is_deleted and c.at_s <
            {LOCAL_AS_OF} group by all)
        select *, [{codes}][rung] as stage_code from reached where entered is not null;
        insert into kpi_values
        select name, 'month', date_trunc('month', instant(paris(entered))), stage_code, avg(reached_next::int),
          count(*) filter (where reached_next), count(*), null
        from (select *, 'stage_conversion' as name from stage_truth union all
          select *, 'stage_conversion_closed' from stage_truth where status <> 'open') group by name, 3,
            stage_code;
        insert into kpi_values
        select name, 'all', null, stage_code, avg(reached_next::int), count(*) filter (where reached_next),
          count(*), null
        from (select *, 'stage_conversion' as name from stage_truth union all
          select *, 'stage_conversion_closed' from stage_truth where status <> 'open') group by name,
            stage_code""")
    asked = ", ".join(f"({n}, {rung})" for n, rung in enumerate(EVIDENCE.values()))
    if size.has_sheets:
        scratch.run(f"""
            insert into kpi_values
            with gates as (
              select s.opp, s.stage_code, date_trunc('month', instant(paris(s.entered))) as m,
                bool_or(lacks_evidence(s.opp, a.n)) as lacks
              from stage_truth s join (values {asked}) a(n, rung) using (rung) group by all)
            select 'gate_without_evidence_rate', 'month', m, stage_code, avg(lacks::int), count(*) filter (where lacks),
              count(*), null from gates group by m, stage_code""")


def _money_metrics(scratch: Scratch, size: Size) -> None:
    months = size.event_months
    new_business_from = months_before(size.first_revenue_month, -12)  # twelve months of revenue before it
    scratch.run(f"""
        create or replace table revenue_truth as
        select i.period_month, c.root_acc, sum(l.net * i.rate) as revenue
        from invoices i join invoice_lines l using (inv) join as_is_roots c using (acc) group by all;
        insert into kpi_values
        select 'revenue_total', 'month', cast(period_month || '-01' as date), null, sum(revenue),
          sum(revenue), null, null from revenue_truth group by 3;
        insert into kpi_values
        select 'revenue_new_business', 'month', cast(period_month || '-01' as date), null,
          coalesce(sum(revenue) filter (where is_new), 0), coalesce(sum(revenue) filter (where is_new), 0),
            sum(revenue), null
        from (select r.*, not exists (select 1 from revenue_truth b where b.root_acc = r.root_acc and
          b.period_month < r.period_month
            and cast(b.period_month || '-01' as date) >= cast(r.period_month || '-01' as date) - interval 12
              month) as is_new
          from revenue_truth r)
        where period_month >= '{new_business_from}' group by 3;
        create or replace table mrr_accounts as
        with spans as (select unnest({size.subscription_months}) as period_month),
        known as (select c.acc, m.period_month, sum(m.mrr) as mrr from mrr_months m join customers c using
          (cust) group by all),
        grid as (select acc, s.period_month, coalesce(k.mrr, 0) as mrr from (select distinct acc from known)
          a cross join spans s
          left join known k using (acc, period_month)),
        moved as (select *, coalesce(lag(mrr) over w, 0) as opening, coalesce(max(mrr) over (partition by acc
          order by period_month
            rows between unbounded preceding and 1 preceding), 0) > 0 as ever from grid window w as
              (partition by acc order by period_month))
        select 'A' || code(acc, 8) as true_id, period_month, cast(opening as double) as opening_mrr, cast(mrr
          as double) as closing_mrr,
          case when mrr = opening then 'none' when opening = 0 and not ever then 'new' when opening = 0 then
            'reactivation'
            when mrr = 0 then 'churn' when mrr > opening then 'expansion' else 'contraction' end as movement
        from moved where mrr > 0 or opening > 0;
        insert into kpi_values
        select 'mrr', 'month', cast(period_month || '-01' as date), null, sum(closing_mrr), sum(closing_mrr),
          null, null
        from mrr_accounts where period_month in (select unnest({months})) group by 3;
        insert into kpi_values
        select 'mrr_' || k, 'month', cast(period_month || '-01' as date), null, coalesce(sum(closing_mrr -
          opening_mrr) filter (where movement = k), 0),
          null, count(*) filter (where movement = k), null
        from mrr_accounts, (select unnest(['new', 'reactivation', 'expansion', 'contraction', 'churn']) as k)
        where period_month in (select unnest({months})) group by k, 3""")


def _mail_metrics(scratch: Scratch) -> None:
    scratch.run(f"""
        insert into kpi_values
        select 'complaint_rate', 'week', date_trunc('week', instant(paris(sent_s))), null,
          count(*) filter (where complained) / nullif(count(*) filter (where fate = 0), 0),
          count(*) filter (where complained), count(*) filter (where fate = 0), null
        from (select *, complaint_s > 0 and complaint_s < {LOCAL_AS_OF} as complained from mails
          where sent_s < {LOCAL_AS_OF})
        group by 3""")


def _effects(scratch: Scratch) -> None:
    """The curves of the two mini-cases as they came out, on matured leads."""
    scratch.run("""
        create or replace table planted_effects as
        with l as (select t.*, v.is_m1, v.is_vip_case, v.has_warm_intro, v.is_extreme, t.size_code =
          'enterprise' as is_m2
          from lead_truth t join lead_lives v on t.true_id = 'P' || code(v.per, 8) where t.is_matured and
            t.is_person),
        mean as (select avg(n_touches) as touches from l where is_m1)
        select 'm1_conversion_by_touches' as effect, cast(least(n_touches, 12) as varchar) as x, count(*) as
          n,
          count(*) filter (where is_converted_in_window) as k, avg(is_converted_in_window::int) as value from
            l where is_m1 group by 2
        union all
        select 'm1_q1_share_ttf_within_2h', '', count(*), count(*) filter (where is_converted_in_window and
          n_touches >= touches),
          avg((is_converted_in_window and n_touches >= touches)::int) from l, mean where is_m1 and ttf_hours
            <= 2
        union all
        select 'm1_q1_share_slower', '', count(*), count(*) filter (where is_converted_in_window and
          n_touches >= touches),
          avg((is_converted_in_window and n_touches >= touches)::int) from l, mean where is_m1 and
            coalesce(ttf_hours, 1e9) > 2
        union all
        select 'm2_conversion_by_touches', code(least(n_touches, 16), 2), count(*), count(*) filter (where
          is_converted_in_window),
          avg(is_converted_in_window::int) from l where is_m2 and not is_vip_case group by 2
        union all
        select 'm2_vip_cluster', '', count(*), count(*) filter (where is_converted_in_window),
          avg(is_converted_in_window::int)
        from l where is_vip_case group by 2 having count(*) > 0
        union all
        select 'm2_beyond_8_touches', case when has_warm_intro then 'warm intro' else 'no warm intro' end,
          count(*),
          count(*) filter (where is_converted_in_window), avg(is_converted_in_window::int)
        from l where is_m2 and not is_vip_case and n_touches > 8 group by 2
        union all
        select 'extreme_cadence_lead', true_id, 1, n_touches, n_touches from l where n_touches >= 30""")


def _customer_handoffs(scratch: Scratch) -> None:
    """Deals won that are no renewal, and the first meeting of customer success with their company since.

    The CRM says nobody's date of hire: before the first meeting of all, nobody of customer success is there.
    """
    scratch.run(f"""
        create or replace table handoff_truth as
        with met as (
          select p.acc, paris(m.start_s) // {DAY} as day from meetings m join success_team using (seller)
          join persons p using (per)),
        won as (select opp, acc, paris(closed) // {DAY} as day from opps
          where status = 'won' and type_code <> 'renewal'),
        since as (
          select w.opp, w.acc, w.day, min(m.day) as met_day from won w
          left join met m on m.acc = w.acc and m.day >= w.day group by all)
        select opp_id(opp) as opportunity_id, 'A' || code(acc, 8) as account_true_id,
          cast(instant(day * {DAY}) as date) as won_on,
          case when day >= (select min(day) from met) then met_day - day end as lag_days,
          coalesce(day >= (select min(day) from met), false) as has_team,
          coalesce(day >= (select min(day) from met) and day + {TAKEN_WITHIN_DAYS} < {LOCAL_AS_OF} // {DAY} + 1
            and coalesce(met_day - day > {TAKEN_WITHIN_DAYS}, true), false) as is_lost
        from since""")


def _deliveries(scratch: Scratch, size: Size) -> None:
    scratch.run("""
        create or replace table deliveries as select * from (values
          ('late', 'telephony/2026-06/Master_late_2026-04.csv', 'legs of April 2026 delivered in June'),
          ('re-sent', 'mailing/2026-06/events_resent.jsonl', 'same bytes as mailing/2026-05/events.jsonl'),
          ('corrected', 'erp/2026-06/factures_corrections_2026-05.csv',
            'documents of May 2026 delivered with amounts 10 % too high'),
          ('corrected', 'erp/2026-06/lignes_factures_corrections_2026-05.csv', 'their lines')) t(kind, file,
            what)""")
