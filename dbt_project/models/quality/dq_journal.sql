{{ config(materialized="view") }}

-- A view: its rows lie in the files and tables that they come from, and only readers of single rows need their ids.
-- Everything the run decided about a line, a record, a cell or an identity. No clock, and no run id in the id of an
-- entry: the same bytes and the same rules give the same entries. What a rule decides it decides as of the cycle; a
-- person's decision has its own date. Cells of equal content in one record are one row with their number.
with steward_pairs as (
    {{ steward_pairs() }}
),

-- A decision in force that a legal number contradicts is not obeyed: the golden ids tell.
refused as (
    select distinct steward_pairs.decision_id
    from steward_pairs
    where {{ is_violated('steward_pairs') }}
),

decisions as (
    select
        'line' as step_code,
        'rule' as actor_code,
        _delivery_id,
        _source_row_id,
        cast(null as int) as _record_part,
        cast(null as string) as contract,
        cast(null as string) as record_key,
        cast(null as string) as field_name,
        raw_line as value_before,
        cast(null as string) as value_after,
        reason_code,
        'quarantine' as action_code,
        cast(null as string) as comment_text,
        cast(null as timestamp) as decided_at,
        count(*) as n_decisions
    from {{ source('collect', 'quarantine_lines') }}
    group by _delivery_id, _source_row_id, raw_line, reason_code
    union all
    select
        'line' as step_code,
        author as actor_code,
        _delivery_id,
        _source_row_id,
        cast(null as int) as _record_part,
        cast(null as string) as contract,
        cast(null as string) as record_key,
        cast(null as string) as field_name,
        raw_line as value_before,
        repaired_line as value_after,
        'line_repaired' as reason_code,
        'correct' as action_code,
        comment as comment_text,
        cast(decided_on as timestamp) as decided_at,
        1 as n_decisions
    from {{ source('collect', 'repaired_lines') }}
    union all
    select
        'record' as step_code,
        'rule' as actor_code,
        _delivery_id,
        _source_row_id,
        _record_part,
        contract,
        cast(null as string) as record_key,
        cast(null as string) as field_name,
        cast(null as string) as value_before,
        winner_delivery_id || coalesce(':' || cast(winner_source_row_id as string), '') as value_after,
        reason_code,
        case disposition
            when 'quarantined' then 'quarantine'
            when 'superseded' then 'supersede'
            else 'exclude'
        end as action_code,
        cast(null as string) as comment_text,
        cast(null as timestamp) as decided_at,
        1 as n_decisions
    from {{ source('collect', 'dispositions') }}
    union all
    select
        'cell' as step_code,
        'rule' as actor_code,
        _delivery_id,
        _source_row_id,
        cast(null as int) as _record_part,
        contract,
        source_instance || '/' || contract || '/' || source_record_id as record_key,
        field,
        value_before,
        value_after,
        reason_code,
        action,
        cast(null as string) as comment_text,
        cast(null as timestamp) as decided_at,
        count(*) as n_decisions
    from {{ source('collect', 'changes') }}
    group by
        _delivery_id, _source_row_id, contract, source_instance, source_record_id, field, value_before, value_after,
        reason_code, action
    union all
    select
        'exclusion' as step_code,
        'rule' as actor_code,
        _delivery_id,
        _source_row_id,
        _record_part,
        contract,
        record_key,
        cast(null as string) as field_name,
        cast(null as string) as value_before,
        stream as value_after,
        reason_code,
        'exclude' as action_code,
        cast(null as string) as comment_text,
        cast(null as timestamp) as decided_at,
        1 as n_decisions
    from {{ ref('dq_exclusions') }}
    union all
    select
        'merge' as step_code,
        'rule' as actor_code,
        _delivery_id,
        _source_row_id,
        cast(null as int) as _record_part,
        contract,
        record_key,
        entity || '_id' as field_name,
        record_key as value_before,
        golden_id as value_after,
        reason_code,
        'merge' as action_code,
        cast(null as string) as comment_text,
        cast(null as timestamp) as decided_at,
        1 as n_decisions
    from {{ ref('dq_merges') }}
    union all
    -- Every decision ever taken: one that is not in force stays, with the reason why it is not.
    select
        'stewardship' as step_code,
        decided.author as actor_code,
        cast(null as string) as _delivery_id,
        cast(null as bigint) as _source_row_id,
        cast(null as int) as _record_part,
        split_part(decided.record_key, '/', 2) as contract,
        decided.record_key,
        coalesce(decided.field, decided.entity || '_id') as field_name,
        decided.other_record_key as value_before,
        case
            when decided.status not in ('active', 'to_confirm') then decided.status
            when refused.decision_id is not null then 'refused'
            else coalesce(decided.value, decided.decision_id)
        end as value_after,
        'steward_' || decided.kind as reason_code,
        case
            when
                decided.status not in ('active', 'to_confirm')
                or decided.kind = 'cannot_say'
                or refused.decision_id is not null
                then 'keep_flagged'
            when decided.kind = 'same' then 'merge'
            when decided.kind = 'override' then 'override'
            when decided.kind = 'group_link' then 'link'
            else 'keep_apart'
        end as action_code,
        decided.reason as comment_text,
        decided.decided_at,
        1 as n_decisions
    from {{ source('stewardship', 'decisions') }} as decided
    left join refused on decided.decision_id = refused.decision_id
    union all
    select
        'stewardship' as step_code,
        author as actor_code,
        cast(null as string) as _delivery_id,
        cast(null as bigint) as _source_row_id,
        cast(null as int) as _record_part,
        cast(null as string) as contract,
        record_key,
        metric_code as field_name,
        decision_id as value_before,
        case when status = 'active' then class_code else status end as value_after,
        'steward_outlier' as reason_code,
        case when class_code = 'error' and status = 'active' then 'exclude' else 'keep_flagged' end as action_code,
        reason as comment_text,
        decided_at,
        1 as n_decisions
    from {{ source('stewardship', 'outlier_classes') }}
    union all
    -- Calls and mails stay in their facts; what leaves is the touch. Activities have no fact but the touches.
    select
        'metric' as step_code,
        'rule' as actor_code,
        cast(null as string) as _delivery_id,
        cast(null as bigint) as _source_row_id,
        cast(null as int) as _record_part,
        case source_stream_code when 'call' then 'telephony_call_leg' else 'email_event' end as contract,
        source_stream_code || ':' || source_key as record_key,
        metric_code as field_name,
        cast(n_touches as string) as value_before,
        cast(null as string) as value_after,
        'outlier_error' as reason_code,
        'exclude' as action_code,
        cast(null as string) as comment_text,
        cast(null as timestamp) as decided_at,
        1 as n_decisions
    from {{ ref('int_touch_outliers') }}
    where is_error and source_stream_code <> 'activity'
    union all
    select
        'metric' as step_code,
        'rule' as actor_code,
        cast(null as string) as _delivery_id,
        cast(null as bigint) as _source_row_id,
        cast(null as int) as _record_part,
        'crm_lead' as contract,
        lead_id as record_key,
        'ttf_hours' as field_name,
        cast(first_effective_at as string) as value_before,
        cast(null as string) as value_after,
        ttf_status_code as reason_code,
        'null' as action_code,
        cast(null as string) as comment_text,
        cast(null as timestamp) as decided_at,
        1 as n_decisions
    from {{ ref('fct_lead_cadences') }}
    where ttf_status_code = 'negative_ttf'
    union all
    select
        'metric' as step_code,
        'rule' as actor_code,
        cast(null as string) as _delivery_id,
        cast(null as bigint) as _source_row_id,
        cast(null as int) as _record_part,
        'crm_lead' as contract,
        lead_id as record_key,
        'converted_at' as field_name,
        cast(null as string) as value_before,
        cast(null as string) as value_after,
        'conversion_undated' as reason_code,
        'keep_flagged' as action_code,
        cast(null as string) as comment_text,
        cast(null as timestamp) as decided_at,
        1 as n_decisions
    from {{ ref('fct_lead_cadences') }}
    where is_conversion_undated
)

