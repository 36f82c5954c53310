"""The ERP's monthly exports, French style: semicolon, decimal comma, dd/mm/yyyy, cp1252, CRLF.

What does NOT belong here: what was sold (billing.py) and the ledger (ledger.py).
"""

from __future__ import annotations

from ingest.demo.scratch import Scratch
from ingest.demo.sizes import (
    AS_OF,
    DAY,
    Size,
    month_end,
    month_start,
    months_before,
)
from ingest.demo.vocabulary import PRODUCTS
from ingest.demo.writing import ExtractWriter, separated

FOLDER = "erp"
CORRECTED_MONTH, CORRECTION_FOLDER = "2026-05", "2026-06"
_CUSTOMER_HEADER = (
    "Code client;Raison sociale;SIREN;N° TVA;Email;Pays;Code postal;Ville;Société du groupe;Date création;"
    "Date modification"
)
_DOCUMENT_HEADER = (
    "N° pièce;Type;Sens;Code client;Date;Échéance;Devise;Montant HT;TVA;Montant TTC;Statut;Pièce d'origine;"
    "Modifié le"
)
_LINE_HEADER = (
    "N° pièce;N° ligne;Type;Sens;Code article;Quantité;Prix unitaire;Montant HT;Total HT pièce;Récurrent;"
    "Modifié le"
)
_SUBSCRIPTION_HEADER = (
    "N° contrat;Code client;Code article;Statut;Début;Fin;Période (mois);Montant;Quantité;Remise;Devise;Test;"
    "Modifié le"
)
#: What only some of these packages export; benchmarks do without.
_COST_COLUMN, _LEFT_COLUMN = ";Coût de revient", ";Motif de résiliation"
#: Why customers say they leave; the others say nothing.
_LEFT_WORDS = ("Prix", "Prix", "Concurrent", "Support", "Besoin changé", "Cessation d'activité", "Qualité")
_ORDER_HEADER = (
    "N° commande;N° ligne;Code client;Code article;Quantité;Devise;Montant HT;Date commande;Date promise;"
    "Date livraison;Date annulation;État;Modifié le"
)
#: Part of a line's price that it costs: services of one customer in six cost more than they bring, and the carriage
#: is known to nobody.
_COST_SHARE = """case when l.product = 'PORT' then null
    when l.product like 'SRV-%' then case when hash(d.customer) % 6 = 1 then 1.20 else 0.60 end
    when l.product = 'MAT-CAP' then 0.50 else 0.20 end"""


