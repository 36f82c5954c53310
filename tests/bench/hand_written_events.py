"""Hand-written script, second part: typed calls, mails, meetings and tasks to touches and the cadence of each lead.

The events are kept typed, each once (an event that comes twice has one key): a call or message says of how many it is
made. Only keys that do repeat are looked at twice.
What does NOT belong here: who a number or an address belongs to (hand_written_records), marts (hand_written_marts).
"""

from tests.bench.hand_written_files import AS_OF, OWN_DOMAIN, csv, e164, latest, local_day, utc

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


def once(events: str, key: str, order: str) -> str:
    """The events of a Parquet file, each key once; `repeated` holds the keys that come more than once."""
    return f"""(select * from '{events}' anti join repeated using ({key}) union all
        select distinct on ({key}) * from '{events}' semi join repeated using ({key}) order by {order})"""


def repeated(events: str, key: str) -> str:
    """A table of the keys that come more than once."""
    return f"create or replace temp table repeated as select {key} from '{events}' group by {key} having count(*) > 1"


def tasks(extracts: str) -> list[str]:
    """What the sellers logged, with its person; a task without a time has the first instant of its day."""
    return [
        latest(
            "tasks",
            csv(f"{extracts}/crm/*/Task.csv"),
            """Id, WhoId, IsDeleted = 'true' as is_deleted, CallObject as call_id,
            try_cast(CompletedDateTime as timestamp) as done_at,
            case when CompletedDateTime is null then try_cast(ActivityDate as date) end as done_on,
            coalesce(CallType = 'Inbound', false) as is_inbound, try_cast(CallDurationInSeconds as integer) as duration_s,
            case when TaskSubtype = 'Email' then 'email' when TaskSubtype = 'Call' then 'voice' else 'other' end as channel""",
            "Id",
            "LastModifiedDate",
            "Status = 'Completed' and (TaskSubtype in ('Email', 'Call') or Type in ('LinkedIn', 'SMS'))",
        ),
        f"""create temp table logged as
        select tasks.Id as task, persons.person_id, call_id, coalesce(done_at, {utc("done_on")}) as done_at, done_on,
            is_inbound, duration_s, channel
        from tasks left join persons on WhoId = persons.id where is_deleted is distinct from true""",
    ]


