"""What a company keeps in sheets: targets, consents, survey answers, product usage and costs of the demo.

Half of the files have the French layout that Excel saves. What does NOT belong here: their truth (sheet_truth.py),
campaigns and their costs (campaigns.py).
"""

from __future__ import annotations

from ingest.demo.scratch import Scratch
from ingest.demo.sizes import (
    AS_OF,
    CYCLE,
    DAY,
    Size,
    month_end,
    month_start,
    months_between,
)
from ingest.demo.writing import ExtractWriter, quoted

SOURCES = """  - {instance: targets, mapping: targets, folder: targets}
  - {instance: consents, mapping: consents, folder: consents}
  - {instance: survey, mapping: nps, folder: survey}
  - {instance: product, mapping: product_usage, folder: usage}
  - {instance: costs, mapping: marketing_costs, folder: costs}
"""
ENGLISH_MONTHS = "January,February,March,April,May,June,July,August,September,October,November,December"
FRENCH_MONTHS = "Janvier,Février,Mars,Avril,Mai,Juin,Juillet,Août,Septembre,Octobre,Novembre,Décembre"
# The June target of this seller is halved by a sheet that comes in June.
CORRECTED_SELLER = 2
# The year of this seller was typed apart from its months, and is 12,000 more than they are.
WRONG_YEAR, WRONG_YEAR_SELLER, WRONG_BY = "2025", 3, 12_000
#: Measures of targets as the sheets name them; meetings are asked for as a growth over the year before.
_ENGLISH_MEASURES = {
    "revenue": "Revenue",
    "new_customers": "New customers",
    "activities": "Activities",
    "sql": "SQL",
    "meetings": "Growth of meetings",
    "stage_entries": "Deals reaching stage Proposal",
    "stage_activities": "Activities in stage Negotiation",
}
_FRENCH_MEASURES = {
    "revenue": "Chiffre d''affaires",
    "new_customers": "Nouveaux clients",
    "activities": "Activités",
    "sql": "SQL",
    "meetings": "Hausse des rendez-vous",
    "stage_entries": "Affaires arrivées à l''étape Proposition",
    "stage_activities": "Activités à l''étape Négociation",
}
_NO_NOTE = "cast(null as varchar) as defects, cast(null as varchar) as key"