def make_documents(scratch: Scratch, size: Size) -> None:
    """Tables erp_documents and erp_lines: the invoices, then draft, void, supplier and group documents.

    `counts` is true for what belongs to revenue before intercompany is left out.
    """
    months = size.revenue_months
    scratch.run(f"""
        create or replace table erp_documents as
        select i.inv, i.number_text, c.code_text as customer, case when doc_kind = 0 then 'Facture' else
          'Avoir' end as type, 'Client' as sens,
          cast(day as bigint) as day, i.period_month, i.currency, i.rate, i.tax_rate, 'Validée' as status,
            cast(i.paid_day as bigint) as paid_day,
          o.number_text as original, false as is_intercompany, true as counts, c.acc
        from invoices i join customers c using (cust) left join (select inv, number_text from invoices) o on
          o.inv = i.original;
        create or replace table erp_lines as select inv, line_number, product, quantity, unit_price, net from
          invoice_lines;
        create or replace table extra_documents as
        select row_number() over () - 1 as n, * from (
          select 'draft' as what, inv as like_inv from erp_documents where inv % 97 = 11 and type = 'Facture'
          union all select 'void', inv from erp_documents where inv % 89 = 17 and type = 'Facture'
          union all select 'supplier', inv from erp_documents where inv % 61 = 23 and type = 'Facture' order
            by 1, 2);
        insert into erp_documents
        select 10000000 + n, case what when 'draft' then 'B' when 'void' then 'V' else 'S' end || '-' ||
          code(n, 6),
          case when what = 'supplier' then 'F' || code(n % 40 + 1, 6) else customer end, 'Facture',
          case when what = 'supplier' then 'Fournisseur' else 'Client' end, day, period_month, currency,
            rate, tax_rate,
          case what when 'draft' then 'Brouillon' when 'void' then 'Annulée' else 'Validée' end, -1, null,
            false, false, acc
        from extra_documents x join erp_documents d on d.inv = x.like_inv;
        insert into erp_lines select 10000000 + n, line_number, product, quantity, unit_price, net
        from extra_documents x join erp_lines l on l.inv = x.like_inv;
        insert into erp_documents
        select 20000000 + row_number() over (order by m), 'F' || replace(m, '-', '') || '-G' ||
          code(row_number() over (order by m), 5),
          'G00000' || (1 + row_number() over (order by m) % 2), 'Facture', 'Client', day_no(m || '-28'), m,
            'EUR',
          1.0, 0.2, 'Validée', -1, null, true, true, -1
        from (select unnest({months}) as m);
        insert into erp_lines select inv, 1, 'SRV-INT', 4, 1250.00, 5000.00 from erp_documents where
          is_intercompany;
        create or replace table erp_documents as
        select d.*, t.net, t.net * d.tax_rate as tax,
          d.counts and d.period_month = '{CORRECTED_MONTH}' and d.type = 'Facture' and not d.is_intercompany
            and (d.inv % 37 = 7 or
            d.inv in (select inv from erp_documents where period_month = '{CORRECTED_MONTH}' and counts and
              type = 'Facture' order by inv limit 2))
            as is_corrected
        from erp_documents d join (select inv, sum(net) as net from erp_lines group by inv) t using (inv)
          order by inv;
        create or replace table erp_lines as
        select l.*, d.number_text, d.type, d.sens, d.day, d.is_corrected, d.net as document_net, p.recurring,
          cast(round(l.net * {_COST_SHARE}, 2) as decimal(18, 2)) as cost
        from erp_lines l join erp_documents d using (inv)
        join (select unnest({[p[0] for p in PRODUCTS]}) as code, unnest({[p[3] for p in PRODUCTS]}) as
          recurring) p
          on p.code = l.product order by inv, line_number""")
    left = ", ".join("'" + word.replace("'", "''") + "'" for word in _LEFT_WORDS)
    scratch.run(f"""
        create or replace table erp_subs as
        select s.sub, k.code_text as customer, s.product, s.start_day, s.end_day, s.months, s.unit_amount,
          s.quantity, s.discount,
          'plain' as what, s.ended_by_change and n.sub is not null and (s.sub % 5 = 2 or n.is_first) as
            stays_open,
          case when not s.ended_by_change and s.end_day > 0 then [{left}][cast(hash(s.sub * 7 + 1) % 10 as int) + 1]
            end as left_reason
        from subs s join customers k using (cust)
        left join (select sub, cust, product, start_day, row_number() over (order by sub) <= 2 as is_first
          from subs
          where end_day < 0 and exists (select 1 from subs b where b.cust = subs.cust and b.product =
            subs.product
            and b.end_day = subs.start_day and b.ended_by_change)) n
          on n.cust = s.cust and n.product = s.product and n.start_day = s.end_day
        union all
        select 1000000000 + cust, code_text, 'LIC-PRO', start_day + 400, start_day + 430, 1, 60, 3, 0,
          'trial', false, null
        from customers where cust % 9 = 4 and start_day + 430 < {AS_OF // DAY}
        union all
        select 2000000000 + cust, code_text, 'LIC-ENT', start_day + 10, -1, 1, 144, 50, 0, 'test', false, null
          from
          customers where cust % 23 = 5""")


def make_orders(scratch: Scratch, size: Size) -> None:
    """Table erp_orders: what was delivered and invoiced was ordered before; one line in nine was never delivered.

    Of these, half are cancelled three weeks after the order and the others are still owed. -1 is no day.
    """
    first_day = month_start(size.first_revenue_month) // DAY
    scratch.run(f"""
        create or replace table erp_orders as
        with sold as (
          select l.inv, l.line_number, d.customer, l.product, l.quantity, d.currency, l.net, d.day,
            cast(hash(l.inv * 31 + l.line_number) % 9 as int) as fate, cast(hash(l.inv * 17) % 40 as int) as wait
          from erp_lines l join erp_documents d using (inv)
          where d.counts and d.type = 'Facture' and not l.recurring and not d.is_intercompany
        )
        select 'C' || code(inv, 8) as order_text, line_number, customer, product, quantity, currency, net,
          ordered_day, ordered_day + 21 as promised_day, case when fate <> 0 then day else -1 end as shipped_day,
          case when fate = 0 and wait % 2 = 0 then ordered_day + 21 else -1 end as cancelled_day, inv
        from (select *, greatest(day - 5 - wait, {first_day}) as ordered_day from sold) order by inv, line_number""")


