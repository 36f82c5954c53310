"""What an engineer would write by hand in DuckDB for this one company: the yardstick of `make bench`.

Same files in; typed and deduplicated events, the losers, one row per call, message and meeting, leads with their cadence,
and monthly marts out, in one published file. No contracts, ledger, journal of cells, golden-id registry, rules, gate or
reports, no other vendor and no second delivery: that difference is what the ratio prices.

Usage: python -m tests.bench.hand_written COMPANY_DIR OUT_DIR
"""

import json
import sys
import time
from pathlib import Path

import duckdb

CDR = [
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start_at",
    "answer_at",
    "end_at",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
    "uniqueid",
    "userfield",
    "peeraccount",
    "linkedid",
    "sequence",
]
MAIL = [
    "email",
    "timestamp",
    "event",
    "category",
    "sg_event_id",
    "sg_message_id",
    "type",
    "useragent",
    "sg_machine_open",
    "marketing_campaign_id",
    "seller",
]
TAB = "\t"
E164 = """case
    when regexp_full_match({0}, '\\+[1-9][0-9]{{7,14}}') then {0}
    when regexp_full_match({0}, '00[1-9][0-9]{{7,14}}') then '+' || substr({0}, 3)
    when regexp_full_match({0}, '0[1-9][0-9]{{8}}') then '+33' || substr({0}, 2) end"""


def csv(
    path: str, columns: list[str] | None = None, delimiter: str = ",", encoding: str = "utf-8", more: str = ""
) -> str:
    """A read_csv call over a glob, every column text; columns None takes the header of the files."""
    skip = columns is None
    if columns is None:
        with sorted(Path("/").glob(path.lstrip("/")))[0].open(encoding=encoding) as first:
            columns = [c.strip('"') for c in first.readline().strip().split(delimiter)]
    names = "{" + ", ".join("'" + c.replace("'", "''") + "': 'VARCHAR'" for c in columns) + "}"
    return (
        f"read_csv('{path}', header = {skip}, auto_detect = false, columns = {names}, delim = '{delimiter}', "
        f"quote = '\"', escape = '\"', encoding = '{encoding}', filename = true, ignore_errors = true{more})"
    )


def latest(name: str, source: str, key: str, order: str) -> list[str]:
    """The newest version of each key, and the table of those that lost."""
    return [
        f"create temp table {name}_all as select * from {source}",
        f"create table {name} as select * from {name}_all qualify row_number() over "
        f"(partition by {key} order by {order} desc, filename desc) = 1",
        f"create table {name}_losers as select {key} from {name}_all group by {key} having count(*) > 1",
    ]


