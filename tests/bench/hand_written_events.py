"""Hand-written script, second part: calls, mails, meetings and logged tasks to touches and the cadence of each lead.

Every aggregate over events is a minimum, a maximum or an "any", which a repeated event does not change: the event files
are read once, straight into one row a call or a message, without a step that looks for repeats.
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
    "email": "VARCHAR", "timestamp": "BIGINT", "event": "VARCHAR", "category": "VARCHAR", "sg_message_id": "VARCHAR",
    "type": "VARCHAR", "marketing_campaign_id": "VARCHAR",
}  # fmt: skip
TAB = "\t"
#: Bits of what happened to a message.
SENT, DELIVERED, BOUNCED, READ, COMPLAINED, LEFT, AUTOMATED = 1, 2, 4, 8, 16, 32, 64


def utc(column: str) -> str:
    """UTC of a wall clock in Paris."""
    return f"timezone('Europe/Paris', {column}) at time zone 'UTC'"


def calls(extracts: str) -> list[str]:
    """One row a call."""
    inbound = "dcontext like 'from-trunk%'"
    return [
        f"""create temp table fct_calls as
        with folded as (
            select coalesce(linkedid, uniqueid) as call_id, min(try_cast(start_at as timestamp)) as started_at,
                min(try_cast(start_at as timestamp)) filter (where {inbound}) as inbound_at,
                min(try_cast(start_at as timestamp)) filter (where not {inbound} and length(dst) > 6) as outbound_at,
                min(case when {inbound} then src when length(dst) > 6 then dst end) as phone,
                max(try_cast(billsec as integer)) filter (where disposition = 'ANSWERED' and lastapp <> 'VoiceMail') as talk_s,
                min(case when disposition = 'ANSWERED' and lastapp <> 'VoiceMail' then 1 when disposition = 'ANSWERED' then 2
                    when disposition in ('BUSY', 'NO ANSWER') then 3 else 4 end) as outcome_rank
            from {csv(f"{extracts}/telephony/*/Master*.csv", CDR, encoding="latin-1")}
            group by 1)
        select call_id, person_id, {utc("started_at")} as started_at, coalesce(talk_s, 0) as talk_s,
            case when outbound_at <= coalesce(inbound_at, outbound_at) then 'outbound'
                when inbound_at is not null then 'inbound' else 'internal' end as direction,
            ['answered', 'voicemail', 'missed', 'failed'][outcome_rank] as outcome,
            outcome_rank = 1 and coalesce(talk_s, 0) >= 10 as is_conversation
        from folded left join points on {e164("phone")} = value""",
    ]


def mails(extracts: str) -> list[str]:
    """One row a message and recipient."""
    types = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in MAIL.items()) + "}"
    return [
        f"""create temp table fct_email_sends as
        with events as (
            select split_part(sg_message_id, '.', 1) as message_id, email, timestamp as second,
                case event when 'processed' then {SENT} when 'delivered' then {DELIVERED} when 'open' then {READ}
                    when 'click' then {READ} when 'spamreport' then {COMPLAINED} when 'unsubscribe' then {LEFT}
                    when 'group_unsubscribe' then {LEFT}
                    when 'bounce' then case when type is distinct from 'blocked' then {BOUNCED} else 0 end
                    else 0 end as mark,
                case when marketing_campaign_id is not null or category like '%bulk%' then {AUTOMATED} else 0 end as sending
            from read_json('{extracts}/mailing/*/events*.jsonl', format = 'newline_delimited', columns = {types},
                ignore_errors = true)),
        folded as (
            select message_id, email, min(second) as first_s, min(case when mark = {SENT} then second end) as sent_s,
                min(case when mark = {COMPLAINED} then second end) as complained_s,
                min(case when mark = {LEFT} then second end) as left_s, bit_or(mark + sending) as marks
            from events group by message_id, email)
        select message_id, person_id, account_id, make_timestamp(coalesce(sent_s, first_s) * 1000000) as sent_at,
            marks & {SENT + DELIVERED + BOUNCED + READ + COMPLAINED + LEFT} <> 0 as is_sent,
            marks & {DELIVERED + READ + COMPLAINED + LEFT} <> 0 and marks & {BOUNCED} = 0 as is_delivered,
            marks & {BOUNCED} <> 0 as is_bounced_hard, make_timestamp(complained_s * 1000000) as complained_at,
            make_timestamp(left_s * 1000000) as unsubscribed_at, marks & {AUTOMATED} <> 0 as is_automated
        from folded left join points on lower(trim(email)) = value
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
        and (direction = 'outbound' and outcome <> 'failed' or direction = 'inbound' and outcome = 'answered')
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
