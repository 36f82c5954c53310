"""Hand-written script, second part: typed calls, mails, meetings and tasks to touches and the cadence of each lead.

The events are kept typed, each once (an event that comes twice has one key): a call or message says of how many it is
made. Only keys that do repeat are looked at twice.
What does NOT belong here: who a number or an address belongs to (hand_written_records), marts (hand_written_marts).
"""

from tests.bench.hand_written_files import OWN_DOMAIN, csv, e164, latest

AS_OF = "timestamp '2026-07-01'"
CDR = [
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start_at",
    "answer_at", "end_at", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield", "peeraccount",
    "linkedid", "sequence",
]  # fmt: skip
MAIL = {
    "email": "VARCHAR", "timestamp": "BIGINT", "event": "VARCHAR", "category": "VARCHAR", "sg_event_id": "VARCHAR",
    "sg_message_id": "VARCHAR", "type": "VARCHAR", "reason": "VARCHAR", "useragent": "VARCHAR", "seller": "VARCHAR",
    "sg_machine_open": "VARCHAR", "marketing_campaign_id": "VARCHAR",
}  # fmt: skip
TAB = "\t"
#: Bits of what happened to a message.
BOUNCED, READ, OPENED, CLICKED, AUTOMATED = 1, 2, 4, 8, 16


def utc(column: str) -> str:
    """UTC of a wall clock in Paris."""
    return f"timezone('Europe/Paris', {column}) at time zone 'UTC'"


def once(events: str, key: str, order: str) -> str:
    """The events of a Parquet file, each key once; `repeated` holds the keys that come more than once."""
    return f"""(select * from '{events}' anti join repeated using ({key}) union all
        select distinct on ({key}) * from '{events}' semi join repeated using ({key}) order by {order})"""


def repeated(events: str, key: str) -> str:
    """A table of the keys that come more than once."""
    return f"create or replace temp table repeated as select {key} from '{events}' group by {key} having count(*) > 1"


def calls(extracts: str, out: str) -> list[str]:
    """Typed legs, then one row a call with its seller and person."""
    inbound, legs = "dcontext like 'from-trunk%'", f"{out}/telephony_call_leg.parquet"

    def clock(column: str) -> str:
        return utc(f"try_cast({column} as timestamp)")

    return [
        f"""copy (
            select uniqueid || '#' || sequence as leg_id, coalesce(linkedid, uniqueid) as call_id,
                try_cast(sequence as integer) as leg_number, src as caller_number, dst as callee_number,
                case when {inbound} then 'inbound' when length(dst) <= 6 then 'internal' else 'outbound' end as direction,
                {e164(f"case when {inbound} then src when length(dst) > 6 then dst end")} as external_phone,
                case when {inbound}
                    then coalesce(nullif(regexp_extract(dstchannel, '^(?:SIP|PJSIP)/([^-]+)-', 1), ''), replace(dst, 'vmu', ''))
                    else src end as agent_key,
                {clock("start_at")} as started_at, {clock("answer_at")} as answered_at, {clock("end_at")} as ended_at,
                try_cast(duration as integer) as duration_s, try_cast(billsec as integer) as talk_s,
                case when lastapp = 'VoiceMail' and disposition = 'ANSWERED' then 'voicemail'
                    when disposition = 'ANSWERED' then 'answered' when disposition = 'BUSY' then 'busy'
                    when disposition = 'NO ANSWER' then 'no_answer' else 'failed' end as outcome
            from {csv(f"{extracts}/telephony/*/Master*.csv", CDR, encoding="latin-1")}
        ) to '{legs}' (compression lz4)""",
        repeated(legs, "leg_id"),
        f"""create temp table fct_calls as
        with folded as (
            select call_id, min(started_at) as started_at, max(ended_at) as ended_at,
                min(started_at) filter (where direction = 'inbound') as inbound_at,
                min(started_at) filter (where direction = 'outbound') as outbound_at, min(external_phone) as phone,
                coalesce(min(agent_key) filter (where outcome = 'answered'), min(agent_key)) as agent_key,
                max(duration_s) as longest_leg_s, max(talk_s) filter (where outcome = 'answered') as talk_s,
                min(case outcome when 'answered' then 1 when 'voicemail' then 2 when 'busy' then 3 when 'no_answer' then 4
                    else 5 end) as outcome_rank, count(*) as n_source_rows
            from {once(legs, "leg_id", "leg_id, started_at")} group by call_id)
        select call_id, coalesce(rep_id, 'unknown') as rep_id, person_id, account_id,
            case when outbound_at <= coalesce(inbound_at, outbound_at) then 'outbound'
                when inbound_at is not null then 'inbound' else 'internal' end as direction_code, started_at,
            greatest(coalesce(cast(epoch(ended_at) - epoch(started_at) as bigint), longest_leg_s, 0), 0) as duration_s,
            coalesce(talk_s, 0) as talk_s,
            ['answered', 'voicemail', 'busy', 'no_answer', 'failed'][outcome_rank] as outcome_code,
            outcome_rank = 1 and coalesce(talk_s, 0) >= 10 as is_conversation, n_source_rows
        from folded left join points on phone = value left join handles on agent_key = handle""",
    ]