def statements(extracts: str, out: str) -> list[tuple[str, list[str]]]:
    """Step name -> SQL statements, in order."""
    crm, erp = f"{extracts}/crm/*", f"{extracts}/erp/*"
    mail_types = "{" + ", ".join(f"'{c}': 'VARCHAR'" for c in MAIL) + "}"
    entities = [
        *latest("leads_raw", csv(f"{crm}/Lead.csv"), "Id", "LastModifiedDate"),
        *latest("contacts_raw", csv(f"{crm}/Contact.csv"), "Id", "LastModifiedDate"),
        *latest("accounts_raw", csv(f"{crm}/Account.csv"), "Id", "LastModifiedDate"),
        *latest("opps_raw", csv(f"{crm}/Opportunity.csv"), "Id", "LastModifiedDate"),
        *latest("tasks_raw", csv(f"{crm}/Task.csv"), "Id", "LastModifiedDate"),
        f"create table history as select distinct on (Id) * from {csv(f'{crm}/OpportunityHistory.csv')} order by Id",
        f"""create table people as
        select 'L' || Id as id, lower(trim(Email)) as email, {E164.format("regexp_replace(Phone, '[^0-9+]', '', 'g')")}
            as phone, {E164.format("regexp_replace(MobilePhone, '[^0-9+]', '', 'g')")} as mobile
        from leads_raw where IsDeleted <> 'true'
        union all
        select 'C' || Id, lower(trim(Email)), {E164.format("regexp_replace(Phone, '[^0-9+]', '', 'g')")},
            {E164.format("regexp_replace(MobilePhone, '[^0-9+]', '', 'g')")}
        from contacts_raw where IsDeleted <> 'true'""",
        """create table persons as
        select id, min(id) over (partition by coalesce(email, mobile, phone, id)) as person_id, email, phone, mobile
        from people""",
        """create table points as
        select value, min(person_id) as person_id from (
            select email as value, person_id from persons union all
            select phone, person_id from persons union all select mobile, person_id from persons)
        where value is not null group by value having count(distinct person_id) = 1""",
        """create table leads as
        select p.person_id, min(try_cast(l.CreatedDate as timestamp)) as created_at,
            bool_or(l.IsConverted = 'true') as is_converted, min(try_cast(l.ConvertedDate as timestamp)) as converted_at,
            any_value(case when try_cast(l.NumberOfEmployees as bigint) < 250 then 'smb'
                when try_cast(l.NumberOfEmployees as bigint) < 2000 then 'mid' else 'enterprise' end) as size_band
        from leads_raw as l inner join persons as p on 'L' || l.Id = p.id group by p.person_id""",
    ]
    calls = [
        f"""copy (
            select uniqueid || '#' || sequence as leg_id, coalesce(linkedid, uniqueid) as call_id, src,
                case when dcontext like 'from-trunk%' then 'inbound' when length(dst) <= 6 then 'internal'
                    else 'outbound' end as direction,
                {E164.format("case when dcontext like 'from-trunk%' then src when length(dst) > 6 then dst end")}
                    as external_phone,
                timezone('Europe/Paris', try_cast(start_at as timestamp)) at time zone 'UTC' as started_at,
                timezone('Europe/Paris', try_cast(end_at as timestamp)) at time zone 'UTC' as ended_at,
                try_cast(duration as bigint) as duration_s, try_cast(billsec as bigint) as talk_s,
                case when lastapp = 'VoiceMail' and disposition = 'ANSWERED' then 'voicemail'
                    else lower(disposition) end as outcome
            from {csv(f"{extracts}/telephony/*/Master*.csv", CDR, encoding="latin-1")}
        ) to '{out}/legs.parquet' (compression lz4)""",
        f"""create table leg_keys as select leg_id from '{out}/legs.parquet' group by leg_id having count(*) > 1""",
        f"""create table leg_losers as select * from '{out}/legs.parquet' semi join leg_keys using (leg_id)
        qualify row_number() over (partition by leg_id order by started_at, ended_at, talk_s, src) > 1""",
        f"""create table calls as
        select call_id, min(started_at) as started_at, max(talk_s) as talk_s, arg_min(direction, started_at) as direction,
            arg_min(external_phone, started_at) as phone, bool_or(outcome = 'answered') as is_answered, count(*) as n_legs
        from (select distinct on (leg_id) * from '{out}/legs.parquet' semi join leg_keys using (leg_id)
            union all select * from '{out}/legs.parquet' anti join leg_keys using (leg_id))
        group by call_id""",
    ]
    mail = [
        f"""copy (
            select sg_event_id as event_id, split_part(sg_message_id, '.', 1) as message_id,
                lower(trim(email)) as email, seller,
                case when event = 'open' and lower(sg_machine_open) = 'true' then 'opened_machine'
                    when event = 'bounce' and type = 'blocked' then 'blocked' else event end as event_type,
                make_timestamp(cast(timestamp as bigint) * 1000000) as occurred_at,
                marketing_campaign_id is not null or category like '%bulk%' as is_automated
            from read_json('{extracts}/mailing/*/events*.jsonl', format = 'newline_delimited', columns = {mail_types},
                ignore_errors = true)
            where sg_event_id is not null
        ) to '{out}/mail.parquet' (compression lz4)""",
        f"create table event_keys as select event_id from '{out}/mail.parquet' group by event_id having count(*) > 1",
        f"""create table event_losers as select * from '{out}/mail.parquet' semi join event_keys using (event_id)
        qualify row_number() over (partition by event_id order by occurred_at, message_id, email) > 1""",
        f"""create table sends as
        select message_id, email, min(occurred_at) as sent_at, bool_or(event_type = 'delivered') as is_delivered,
            bool_or(event_type = 'spamreport') as is_complained, bool_or(is_automated) as is_automated, count(*) as n
        from (select distinct on (event_id) * from '{out}/mail.parquet' semi join event_keys using (event_id)
            union all select * from '{out}/mail.parquet' anti join event_keys using (event_id))
        where split_part(email, '@', 2) <> 'etalon-demo.example'
        group by message_id, email""",
    ]
    others = [
        # One row a meeting and attendee, newest file first; every calendar of the company writes Europe/Paris or UTC.
        f"""create table meetings as
        with events as (
            select filename, unnest(string_split(
                replace(replace(content, chr(13), ''), chr(10) || ' ', ''), 'BEGIN:VEVENT')[2:]) as event
            from read_text('{extracts}/calendar/*/*.ics')),
        rows as (
            select filename, regexp_extract(event, '\\nUID:([^\\n]+)', 1) as uid,
                regexp_extract(event, '\\nDTSTART[^:\\n]*:([0-9T]+Z?)', 1) as start_text,
                regexp_extract(event, '\\nSTATUS:([A-Z]+)', 1) as status,
                lower(unnest(regexp_extract_all(event, '\\nATTENDEE[^\\n]*mailto:([^\\n]+)', 1))) as attendee
            from events)
        select *, case when start_text like '%Z' then try_strptime(start_text, '%Y%m%dT%H%M%SZ')
            else timezone('Europe/Paris', try_strptime(start_text, '%Y%m%dT%H%M%S')) at time zone 'UTC' end as started_at
        from rows qualify row_number() over (partition by uid, start_text, attendee order by filename desc) = 1""",
        f"""create table ledger as
        select * from {csv(f"{extracts}/ledger/*.txt", delimiter=TAB, encoding="latin-1", more=", strict_mode = false")}
        where "CompteNum" like '70%' and "CompteNum" not like '701%' and "CompteNum" not like '70705%'
            and "JournalCode" not in ('AN', 'ANO', 'AD', 'RAN')""",
    ]
    marts = [
        """create table touches as
        select p.person_id, c.started_at as at, c.is_answered and c.talk_s >= 10 as is_effective
        from calls as c inner join points as p on c.phone = p.value where c.direction <> 'internal'
        union all
        select p.person_id, s.sent_at, s.is_delivered
        from sends as s inner join points as p on s.email = p.value where not s.is_automated
        union all
        select p.person_id, m.started_at, true
        from meetings as m inner join points as p on m.attendee = p.value
        where m.status <> 'CANCELLED' and m.started_at < timestamp '2026-07-01'
        union all
        select p.person_id, try_cast(t.CompletedDateTime as timestamp), t.TaskSubtype = 'Email'
        from tasks_raw as t inner join persons as p on p.id = case left(t.WhoId, 3) when '00Q' then 'L' else 'C' end || t.WhoId
        where t.Status = 'Completed' and t.IsDeleted <> 'true' and t.CallObject is null""",
        """create table cadences as
        select l.*, count(t.at) filter (where t.at >= l.created_at and t.at < l.created_at + interval 30 day) as n_touches,
            min(t.at) filter (where t.is_effective and t.at >= l.created_at) as first_effective_at
        from leads as l left join touches as t on l.person_id = t.person_id group by all""",
        """create table mart_leads as
        select date_trunc('month', created_at) as period_month, size_band, count(*) as n_leads, avg(n_touches) as touches,
            count(*) filter (where is_converted and converted_at < created_at + interval 30 day) / count(*) as cr,
            median(epoch(first_effective_at) - epoch(created_at)) / 3600 as ttf_hours
        from cadences group by all""",
        """create table mart_complaints as
        select date_trunc('week', sent_at) as week, count(*) filter (where is_delivered) as delivered,
            count(*) filter (where is_complained) as complained from sends group by all""",
        """create table mart_wins as
        select date_trunc('month', try_cast(CloseDate as date)) as period_month,
            count(*) filter (where IsWon = 'true') as won, count(*) as closed
        from opps_raw where IsClosed = 'true' and IsDeleted <> 'true' group by all""",
        """create table mart_stages as
        select StageName, count(distinct OpportunityId) as reached from history group by all""",
        f"""create table mart_revenue as
        select date_trunc('month', try_strptime(f."Date", '%d/%m/%Y')) as period_month, f."Devise" as currency,
            sum(try_cast(replace(l."Montant HT", ',', '.') as decimal(18, 4))) as revenue
        from {csv(f"{erp}/lignes_factures*.csv", delimiter=";", encoding="latin-1")} as l
        inner join (select distinct on ("N° pièce") * from
            {csv(f"{erp}/factures*.csv", delimiter=";", encoding="latin-1")}) as f on l."N° pièce" = f."N° pièce"
        group by all""",
        """create table mart_ledger as
        select date_trunc('month', try_strptime(EcritureDate, '%Y%m%d')) as period_month,
            sum(try_cast(replace(Credit, ',', '.') as decimal(18, 4)) - try_cast(replace(Debit, ',', '.') as decimal(18, 4)))
                as revenue
        from ledger group by all""",
        f"""create table mart_mrr as
        select m.month_end, count(distinct s."Code client") as customers,
            sum(try_cast(replace(s."Montant", ',', '.') as decimal(18, 4)) * try_cast(s."Quantité" as bigint)) as mrr
        from (select distinct on ("N° contrat") * from
            {csv(f"{erp}/abonnements*.csv", delimiter=";", encoding="latin-1")}) as s
        inner join (select last_day(d) as month_end from generate_series(date '2024-07-01', date '2026-06-01',
            interval 1 month) as t(d)) as m
            on try_strptime(s."Début", '%d/%m/%Y') <= m.month_end
            and coalesce(try_strptime(s."Fin", '%d/%m/%Y'), timestamp '2999-01-01') > m.month_end
        group by all""",
        f"""attach '{out}/hand_written.duckdb' as published""",
        *(
            f"create table published.{t} as select * from {t}"
            for t in (
                "cadences",
                "mart_leads",
                "mart_complaints",
                "mart_wins",
                "mart_stages",
                "mart_revenue",
                "mart_ledger",
                "mart_mrr",
            )
        ),
        "detach published",
    ]
    return [("entities", entities), ("calls", calls), ("mail", mail), ("others", others), ("marts", marts)]


def main(company: Path, out: Path) -> None:
    """Runs the script and prints one JSON line: seconds by step and the counts that `compare` checks."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        old.unlink()
    con = duckdb.connect(str(out / "work.duckdb"))
    con.execute(
        "set threads = 2; set memory_limit = '3GB'; set preserve_insertion_order = false; set timezone = 'UTC'"
    )
    steps = {}
    for name, sql in statements(str(company / "extracts"), str(out)):
        started = time.perf_counter()
        for statement in sql:
            con.execute(statement)
        steps[name] = round(time.perf_counter() - started, 2)

    def one(query: str) -> int:
        return con.execute(query).fetchone()[0]

    counts = {
        "call_legs_read": one(f"select count(*) from '{out}/legs.parquet'"),
        "call_legs_lost": one("select count(*) from leg_losers"),
        "calls": one("select count(*) from calls"),
        "mail_events_read": one(f"select count(*) from '{out}/mail.parquet'"),
        "mail_events_lost": one("select count(*) from event_losers"),
        "sends": one("select count(*) from sends"),
        "ledger_lines": one("select count(*) from ledger"),
        "leads": one("select count(*) from leads"),
        "touches": one("select count(*) from touches"),
    }
    print(json.dumps({"steps": steps, "counts": counts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
