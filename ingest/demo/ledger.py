"""The French statutory ledger (FEC): balanced, its revenue that of the invoices up to planted differences.

What does NOT belong here: the invoices themselves (billing.py, erp.py).
"""

from __future__ import annotations

import datetime as dt

from ingest.demo.companies import own_siren
from ingest.demo.scratch import Scratch
from ingest.demo.sizes import AS_OF, CYCLE, DAY, Size, epoch
from ingest.demo.writing import ExtractWriter, separated

FOLDER = "ledger"
LYING_YEAR, LYING_NAME = (
    2025,
    "20251130",
)  # the name of this file says November, the year was closed in December
COLUMNS = [
    *("JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum"),
    *("CompAuxLib", "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet"),
    "ValidDate",
]
CAUSES = ("missing_in_ledger", "booked_next_month", "manual_entry", "vat_in_revenue_class")


def fiscal_years(size: Size) -> list[tuple[str, str, str]]:
    """First day, day after the last and date in the file name of each ledger; what the revenue begins in is cut."""
    first, last = int(size.first_revenue_month[:4]), int(CYCLE[:4])
    years = []
    for year in range(first, last + 1):
        begin = f"{size.first_revenue_month}-01" if year == first else f"{year}-01-01"
        end = f"{year + 1}-01-01" if year < last else str(dt.date(1970, 1, 1) + dt.timedelta(seconds=AS_OF))
        closed = (dt.date.fromisoformat(end) - dt.timedelta(days=1)).strftime("%Y%m%d")
        years.append((begin, end, LYING_NAME if year == LYING_YEAR else closed))
    return years