def mails(extracts: str, out: str) -> list[str]:
    """Typed events, then one row a message and recipient with its seller and person."""
    types = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in MAIL.items()) + "}"
    events = f"{out}/email_event.parquet"
    first = {
        name: f"min(occurred_at) filter (where event_type = '{name}')"
        for name in ("sent", "delivered", "complained", "unsubscribed")
    }
    return [
        f"""copy (
            select sg_event_id as event_id, split_part(sg_message_id, '.', 1) as message_id, lower(trim(email)) as email,
                marketing_campaign_id as campaign_id, seller, reason, make_timestamp(timestamp * 1000000) as occurred_at,
                case event when 'processed' then 'sent'
                    when 'open' then case when lower(sg_machine_open) = 'true' then 'opened_machine' else 'opened' end
                    when 'click' then case when lower(useragent) like '%barracuda%' then 'clicked_machine' else 'clicked' end
                    when 'bounce' then case when type = 'blocked' then 'blocked' else 'bounced_hard' end
                    when 'dropped' then 'failed' when 'spamreport' then 'complained' when 'unsubscribe' then 'unsubscribed'
                    when 'group_unsubscribe' then 'unsubscribed' when 'group_resubscribe' then 'resubscribed'
                    else event end as event_type,
                marketing_campaign_id is not null or coalesce(category like '%bulk%', false) as is_automated
            from read_json('{extracts}/mailing/*/events*.jsonl', format = 'newline_delimited', columns = {types},
                ignore_errors = true)
            where sg_event_id is not null
        ) to '{events}' (compression lz4)""",
        repeated(events, "event_id"),
        f"""create temp table fct_email_sends as
        with folded as (
            select message_id, email, min(campaign_id) as campaign_id, min(seller) as seller, min(occurred_at) as first_at,
                {", ".join(f"{query} as {name}_at" for name, query in first.items())},
                bit_or(case event_type when 'bounced_hard' then {BOUNCED} when 'opened' then {READ + OPENED}
                    when 'opened_machine' then {READ} when 'clicked' then {READ + CLICKED} when 'clicked_machine' then {READ}
                    else 0 end + case when is_automated then {AUTOMATED} else 0 end) as marks, count(*) as n_source_rows
            from {once(events, "event_id", "event_id, occurred_at")} group by message_id, email)
        select message_id, email, campaign_id, person_id, account_id, coalesce(rep_id, 'unknown') as rep_id,
            coalesce(sent_at, first_at) as sent_at, delivered_at,
            coalesce(sent_at, delivered_at, complained_at, unsubscribed_at) is not null or marks & {BOUNCED + READ} <> 0
                as is_sent,
            (coalesce(delivered_at, complained_at, unsubscribed_at) is not null or marks & {READ} <> 0)
                and marks & {BOUNCED} = 0 as is_delivered,
            marks & {BOUNCED} <> 0 as is_bounced_hard, marks & {OPENED} <> 0 as is_opened, marks & {CLICKED} <> 0 as is_clicked,
            complained_at, unsubscribed_at, marks & {AUTOMATED} <> 0 as is_automated, n_source_rows
        from folded left join points on email = value left join handles on seller = handle
        where message_id is not null and email not like '%@{OWN_DOMAIN}'""",
    ]