def make_sheets(scratch: Scratch, size: Size, seed: int) -> None:
    """Tables quotas, choices, answers, usages and costs."""
    _make_quotas(scratch, size, seed)
    scratch.run(f"""
        create or replace table choices as
        select * from (
          select lead_no, per, email, '' as phone, 'E-mail' as channel, 'Refus' as choice, created + 5 * {DAY} as since,
            -1 as until, 'Formulaire' as origin from sf_leads where kind = 'original' and opt_out and email <> ''
          union all
          select lead_no, per, email, phone, 'Téléphone', 'Refus', created + 7 * {DAY}, -1, 'Appel' from sf_leads
          where kind = 'original' and no_call and phone <> ''
          union all
          select lead_no, per, email, '', 'Tous', case when lead_no % 2 = 0 then 'Litige' else 'Rétractation' end,
            created + 20 * {DAY}, case when lead_no % 2 = 0 then -1 else created + 200 * {DAY} end, 'Courrier'
          from sf_leads where kind = 'original' and email <> '' and hash(lead_no * 71 + {seed}) % 100 = 0)
        where since < {AS_OF} order by since, lead_no, channel""")
    quarters = (month for month in size.event_months if int(month[5:]) % 3 == 0)
    waves = ", ".join(f"({month_start(wave)}, '{wave}')" for wave in quarters)
    scratch.run(f"""
        create or replace table answers as
        with asked as (
          select w.wave, w.at_s, k.contact_no, k.per, k.email, a.acc, hash(k.contact_no * 1013 + w.at_s + {seed}) as u
          from (values {waves}) w(at_s, wave) join sf_contacts k on k.kind = 'main' and k.created < w.at_s
          join persons p on p.per = k.per join account_of a on a.acc = p.acc
          where a.acc in (select acc from customers)),
        given as (
          select *, 1 as n, at_s + {5 * DAY} + u % {10 * DAY} as answered_s, u // 7 % 100 as v
          from asked where u % 100 < 45
          union all  -- some persons think again within the quarter: their last answer counts
          select *, 2, at_s + {18 * DAY} + u % {5 * DAY}, u // 11 % 100 from asked where u % 100 < 6)
        select wave || '-' || contact_no || '-' || n as answer, wave, contact_no, per, email, acc,
          at_s + {2 * DAY} as sent_s, answered_s,
          case when v < 25 then 10 when v < 45 then 9 when v < 65 then 8 when v < 78 then 7 else v % 7 end as score,
          case when v % 9 = 0 then 'Rien à redire, "parfait"' when v % 9 = 1 then 'Trop cher; support lent' else '' end
            as note
        from given where answered_s < {AS_OF} order by answered_s, answer""")
    scratch.run(f"""
        create or replace table usages as
        with used as (
          select a.account_no, c.acc, m.period_month, second_no(period_month || '-01') // {DAY} as first_day,
            hash(m.cust * 37 + m.month_index * 101 + {seed}) as u
          from mrr_months m join customers c using (cust) join account_of a on a.acc = c.acc
          where m.period_month >= '{size.first_event_month}' and m.mrr > 0 and not c.is_second_code)
        select account_no, acc, 'login' as event, first_day + 2 as day, 5 + u % 40 as n, (5 + u % 40) * 300 as seconds
        from used
        union all
        select account_no, acc, 'login', first_day + 16, 5 + u // 50 % 40, (5 + u // 50 % 40) * 300 from used
        union all
        select account_no, acc, 'report_created', first_day + 11, u // 2000 % 4, (u // 2000 % 4) * 600 from used
        where u // 2000 % 4 > 0
        order by day, account_no, event""")
    months = ", ".join(f"'{month}'" for month in size.event_months)
    scratch.run(f"""
        create or replace table costs as
        with m as (select unnest([{months}]) as period_month, unnest(range({len(size.event_months)})) as i),
        pay as (select count(*) filter (where is_active) as n from sellers)
        select period_month, 'Marketing' as department, 'Agence' as kind, '' as channel, 'Studio Lumen' as supplier,
          'Forfait mensuel' as label, cast(2500 as decimal(18,2)) as amount from m
        union all select period_month, 'Marketing', 'Outils', '', 'Plateforme d''envoi', 'Licences', 410.50 from m
        union all select period_month, 'Marketing', 'Média', 'Recherche', 'Régie', 'Annonces',
          3000 + hash(i * 7 + {seed}) % 2000 from m
        union all select period_month, 'Marketing', 'Salaires', '', '', 'Équipe marketing', 12000 from m
        union all select period_month, 'Marketing', 'Événements', 'Événement', 'Parc des expositions', 'Stand', 5000
          from m where i % 3 = 2
        union all select period_month, 'Commerce', 'Salaires', '', '', 'Équipe commerciale', n * 4200 from m, pay
        union all select period_month, 'Commerce', 'Outils', '', 'CRM', 'Licences', n * 75 from m, pay
        order by period_month, department, kind""")


def _make_quotas(scratch: Scratch, size: Size, seed: int) -> None:
    """Tables quotas (one row per seller or team, metric, year and month, with the target before a correction) and
    year_quotas (one row per seller and year of revenue, typed apart).
    """
    months = ", ".join(f"'{month}'" for month in months_between("2025-01", "2026-12"))
    scratch.run(f"""
        create or replace table quotas as
        with m as (select unnest([{months}]) as period_month, unnest(range(24)) as i)
        select s.seller as who, s.email, s.team,
          case when s.role = 'SDR' then 'activities' else 'revenue' end as metric, period_month,
          cast(case when s.role = 'SDR' then 300 + 10 * (hash(s.seller + {seed}) % 10) else
            10000 + 500 * (hash(s.seller * 3 + {seed}) % 20) + 250 * i end as decimal(18,2)) as first_target
        from sellers s, m where s.role <> 'Head of Sales' and s.seller < {size.sellers}
        union all
        select 1000 + dense_rank() over (order by team), '', team, 'new_customers', period_month, 2 + i // 6
        from (select distinct team from sellers), m
        union all
        select 2000 + n, '', case when metric = 'stage_entries' then 'Lyon' else '' end, metric, period_month, asked
        from (values (0, 'sql', 20.0), (1, 'meetings', 0.3), (2, 'stage_entries', 4.0), (3, 'stage_activities', 30.0))
          as objectives(n, metric, asked), m where period_month >= '2026-01';
        create or replace table quotas as
        select *, case when who = {CORRECTED_SELLER} and period_month = '2026-06' then first_target / 2
            else first_target end as target from quotas order by who, metric, period_month""")
    scratch.run(f"""
        create or replace table year_quotas as
        select who, email, team, metric, '{WRONG_YEAR}' as year, sum(target) as months_target,
          sum(target) + case when who = {WRONG_YEAR_SELLER} then {WRONG_BY} else 0 end as target
        from quotas where metric = 'revenue' and period_month[1:4] = '{WRONG_YEAR}'
        group by who, email, team, metric order by who""")