def make_ledger(scratch: Scratch, size: Size) -> None:
    """Tables fec (one row per line) and reconciliation (revenue of both sides and differences by cause)."""
    years = fiscal_years(size)
    months = f"generate_series(date '{years[0][0]}', date '{CYCLE}-01', interval 1 month)"
    openings = ", ".join(f"('{begin}')" for begin, _, _ in years[1:])
    scratch.run(f"""
        create or replace table booked as
        select d.inv, d.number_text, d.customer, d.type, d.currency, d.rate, d.acc,
          case when d.inv % 331 = 17 and d.period_month < '2026-06' and d.counts and not d.is_intercompany
            then day_no(date_trunc('month', instant(d.day * {DAY})) + interval 1 month) else d.day end as
              book_day,
          d.day, d.inv % 331 = 17 and d.period_month < '2026-06' and not d.is_intercompany as is_shifted,
            d.net, d.tax, d.paid_day,
          coalesce(k.name, case when d.customer = 'G000001' then 'Étalon Services Belgique'
            else 'Étalon Conseil Suisse' end) as name
        from erp_documents d left join companies k using (acc)
        where d.counts and not (d.inv % 577 = 29 and not d.is_intercompany);
        create or replace table booked_lines as
        select b.inv, l.line_number, l.product, l.net, cast(round(l.net * b.rate, 2) as decimal(18,2)) as eur,
          case when l.product like 'LIC%' or l.product like 'MOD%' then '70610000' when l.product like 'SRV%'
            then '70600000'
            when l.product = 'PORT' then '70850000' else '70700000' end as account
        from booked b join erp_lines l using (inv);
        create or replace table fec as
        with sums as (select inv, sum(eur) as eur, cast(round(any_value(b.tax) * any_value(b.rate), 2) as
          decimal(18,2)) as tax
          from booked_lines join booked b using (inv) group by inv),
        ve as (
          select b.book_day as day, 'VE' as journal, 'VE' || code(b.inv, 8) as num, 0 as ord, '41100000' as
            account, 'Clients' as account_name,
            b.customer as aux, b.name as aux_name, b.number_text as piece, b.day as piece_day, b.type || ' '
              || b.number_text as lib,
            s.eur + s.tax as signed, case when b.paid_day > 0 and b.paid_day < {AS_OF // DAY} then 'L' ||
              code(b.inv, 6) end as letter,
            case when b.paid_day > 0 and b.paid_day < {AS_OF // DAY} then b.paid_day end as letter_day,
            case when b.currency <> 'EUR' then b.net + b.tax end as foreign_amount, case when b.currency <>
              'EUR' then b.currency end as foreign_code
          from booked b join sums s using (inv)
          union all
          select b.book_day, 'VE', 'VE' || code(b.inv, 8), l.line_number, l.account, 'Ventes', null, null,
            b.number_text, b.day,
            b.type || ' ' || b.number_text, -l.eur, null, null, null, null from booked b join booked_lines l
              using (inv)
          union all
          select b.book_day, 'VE', 'VE' || code(b.inv, 8), 99, '44571000', 'TVA collectée', null, null,
            b.number_text, b.day,
            b.type || ' ' || b.number_text, -s.tax, null, null, null, null from booked b join sums s using
              (inv) where s.tax <> 0),
        bq as (
          select b.paid_day as day, 'BQ', 'BQ' || code(b.inv, 8), o, case o when 0 then '51200000' else
            '41100000' end,
            case o when 0 then 'Banque' else 'Clients' end, case o when 1 then b.customer end, case o when 1
              then b.name end, b.number_text, b.paid_day,
            'Règlement ' || b.number_text, case o when 0 then 1 else -1 end * (s.eur + s.tax), case o when 1
              then 'L' || code(b.inv, 6) end,
            case o when 1 then b.paid_day end, null, null
          from booked b join sums s using (inv), (select unnest([0, 1]) as o) where b.paid_day > 0 and
            b.paid_day < {AS_OF // DAY}
            and b.paid_day >= b.book_day),
        ha as (
          select day_no(m) + 10 + n, 'HA', 'HA' || strftime(m, '%Y%m') || n, o, ['60700000', '44566000',
            '40100000'][o + 1],
            ['Achats de marchandises', 'TVA déductible', 'Fournisseurs'][o + 1], case o when 2 then 'F' ||
              code(n + 1, 6) end,
            case o when 2 then 'Fournisseur ' || (n + 1) end, 'HA' || n, day_no(m) + 8 + n, 'Achat', [1000,
              200, -1200][o + 1] * (n + 1), null, null, null, null
          from (select unnest({months}) as m),
            range(4) t(n), range(3) u(o)),
        od as (  -- entry number 0 everywhere; two equal lines; a clearing account that nets to nil
          select day_no(m) + 26, 'OD', '0', o, ['70100000', '70100000', '62700000', '62700000', '51200000'][o
            + 1],
            ['Compte de passage', 'Compte de passage', 'Frais bancaires', 'Frais bancaires', 'Banque'][o +
              1], null, null, 'OD' || strftime(m, '%m%y'),
            {epoch("1900-01-01") // DAY}, 'Opérations diverses', [400, -400, 12.5, 12.5, -25][o + 1], null,
              null, null, null
          from (select unnest({months}) as m),
            range(5) u(o)
          union all  -- revenue booked by hand without an invoice, and VAT corrected inside class 70
          select day_no(d), 'OD', '0', 10 + o, case when o = 0 then a else '46700000' end, case when o = 0
            then 'Régularisation'
            else 'Débiteurs divers' end, null, null, 'REG', {epoch("1900-01-01") // DAY}, case when a =
              '70600000' then 'Produit manuel' else 'TVA SUR VENTES' end,
            case when o = 0 then 1 else -1 end * v, null, null, null, null
          from (values ('2025-05-14', '70600000', -640.00), ('2026-02-11', '70600000', -1150.00),
            ('2025-12-30', '70705000', 820.00)) t(d, a, v), range(2) u(o)),
        an as (
          select day_no(d), 'AN', 'AN1', o, ['51200000', '41100000', '10100000'][o + 1], ['Banque',
            'Clients', 'Capital'][o + 1],
            case o when 1 then 'C000001' end, case o when 1 then 'Solde d''ouverture' end, 'AN', day_no(d),
              'À-nouveau',
            [60000, 4000, -64000][o + 1], null, null, null, null
          from (values {openings}) t(d), range(3) u(o))
        select row_number() over (order by day, journal, num, ord) - 1 as fec_no, * from
          (select * from ve union all select * from bq union all select * from ha union all select * from od
            union all select * from an)
        order by fec_no;
        create or replace table reconciliation as
        with erp as (select period_month, sum(round(l.net * d.rate, 2)) as v from erp_documents d join
          erp_lines l using (inv) where d.counts group by 1),
        led as (select strftime(instant(day * {DAY}), '%Y-%m') as period_month, -sum(signed) as v from fec
          where account like '70%' group by 1),
        missing as (select d.period_month, -sum(round(l.net * d.rate, 2)) as v from erp_documents d join
          erp_lines l using (inv)
          where d.counts and d.inv not in (select inv from booked) group by 1),
        moved as (select period_month, sum(v) as v from (
          select strftime(instant(b.day * {DAY}), '%Y-%m') as period_month, -l.eur as v from booked b join
            booked_lines l using (inv) where b.is_shifted
          union all select strftime(instant(b.book_day * {DAY}), '%Y-%m'), l.eur from booked b join
            booked_lines l using (inv) where b.is_shifted) group by 1)
        select period_month, cast(erp.v as decimal(18,2)) as erp_revenue, cast(led.v as decimal(18,2)) as
          ledger_revenue,
          cast(coalesce(missing.v, 0) as decimal(18,2)) as {CAUSES[0]}, cast(coalesce(moved.v, 0) as
            decimal(18,2)) as {CAUSES[1]},
          cast(case period_month when '2025-05' then 640 when '2026-02' then 1150 else 0 end as
            decimal(18,2)) as {CAUSES[2]},
          cast(case period_month when '2025-12' then -820 else 0 end as decimal(18,2)) as {CAUSES[3]}
        from erp full join led using (period_month) left join missing using (period_month) left join moved
          using (period_month)
        order by period_month""")