def others(extracts: str) -> list[str]:
    """One row a meeting and attendee; the tasks that only the CRM knows; the revenue lines of the books."""
    return [
        # The highest SEQUENCE of a meeting counts; every calendar of the company writes Europe/Paris or UTC.
        f"""create temp table fct_meetings as
        with events as (
            select filename, unnest(string_split(
                replace(replace(content, chr(13), ''), chr(10) || ' ', ''), 'BEGIN:VEVENT')[2:]) as event
            from read_text('{extracts}/calendar/*/*.ics')),
        fields as (
            select filename, regexp_extract(event, '\\nUID:([^\\n]+)', 1) as uid,
                regexp_extract(event, '\\nRECURRENCE-ID[^:\\n]*:([^\\n]+)', 1) as occurrence,
                try_cast(regexp_extract(event, '\\nSEQUENCE:([0-9]+)', 1) as integer) as sequence,
                regexp_extract(event, '\\nDTSTART[^:\\n]*:([0-9T]+Z?)', 1) as start_text,
                regexp_extract(event, '\\nSTATUS:([A-Z]+)', 1) as status,
                unnest(regexp_extract_all(event, '\\n(ATTENDEE[^\\n]*mailto:[^\\n]+)', 1)) as attendee
            from events),
        attendances as (
            select *, lower(regexp_extract(attendee, 'mailto:(.+)', 1)) as email from fields
            qualify row_number() over (
                partition by uid, occurrence, email order by sequence desc nulls last, filename desc) = 1)
        select uid, occurrence, email, case when start_text like '%Z' then try_strptime(start_text, '%Y%m%dT%H%M%SZ')
                else {utc("try_strptime(start_text, '%Y%m%dT%H%M%S')")} end as starts_at,
            status not in ('CANCELLED', 'TENTATIVE') and attendee not like '%PARTSTAT=DECLINED%' as is_confirmed
        from attendances where split_part(email, '@', 2) <> '{OWN_DOMAIN}'""",
        # The dialler and the bulk mailer are known by their own files.
        latest(
            "tasks",
            csv(f"{extracts}/crm/*/Task.csv"),
            """Id, WhoId, Status, IsDeleted, try_cast(coalesce(CompletedDateTime, ActivityDate) as timestamp) as done_at,
            CompletedDateTime is null as is_day_only, try_cast(CallDurationInSeconds as integer) as duration_s,
            case when TaskSubtype = 'Email' then 'email' when TaskSubtype = 'Call' then 'voice' else 'social' end as channel""",
            "Id",
            "LastModifiedDate",
            """CallObject is null and CallType is distinct from 'Inbound'
            and (TaskSubtype in ('Email', 'Call') or Type in ('LinkedIn', 'SMS')) and TaskSubtype is distinct from 'ListEmail'""",
        ),
        f"""create temp table fct_ledger_revenues as
        select try_strptime(EcritureDate, '%Y%m%d') as entry_on, CompteNum as account_number,
            try_cast(replace(Credit, ',', '.') as decimal(18, 4)) - try_cast(replace(Debit, ',', '.') as decimal(18, 4))
                as revenue_amount
        from {csv(f"{extracts}/ledger/*.txt", delimiter=TAB, encoding="latin-1", more=", strict_mode = false")}
        where CompteNum like '70%' and CompteNum not like '701%' and CompteNum not like '70705%'
            and JournalCode not in ('AN', 'ANO', 'AD', 'RAN')""",
    ]


TOUCHES = [
    """create temp table touches as
    select person_id, 'voice' as channel, started_at as happened_at, is_conversation as is_effective
    from fct_calls
    where person_id is not null
        and (direction_code = 'outbound' and outcome_code <> 'failed'
            or direction_code = 'inbound' and outcome_code = 'answered')
    union all
    select person_id, 'email', sent_at, is_delivered from fct_email_sends
    where person_id is not null and is_sent and not is_automated""",
    # A mail or call that the CRM logged is a copy when the person has one in the system within five minutes of it.
    """create temp table logged as
    select person_id, channel, done_at as happened_at, is_day_only,
        case channel when 'voice' then coalesce(duration_s, 0) >= 10 else channel = 'email' end as is_effective
    from tasks inner join persons on WhoId = persons.id where Status = 'Completed' and tasks.IsDeleted is distinct from 'true'""",
    """insert into touches
    select person_id, channel, happened_at, is_effective from logged
    anti join (
        select person_id, 'email' as channel, sent_at as event_at from fct_email_sends where is_sent
        union all
        select person_id, 'voice', started_at from fct_calls) as events
        on logged.person_id = events.person_id and logged.channel = events.channel
        and (abs(epoch(happened_at) - epoch(event_at)) <= 300 or is_day_only and cast(happened_at as date) = cast(event_at as date))
    union all
    select person_id, 'meeting', starts_at, true from fct_meetings inner join points on email = value
    where person_id is not null and is_confirmed and starts_at < """
    + AS_OF,
    f"""create temp table cadences as
    with timed as (
        select lead_id, count(*) filter (where happened_at >= created_at and happened_at < created_at + interval 30 day) as n_touches,
            min(happened_at) filter (where is_effective) as first_effective_at,
            min(happened_at) filter (where is_effective and happened_at >= created_at) as first_effective_after_at
        from touches inner join fct_leads using (person_id) where happened_at < {AS_OF} group by lead_id)
    select channel_code, size_band_code, created_at, cast(date_trunc('month', created_at) as date) as period_month,
        created_at <= {AS_OF} - interval 30 day as is_matured, created_at <= {AS_OF} - interval 1 day as is_older_24h,
        is_converted and (converted_at is null or converted_at < {AS_OF}) as is_converted,
        is_converted and converted_at is null as is_conversion_undated,
        coalesce(is_converted and converted_at < {AS_OF} and cast(converted_at as date) >= created_on
            and converted_at < created_at + interval 30 day, false) as is_converted_in_window,
        coalesce(n_touches, 0) as n_touches, case when first_effective_at >= created_at
            then cast(epoch(first_effective_at) - epoch(created_at) as bigint) / 3600 end as ttf_hours,
        case when created_at is null then 'not_dated' when first_effective_at is null then 'never_contacted'
            when first_effective_at < created_at then 'negative_ttf' else 'contacted' end as ttf_status_code,
        coalesce(first_effective_after_at <= created_at + interval 1 day, false) as is_contacted_24h
    from fct_leads left join timed using (lead_id) where created_at < {AS_OF} or created_at is null""",
]