def write_sheets(writer: ExtractWriter, size: Size) -> None:
    """All sheets; what happened before the first delivery lies in its folder."""
    first = size.first_delivery
    _targets(writer, f"targets/{first}/targets_2025.csv", "2025", "first_target", french=False)
    writer.write(
        f"targets/{first}/year_targets_{WRONG_YEAR}.csv",
        f"""select concat_ws(',', email, team, 'Revenue', 'EUR', year, cast(target as varchar)) as line, {_NO_NOTE}
            from year_quotas order by who""",
        header="Seller email,Team,Metric,Currency,Year,Target",
    )
    _targets(writer, f"targets/{first}/objectifs_2026.csv", "2026", "first_target", french=True)
    _targets(writer, f"targets/{CYCLE}/objectifs_2026.csv", "2026", "target", french=True)
    for month in size.delivery_months:
        end = month_end(month)
        start = 0 if month == first else month_start(month)
        _consents(writer, month, start, end)
        _answers(writer, month, start, end)
        _usages(writer, month, start, end)
        _costs(writer, month, first)


def _targets(writer: ExtractWriter, path: str, year: str, column: str, french: bool) -> None:
    words = _FRENCH_MEASURES if french else _ENGLISH_MEASURES
    named = " ".join(f"when '{code}' then '{word}'" for code, word in words.items())
    number = f"fr_number({column})" if french else f"cast({column} as varchar)"
    separator = ";" if french else ","
    head = (
        "E-mail du vendeur,Équipe,Indicateur,Devise,Année,"
        if french
        else "Seller email,Team,Metric,Currency,Year,"
    )
    header = (head + (FRENCH_MONTHS if french else ENGLISH_MONTHS)).replace(",", separator)
    months = ", ".join(
        f"coalesce(max({number}) filter (where period_month = '{year}-{i:02d}'), '')" for i in range(1, 13)
    )
    writer.write(
        path,
        f"""select concat_ws('{separator}', email, team, case metric {named} end,
              case when metric = 'revenue' then 'EUR' else '' end, '{year}', {months}) as line, {_NO_NOTE}
            from quotas where period_month[1:4] = '{year}' group by who, email, team, metric order by who""",
        header=header,
        encoding="cp1252" if french else "utf-8",
        newline="\r\n" if french else "\n",
    )


def _consents(writer: ExtractWriter, month: str, start: int, end: int) -> None:
    writer.write(
        f"consents/{month}/consentements.csv",
        f"""select concat_ws(';', email, phone, channel, choice, fr_date(since),
              case when until > 0 then fr_date(until) else '' end, origin, '') as line, {_NO_NOTE}
            from choices where since >= {start} and since < {end} order by since, lead_no, channel""",
        header="E-mail;Téléphone;Canal;Choix;Depuis le;Jusqu'au;Origine;Motif",
        encoding="cp1252",
        newline="\r\n",
    )


def _answers(writer: ExtractWriter, month: str, start: int, end: int) -> None:
    note = """replace(note, '"', '""')"""
    line = quoted(
        "answer", "'Relation ' || wave", "'Email'", "email", "account_id(account_no)", "cast(score as varchar)",
        "iso(sent_s)", "iso(answered_s)", note,
    )  # fmt: skip
    writer.write(
        f"survey/{month}/nps.csv",
        f"""select {line} as line, {_NO_NOTE} from answers join account_of using (acc)
            where answered_s >= {start} and answered_s < {end} order by answered_s, answer""",
        header="Answer ID,Survey,Channel,Email,Account ID,Score,Sent at,Answered at,Comment",
    )


def _usages(writer: ExtractWriter, month: str, start: int, end: int) -> None:
    writer.write(
        f"usage/{month}/usage.csv",
        f"""select concat_ws(',', account_id(account_no), '', '', event, iso_date(day * {DAY}), n, seconds, '') as line,
              {_NO_NOTE}
            from usages where day * {DAY} >= {start} and day * {DAY} < {end} order by day, account_no, event""",
        header="Account ID,User ID,Email,Event,Occurred at,Count,Seconds,Plan",
    )


def _costs(writer: ExtractWriter, month: str, first: str) -> None:
    when = f"period_month <= '{month}'" if month == first else f"period_month = '{month}'"
    writer.write(
        f"costs/{month}/couts_commerciaux.csv",
        f"""select concat_ws(';', department, kind, channel, '', supplier, label,
              right(period_month, 2) || '/' || left(period_month, 4), fr_number(amount), 'EUR') as line, {_NO_NOTE}
            from costs where {when} order by period_month, department, kind, label""",
        header="Service;Nature;Canal;Campagne;Fournisseur;Libellé;Mois;Montant;Devise",
        encoding="cp1252",
        newline="\r\n",
    )