select
    md5(
        decisions.step_code
        || '|' || coalesce(decisions._delivery_id, '')
        || '|' || coalesce(cast(decisions._source_row_id as string), '')
        || '|' || coalesce(cast(decisions._record_part as string), '')
        || '|' || coalesce(decisions.contract, '')
        || '|' || coalesce(decisions.record_key, '')
        || '|' || coalesce(decisions.field_name, '')
        || '|' || coalesce(decisions.value_before, '')
        || '|' || coalesce(decisions.value_after, '')
        || '|' || coalesce(decisions.reason_code, '')
        || '|' || decisions.action_code
    ) as journal_id,
    settings.run_id,
    settings.cycle,
    decisions.step_code,
    decisions._delivery_id,
    decisions._source_row_id,
    decisions._record_part,
    decisions.contract,
    decisions.record_key,
    decisions.field_name as field,  -- noqa: RF04
    decisions.value_before,
    decisions.value_after,
    decisions.reason_code,
    cast(null as string) as rule_id,
    settings.code_version as rule_version,
    decisions.action_code as action,  -- noqa: RF04
    decisions.actor_code as actor,
    coalesce(decisions.decided_at, settings.as_of) as decided_at,
    decisions.comment_text as comment,  -- noqa: RF04
    decisions.n_decisions
from decisions
cross join {{ run_settings() }} as settings