def write_erp(writer: ExtractWriter, size: Size) -> None:
    """The exports of every month, then the correction of one month. Orders are not what benchmarks measure."""
    for month in size.delivery_months:
        start = 0 if month == size.first_delivery else month_start(month) // DAY
        end = month_end(month) // DAY
        _customers(writer, size, month, start, end)
        _products(writer, month)
        shown_wrong = f"{end * DAY == month_end(CORRECTED_MONTH)}".lower()
        _documents(
            writer, size, f"{month}/factures.csv", start, end, f"is_corrected and {shown_wrong}", total=True
        )
        _lines(
            writer,
            size,
            f"{month}/lignes_factures.csv",
            f"day >= {start} and day < {end}",
            f"is_corrected and {shown_wrong}",
            month,
        )
        _subscriptions(writer, size, month, start, end)
        _rates(writer, month, size)
        if size.has_sheets:
            _orders(writer, month, start, end)
    folder = f"{CORRECTION_FOLDER}/"
    _corrections(writer, size, folder)


def _write(writer: ExtractWriter, path: str, query: str, header: str) -> None:
    if not writer.write(f"{FOLDER}/{path}", query, header=header, encoding="cp1252", newline="\r\n").records:
        return
    for defect in (11, 12):
        writer.note(defect, f"{FOLDER}/{path}", "cp1252" if defect == 11 else "CRLF")


def _customers(writer: ExtractWriter, size: Size, month: str, start: int, end: int) -> None:
    group_month = months_before(size.first_revenue_month, 6)
    line = separated(
        ";",
        "code_text",
        "name",
        "siren",
        "vat",
        "email",
        "country",
        "postal",
        "city",
        "groupe",
        "made_text",
        f"strftime(instant(made * {DAY}), '%d/%m/%Y')",
    )
    query = f"""
      select {line} as line, defects, code_text as key from (
        select c.cust, c.code_text, case when c.is_second_code then upper(k.name) else k.name || ' ' || 'SA'
          end as name,
          case when k.country in ('BE', 'DE') and c.cust % 2 = 0 then '000000000' when k.acc % 10 < 9 and
            c.cust % 71 = 9 then k.siren || '.0'
            else k.siren end as siren,
          coalesce(k.vat, '') as vat, 'compta@' || k.own_domain as email, k.country, k.postal,
          case when c.cust % 33 = 7 then 'N/A' else k.city end as city, 'Non' as groupe, c.start_day as made,
          case when c.cust % 29 = 3 then '01/01/1900' else strftime(instant(c.start_day * {DAY}), '%d/%m/%Y')
            end as made_text,
          nullif(concat_ws(',', case when k.country in ('BE', 'DE') and c.cust % 2 = 0 or c.cust % 33 = 7 or
            c.cust % 29 = 3 then '22' end,
            case when k.acc % 10 < 9 and c.cust % 71 = 9 and k.siren is not null and not (k.country in ('BE',
              'DE') and c.cust % 2 = 0)
              then '14' end), '') as defects
        from customers c join companies k using (acc)
        union all
        select 100000000 + g, 'G00000' || (g + 1), ['Étalon Services Belgique', 'Étalon Conseil Suisse'][g +
          1], null, '', null,
          ['BE', 'CH'][g + 1], ['1000', '1201'][g + 1], ['Bruxelles', 'Genève'][g + 1], 'Oui',
            {month_start(group_month) // DAY}, fr_date({month_start(group_month)}), '33'
        from (select unnest([0, 1]) as g))
      where made >= {start} and made < {end} order by cust"""
    _write(writer, f"{month}/clients.csv", query, _CUSTOMER_HEADER)


def _products(writer: ExtractWriter, month: str) -> None:
    shown = []
    for code, name, family, recurring, price in PRODUCTS:
        text = f"{price:,.2f}".replace(",", " ").replace(".", ",") + " €"
        shown.append((code, name, family, "Oui" if recurring else "Non", text))
    values = ", ".join(
        f"""({i}, '{";".join(row).replace("'", "''")}', '{row[0]}')""" for i, row in enumerate(shown)
    )
    query = f"select line, '13' as defects, key from (values {values}) t(n, line, key) order by n"
    _write(writer, f"{month}/articles.csv", query, "Code article;Désignation;Famille;Récurrent;Prix unitaire")