def write_ledger(writer: ExtractWriter, size: Size) -> None:
    """One FEC per fiscal year; the first is short, zero-padded, with CR CR LF and another header spelling."""
    for index, (first, end, name) in enumerate(fiscal_years(size)):
        amount = "replace(cast(cast({0} as decimal(18,2)) as varchar), '.', ',')"
        if index == 0:
            amount = f"lpad({amount}, 13, '0')"
        date = f"strftime(instant({{0}} * {DAY}), '%Y%m%d')"
        line = separated(
            "\t",
            "journal",
            "case journal when 'VE' then 'Ventes' when 'BQ' then 'Banque' when 'HA' then 'Achats' "
            "when 'AN' then 'À-nouveaux' else 'Opérations diverses' end",
            "num",
            date.format("day"),
            "account",
            "account_name",
            "aux",
            "left(aux_name, 18)",
            "piece",
            date.format("piece_day"),
            "lib",
            amount.format("greatest(signed, 0)"),
            amount.format("greatest(-signed, 0)"),
            "letter",
            f"case when letter_day is not null then {date.format('letter_day')} end",
            f"case when day < {epoch('2026-06-01') // DAY} then {date.format('day')} end",
            "case when foreign_amount is not null then " + amount.format("foreign_amount") + " end",
            "foreign_code",
        )
        query = f"""
          select {line} as line, nullif(concat_ws(',', case when journal = 'OD' then '4,22' end, case when
            ord in (2, 3) and journal = 'OD' then '2' end,
            case when length(aux_name) > 18 then '6' end, case when {index} = 0 then '13' end, case when
              account like '701%' or account like '70705%' then '29' end,
            case when journal = 'AN' then '30' end, case when journal = 'HA' then '32' end), '') as defects,
              journal || '/' || num as key
          from fec where day >= {epoch(first) // DAY} and day < {epoch(end) // DAY} order by fec_no"""
        money = "MontantDevise" if index == 0 else "Montantdevise"
        header = "\t".join([*COLUMNS, money, "Idevise"])
        path = f"{FOLDER}/{own_siren()}FEC{name}.txt"
        writer.write(
            path, query, header=header, encoding="cp1252", newline="\r\r\n" if index == 0 else "\r\n"
        )
        writer.note(11, path, "cp1252")
        writer.note(12, path, "CR CR LF" if index == 0 else "CRLF")
        if index == 0:
            writer.note(49, path, "MontantDevise")
            if not first.endswith("-01-01"):
                writer.note(31, path, "six months")
    lying = f"{FOLDER}/{own_siren()}FEC{LYING_NAME}.txt"
    writer.note(31, lying, "the name says 30 November, the lines end on 31 December")