def calls(extracts: str, out: str) -> list[str]:
    """Typed legs, then one row a call with its seller and person: the number's, or who the CRM says it was."""
    inbound, legs = "dcontext like 'from-trunk%'", f"{out}/telephony_call_leg.parquet"
    clocks = ("start_at", "answer_at", "end_at")
    return [
        f"""copy (
            select uniqueid || '#' || sequence as leg_id, coalesce(linkedid, uniqueid) as call_id,
                try_cast(sequence as integer) as leg_number, src as caller_number, dst as callee_number,
                case when {inbound} then 'inbound' when length(dst) <= 6 then 'internal' else 'outbound' end as direction,
                {e164(f"case when {inbound} then src when length(dst) > 6 then dst end")} as external_phone,
                case when {inbound}
                    then coalesce(nullif(regexp_extract(dstchannel, '^(?:SIP|PJSIP)/([^-]+)-', 1), ''), replace(dst, 'vmu', ''))
                    else src end as agent_key,
                {utc("start_at")} as started_at, {utc("answer_at")} as answered_at, {utc("end_at")} as ended_at,
                try_cast(duration as integer) as duration_s, try_cast(billsec as integer) as talk_s,
                case when lastapp = 'VoiceMail' and disposition = 'ANSWERED' then 'voicemail'
                    when disposition = 'ANSWERED' then 'answered' when disposition = 'BUSY' then 'busy'
                    when disposition = 'NO ANSWER' then 'no_answer' else 'failed' end as outcome
            from (
                select * replace ({", ".join(f"try_cast({c} as timestamp) as {c}" for c in clocks)})
                from {csv(f"{extracts}/telephony/*/Master*.csv", CDR, encoding="latin-1")})
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
            from {once(legs, "leg_id", "leg_id, started_at")}
            where not coalesce(duration_s < 0 or talk_s < 0 or ended_at < started_at, false) group by call_id),
        by_task as (
            select call_id, arg_min(person_id, task) as person_id from logged where call_id is not null group by call_id)
        select call_id, coalesce(rep_id, 'unknown') as rep_id, coalesce(points.person_id, by_task.person_id) as person_id,
            coalesce(points.account_id, person_accounts.account_id) as account_id,
            case when outbound_at <= coalesce(inbound_at, outbound_at) then 'outbound'
                when inbound_at is not null then 'inbound' else 'internal' end as direction_code, started_at,
            greatest(coalesce(cast(epoch(ended_at) - epoch(started_at) as bigint), longest_leg_s, 0), 0) as duration_s,
            coalesce(talk_s, 0) as talk_s,
            ['answered', 'voicemail', 'busy', 'no_answer', 'failed'][outcome_rank] as outcome_code,
            outcome_rank = 1 and coalesce(talk_s, 0) >= 10 as is_conversation, n_source_rows
        from folded left join points on phone = value left join handles on agent_key = handle
        left join by_task using (call_id) left join person_accounts on by_task.person_id = person_accounts.person_id""",
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
    """One row a meeting and attendee; the revenue lines of the books."""
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
            select *, lower(regexp_extract(attendee, 'mailto:(.+)', 1)) as email,
                try_strptime(rtrim(start_text, 'Z'), '%Y%m%dT%H%M%S') as start_clock
            from fields
            qualify row_number() over (
                partition by uid, occurrence, email order by sequence desc nulls last, filename desc) = 1)
        select uid, occurrence, email,
            case when start_text like '%Z' then start_clock else {utc("start_clock")} end as starts_at,
            status not in ('CANCELLED', 'TENTATIVE') and attendee not like '%PARTSTAT=DECLINED%' as is_confirmed
        from attendances where split_part(email, '@', 2) <> '{OWN_DOMAIN}'""",
        f"""create temp table fct_ledger_revenues as
        select try_strptime(EcritureDate, '%Y%m%d') as entry_on, CompteNum as account_number,
            try_cast(replace(Credit, ',', '.') as decimal(18, 4)) - try_cast(replace(Debit, ',', '.') as decimal(18, 4))
                as revenue_amount
        from {csv(f"{extracts}/ledger/*.txt", delimiter=TAB, encoding="latin-1", more=", strict_mode = false")}
        where CompteNum like '70%' and CompteNum not like '701%' and CompteNum not like '70705%'
            and JournalCode not in ('AN', 'ANO', 'AD', 'RAN')""",
    ]


#: The pairs in which each is the other's nearest; run again it finds them among the rest.
NEAREST = """insert into copies
    select task, channel, event from meetable
    anti join copies using (task) anti join copies as taken using (channel, event)
    where done_on is null
    qualify row_number() over (partition by task order by gap_s, event_at, event) = 1
        and row_number() over (partition by channel, event order by gap_s, done_at, task) = 1"""

TOUCHES = [
    # A task is a copy of the call whose id it names, else of a mail or call of its person within five minutes, nearest
    # first, or on its day when it has no time. An event has one copy.
    """create temp table copies as
    select task, 'voice' as channel, fct_calls.rowid as event from logged inner join fct_calls using (call_id)""",
    f"""create temp table meetable as
    with events as (
        select person_id, 'email' as channel, sent_at as event_at, rowid as event from fct_email_sends where is_sent
        union all
        select person_id, 'voice', started_at, rowid from fct_calls),
    free_tasks as (from logged anti join copies using (task) where person_id is not null and channel <> 'other'),
    free_events as (from events anti join copies using (channel, event))
    select task, person_id, channel, done_at, done_on, event, event_at,
        abs(epoch(event_at) - epoch(done_at)) as gap_s
    from free_tasks inner join free_events using (person_id, channel)
    where case when done_on is null then abs(epoch(event_at) - epoch(done_at)) <= 300
        when event_at >= done_at and event_at < done_at + interval 25 hour then {local_day("event_at")} = done_on
        else false end""",
    *[NEAREST] * 3,
    """insert into copies
    select task, channel, event from meetable anti join copies using (channel, event)
    where done_on is not null
    qualify dense_rank() over (partition by person_id, channel, done_on order by task)
        = dense_rank() over (partition by person_id, channel, done_on order by event_at, event)""",
    # Without a time a touch counts by its day.
    f"""create temp table touches as
    select person_id, started_at as happened_at, cast(null as date) as happened_on, is_conversation as is_effective
    from fct_calls
    where person_id is not null
        and (direction_code = 'outbound' and outcome_code <> 'failed'
            or direction_code = 'inbound' and outcome_code = 'answered')
    union all
    select person_id, sent_at, null, is_delivered from fct_email_sends
    where person_id is not null and is_sent and not is_automated
    union all
    select person_id, starts_at, null, true from fct_meetings inner join points on email = value
    where person_id is not null and is_confirmed and starts_at < {AS_OF}
    union all
    select person_id, done_at, done_on, case channel when 'voice' then coalesce(duration_s, 0) >= 10 else channel = 'email' end
    from logged anti join copies using (task)
    where person_id is not null and (not is_inbound or channel = 'voice' and duration_s > 0)""",
    f"""create temp table cadences as
    with paired as (
        select lead_id, happened_at, happened_on, is_effective,
            case when happened_on is null then happened_at >= created_at else happened_on >= created_on end as is_after,
            case when happened_on is null then happened_at < created_at + interval 30 day
                else happened_on <= created_on + 30 end as is_in_window,
            case when happened_on is null then happened_at <= created_at + interval 1 day
                else happened_on <= created_on + 1 end as is_in_a_day
        from touches inner join fct_leads using (person_id) where happened_at < {AS_OF}),
    timed as (
        select lead_id, count(*) filter (where is_after and is_in_window) as n_touches,
            min(happened_at) filter (where is_effective) as first_effective_at,
            min(happened_at) filter (where is_effective and happened_on is not null) as first_effective_day_at,
            bool_or(is_effective and not is_after) as has_effective_before,
            bool_or(is_effective and is_after and is_in_a_day) as is_contacted_24h
        from paired group by lead_id),
    judged as (
        select *, case when created_at is null then 'not_dated' when first_effective_at is null then 'never_contacted'
            when has_effective_before then 'negative_ttf' when first_effective_day_at = first_effective_at then 'day_only'
            else 'contacted' end as ttf_status_code
        from fct_leads left join timed using (lead_id) where created_at < {AS_OF} or created_at is null)
    select channel_code, size_band_code, created_at, cast(date_trunc('month', created_on) as date) as period_month,
        created_at <= {AS_OF} - interval 30 day as is_matured, created_at <= {AS_OF} - interval 1 day as is_older_24h,
        is_converted and (converted_at is null or converted_at < {AS_OF}) as is_converted,
        is_converted and converted_at is null as is_conversion_undated,
        coalesce(is_converted and converted_at < {AS_OF} and converted_on between created_on and created_on + 30, false)
            as is_converted_in_window,
        coalesce(n_touches, 0) as n_touches,
        case when ttf_status_code = 'contacted'
            then cast((epoch(first_effective_at) - epoch(created_at)) / 3600 as decimal(18, 4)) end as ttf_hours,
        ttf_status_code, coalesce(is_contacted_24h, false) as is_contacted_24h
    from judged""",
]