def _shown(amount: str, wrong: str) -> str:
    return f"fr_number(abs(case when {wrong} then round({amount} * 1.1, 2) else {amount} end))"


def _document_query(size: Size, where: str, wrong: str, modified: str, status: str) -> str:
    listed = str(size.lists_structural_rows).lower()
    line = separated(
        ";",
        "number_text",
        "type",
        "sens",
        "customer",
        f"strftime(instant(day * {DAY}), '%d/%m/%Y')",
        f"strftime(instant((day + 30) * {DAY}), '%d/%m/%Y')",
        "currency",
        _shown("net", wrong),
        _shown("tax", wrong),
        _shown("(net + tax)", wrong),
        status,
        "original",
        f"strftime(instant(({modified}) * {DAY}), '%d/%m/%Y')",
    )
    return f"""select inv as seq, 0 as part, {line} as line,
        nullif(concat_ws(',', case when type = 'Avoir' then '28' end,
        case when sens = 'Fournisseur' then '32' end, case when is_intercompany then '33' end, case when
          currency <> 'EUR' then '34' end,
        case when {listed} and day(instant(day * {DAY})) <= 12 then '15' end), '') as defects, number_text as
          key from erp_documents where {where}"""


def _documents(
    writer: ExtractWriter, size: Size, path: str, start: int, end: int, wrong: str, total: bool
) -> None:
    paid = f"paid_day > 0 and paid_day < {end}"
    query = _document_query(
        size,
        f"(day >= {start} and day < {end}) or "
        f"(day < {end} and paid_day >= {start} and paid_day < {end} and paid_day > 0)",
        wrong,
        f"case when {paid} then paid_day else day end",
        f"case when {paid} then 'Payée' else status end",
    )
    totals = f"""union all
        select 1e17, 1, 'TOTAL;;;;;;;' || fr_number(coalesce(sum(abs(net)), 0)) || ';;;;;', '0', 'TOTAL'
        from erp_documents
        where day >= {start} and day < {end}"""
    _write(
        writer,
        path,
        f"select line, defects, key from ({query} {totals if total else ''}) order by seq, part",
        _DOCUMENT_HEADER,
    )


def _line_query(size: Size, where: str, wrong: str, modified: str) -> str:
    cost = ["fr_number(abs(cost))"] if size.has_sheets else []
    line = separated(
        ";",
        "number_text",
        "cast(line_number as varchar)",
        "type",
        "sens",
        "product",
        "cast(quantity as varchar)",
        _shown("unit_price", wrong),
        _shown("net", wrong),
        _shown("document_net", wrong),
        "case when recurring then 'Oui' else 'Non' end",
        f"strftime(instant(({modified}) * {DAY}), '%d/%m/%Y')",
        *cost,
    )
    return f"""select inv as seq, line_number as part, {line} as line,
        nullif(concat_ws(',', case when sens = 'Fournisseur' then '32' end,
        case when product = 'PORT' then '35' end, case when line_number > 1 then '48' end), '') as defects,
        number_text || '/' || line_number as key from erp_lines where {where}"""


def _lines(writer: ExtractWriter, size: Size, path: str, where: str, wrong: str, month: str) -> None:
    orphans = ""
    if month == "2026-03":
        orphans = f"""union all select 1e17 + n, 1, 'F199901-' || code(n, 6)
              || ';1;Facture;Client;SRV-FOR;1;100,00;100,00;100,00;Non;15/03/2026{";" * size.has_sheets}',
            '5', 'F199901-' || code(n, 6) || '/1' from range(3) t(n)"""
    query = _line_query(size, where, wrong, "day")
    header = _LINE_HEADER + _COST_COLUMN * size.has_sheets
    _write(writer, path, f"select line, defects, key from ({query} {orphans}) order by seq, part", header)


def _corrections(writer: ExtractWriter, size: Size, folder: str) -> None:
    corrected_on = month_start(CORRECTION_FOLDER) // DAY + 9
    name = f"corrections_{CORRECTED_MONTH}.csv"
    documents = _document_query(size, "is_corrected", "false", str(corrected_on), "status")
    _write(
        writer,
        f"{folder}factures_{name}",
        f"select line, defects, key from ({documents}) order by seq, part",
        _DOCUMENT_HEADER,
    )
    lines = _line_query(size, "is_corrected", "false", str(corrected_on))
    _write(
        writer,
        f"{folder}lignes_factures_{name}",
        f"select line, defects, key from ({lines}) order by seq, part",
        _LINE_HEADER + _COST_COLUMN * size.has_sheets,
    )


