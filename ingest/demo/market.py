"""What a company may know of its market: roles of contacts in purchases, events of companies, figures of networks.

Planted: of won opportunities 60 in 100 follow an event of their company within 90 days, of the others 25. What does NOT
belong here: the deals themselves (deals.py), their truth (sheet_truth.py).
"""

from __future__ import annotations

from ingest.demo.salesforce import FOLDER, delivered, names_line
from ingest.demo.scratch import Scratch
from ingest.demo.sizes import (
    AS_OF,
    DAY,
    Size,
    month_end,
    month_start,
)
from ingest.demo.writing import ExtractWriter, quoted

SOURCES = """  - {instance: watch, mapping: account_events, folder: watch}
  - {instance: social, mapping: social_metrics, folder: social}
"""
PAGE = "Etalon Demo"
_NO_NOTE = "cast(null as varchar) as defects, cast(null as varchar) as key"


def make_market(scratch: Scratch, size: Size, seed: int) -> None:
    """Tables contact_roles, account_events and social_figures."""
    scratch.run(f"""
        create or replace macro role_id(n) as '00K5g00' || code(n, 8) || 'AAA';
        create or replace table contact_roles as
        with numbered as (
          select o.opp, greatest(o.opened, k.created) + {DAY} as created, k.contact_no,
            row_number() over (partition by o.opp order by k.contact_no) as nth
          from opps o join account_of a using (acc) join sf_contacts k on k.account_no = a.account_no
          where k.kind = 'main'),
        named as (
          select *, case when nth = 1 and opp % 5 <> 0 then 'Decision Maker' when nth = 2 and opp % 2 = 0 then
            'Economic Buyer' when nth = 2 then 'Influencer' when nth = 3 then 'Champion' when nth = 4 then
            'Business User' end as role
          from numbered)
        select row_number() over (order by opp, nth) - 1 as role_no, * from named
        where role is not null and created < {AS_OF} order by role_no""")
    scratch.run(f"""
        create or replace table account_events as
        with drawn as (
          select o.opp, o.acc, o.opened // {DAY} as opened_day, o.status, hash(o.opp * 53 + {seed}) as u from opps o),
        told as (
          select acc, opened_day - 2 - cast(u // 100 % 80 as bigint) as day, u from drawn
          where u % 100 < case when status = 'won' then 60 else 25 end)
        select row_number() over (order by day, acc, u) - 1 as event_no, acc, day,
          ['Levée de fonds', 'Arrivée d''un dirigeant', 'Rachat'][cast(u // 10000 % 3 as bigint) + 1] as kind,
          ['Les Nouvelles', 'Veille', 'La Gazette'][cast(u // 30000 % 3 as bigint) + 1] as source
        from told where day * {DAY} < {AS_OF} order by event_no""")
    months = ", ".join(f"'{month}'" for month in size.event_months)
    scratch.run(f"""
        create or replace table social_figures as
        with m as (select unnest([{months}]) as period_month, unnest(range({len(months.split(","))})) as i),
        first_days as (select *, second_no(period_month || '-01') // {DAY} as first_day from m),
        posts as (select s.seller, s.email, f.*, d.n, hash(s.seller * 977 + f.i * 31 + d.n + {seed}) as u
          from sellers s, first_days f, range(4) d(n) where s.is_active and s.role <> 'Head of Sales')
        select period_month, email, '' as page, first_day + 7 * n as day, 'Day' as period,
          'Connections accepted' as metric,
          cast(u % 6 as decimal(18, 2)) as figure from posts
        union all
        select period_month, email, '', first_day + 7 * n, 'Day', 'Invitations sent', 6 + u // 10 % 8 from posts
        union all
        select period_month, email, '', first_day + 27, 'Month', 'SSI', 35 + i * 1.5 + u % 5 from posts where n = 3
        union all
        select period_month, '', '{PAGE}', first_day, 'Month', 'Impressions', 4000 + 250 * i from first_days
        union all
        select period_month, '', '{PAGE}', first_day, 'Month', 'Engagements', 120 + 9 * i from first_days
        union all
        select period_month, '', '{PAGE}', first_day, 'Month', 'Followers', 800 + 35 * i from first_days
        order by period_month, metric, email, day""")


def write_market(writer: ExtractWriter, size: Size) -> None:
    """OpportunityContactRole, events and figures of every month; what came before lies in the first folder."""
    for month in size.delivery_months:
        end = month_end(month)
        start = 0 if month == size.first_delivery else month_start(month)
        _roles(writer, size, month)
        _events(writer, month, start, end)
        _figures(writer, month, size.first_delivery)


def _roles(writer: ExtractWriter, size: Size, month: str) -> None:
    line = quoted(
        "role_id(role_no)", "'false'", "opp_id(opp)", "contact_id(contact_no)", "role",
        "case when nth = 1 then 'true' else 'false' end", "iso(created)", "iso(created)", "iso(created)",
    )  # fmt: skip
    writer.write(
        f"{FOLDER}/{month}/OpportunityContactRole.csv",
        f"""select {line} as line, {_NO_NOTE} from contact_roles
            where {delivered(month, size, "created", "created")} order by role_no""",
        header=names_line(
            "Id", "IsDeleted", "OpportunityId", "ContactId", "Role", "IsPrimary", "CreatedDate", "LastModifiedDate",
            "SystemModstamp",
        ),
    )  # fmt: skip


def _events(writer: ExtractWriter, month: str, start: int, end: int) -> None:
    writer.write(
        f"watch/{month}/evenements_comptes.csv",
        f"""select concat_ws(';', 'E' || code(event_no, 8), account_id(account_no), '', fr_date(day * {DAY}), kind,
              source) as line, {_NO_NOTE} from account_events join account_of using (acc)
            where day * {DAY} >= {start} and day * {DAY} < {end} order by event_no""",
        header="Identifiant;Compte;SIREN;Date;Événement;Source",
        encoding="cp1252",
        newline="\r\n",
    )


def _figures(writer: ExtractWriter, month: str, first: str) -> None:
    when = f"period_month <= '{month}'" if month == first else f"period_month = '{month}'"
    writer.write(
        f"social/{month}/social_metrics.csv",
        f"""select concat_ws(',', 'LinkedIn', email, page, iso_date(day * {DAY}), period, metric, figure) as line,
              {_NO_NOTE}
            from social_figures where {when} order by period_month, metric, email, page, day""",
        header="Network,Seller email,Page,Date,Period,Metric,Value",
    )