def _subscriptions(writer: ExtractWriter, size: Size, month: str, start: int, end: int) -> None:
    ended = f"end_day > 0 and end_day < {end} and not stays_open"
    line = separated(
        ";",
        "'S' || code(sub, 10)",
        "customer",
        "product",
        f"case when what = 'trial' then 'Essai' when {ended} then 'Résilié' else 'Actif' end",
        f"strftime(instant(start_day * {DAY}), '%d/%m/%Y')",
        f"case when not ({ended}) then '' when sub % 5 = 0 then iso_date(end_day * {DAY}) "
        f"else fr_date(end_day * {DAY}) end",
        "cast(months as varchar)",
        "fr_number(unit_amount)",
        "cast(quantity as varchar)",
        "fr_number(discount)",
        "'EUR'",
        "case when what = 'test' then 'Oui' else 'Non' end",
        f"strftime(instant((case when {ended} then end_day else start_day end) * {DAY}), '%d/%m/%Y')",
        *([f"case when {ended} then left_reason end"] if size.has_sheets else []),
    )
    query = f"""
      select {line} as line, nullif(concat_ws(',', case when {ended} and sub % 5 = 0 then '16' end, case when
        stays_open then '47' end,
        case when what = 'test' then '36' end), '') as defects, 'S' || code(sub, 10) as key
      from erp_subs where (start_day >= {start} and start_day < {end}) or (start_day < {end} and end_day >=
        {start} and end_day < {end}
        and end_day > 0 and not stays_open) order by sub"""
    header = _SUBSCRIPTION_HEADER + _LEFT_COLUMN * size.has_sheets
    _write(writer, f"{month}/abonnements.csv", query, header)


def _orders(writer: ExtractWriter, month: str, start: int, end: int) -> None:
    """Lines ordered, shipped or cancelled in the month, as they stand at its end."""
    shipped, cancelled = (f"({name} > 0 and {name} < {end})" for name in ("shipped_day", "cancelled_day"))
    line = separated(
        ";",
        "order_text",
        "cast(line_number as varchar)",
        "customer",
        "product",
        "cast(quantity as varchar)",
        "currency",
        "fr_number(net)",
        f"fr_date(ordered_day * {DAY})",
        f"fr_date(promised_day * {DAY})",
        f"case when {shipped} then fr_date(shipped_day * {DAY}) else '' end",
        f"case when {cancelled} then fr_date(cancelled_day * {DAY}) else '' end",
        f"case when {shipped} then 'Livrée' when {cancelled} then 'Annulée' else 'En cours' end",
        f"fr_date((case when {shipped} then shipped_day when {cancelled} then cancelled_day else ordered_day end)"
        f" * {DAY})",
    )
    query = f"""
      select {line} as line, null as defects, order_text || '/' || line_number as key
      from erp_orders where (ordered_day >= {start} and ordered_day < {end})
        or (ordered_day < {end} and (({shipped} and shipped_day >= {start})
          or ({cancelled} and cancelled_day >= {start}))) order by inv, line_number"""
    _write(writer, f"{month}/commandes.csv", query, _ORDER_HEADER)


def _rates(writer: ExtractWriter, month: str, size: Size) -> None:
    first = "0000-00" if month == size.first_delivery else month
    query = f"""
      select strftime(cast(period_month || '-01' as date), '%d/%m/%Y') || ';' || f || ';' || t || ';' ||
          rpad(replace(cast(cast(r as decimal(18,8)) as varchar), '.', ','), 10, '0') as line, '3' as
            defects, f || '>' || t || ' ' || period_month as key
      from (select period_month, 'USD' as f, 'EUR' as t, usd as r from rates union all select period_month,
        'GBP', 'EUR', gbp from rates
        union all select period_month, 'EUR', 'USD', cast(1 / usd as decimal(18,8)) from rates)
      where period_month >= '{first}' and period_month <= '{month}' order by period_month, f, t"""
    _write(writer, f"{month}/taux_change.csv", query, "Date;De;Vers;Taux")
