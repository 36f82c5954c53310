-- Values that cannot be true, and values far from the others with why: an error leaves the data, an extreme stays. An
-- extreme is above the 99th percentile, more than 3.5 robust deviations from the median, or moves the line of
-- conversion on touches by itself (Cook's distance over 4 / n). Of several classes the first holds: error, risk,
-- exceptional, opportunity, risk_to_review; what a person decided holds before all of them.
{% set robust_bar = '3.5' %}
{% set alone = '1e-9' %}

with durations as (
    select
        legs.record_key,
        'call_duration_s' as metric_code,
        least(
            coalesce(legs.duration_s, 0), coalesce(legs.talk_s, 0),
            {{ seconds_between('legs.started_at', 'legs.ended_at') }}
        ) as metric_value
    from {{ ref('stg_telephony__call_legs') }} as legs
    where {{ is_backward_leg('legs') }}
    union all
    select
        record_key,
        'meeting_duration_s' as metric_code,
        duration_s as metric_value
    from {{ ref('int_attendee_fates') }}
    where duration_s < 0 and coalesce(reason_code, 'outlier_error') = 'outlier_error'
),

-- The same event twice in one file: the second is set aside when it is collected, so it never was in the data.
repeated_events as (
    select
        _delivery_id || ':' || cast(_source_row_id as string) || ':' || cast(_record_part as string) as record_key,
        count(*) as n_rows
    from {{ source('collect', 'dispositions') }}
    where
        contract in ('calendar_event', 'crm_activity', 'email_event', 'telephony_call_leg')
        and reason_code in ('exact_duplicate', 'repeated_event', 'duplicate_by_declared_key')
        and _delivery_id = winner_delivery_id
    group by _delivery_id || ':' || cast(_source_row_id as string) || ':' || cast(_record_part as string)
),

cadences as (
    select
        cadences.lead_id,
        cadences.account_id,
        leads.person_id,
        cast(cadences.n_effective_touches as double) as n_touches,
        case when cadences.is_converted then 1.0 else 0.0 end as is_success
    from {{ ref('fct_lead_cadences') }} as cadences
    inner join {{ ref('fct_leads') }} as leads on cadences.lead_id = leads.lead_id
    where cadences.is_matured
),

-- The simple regression of conversion on touches from its sums: whole numbers, so that no order of rows shows.
sums as (
    select
        cast(count(*) as double) as n_leads,
        sum(n_touches) as sum_x,
        sum(n_touches * n_touches) as sum_xx,
        sum(is_success) as sum_y,
        sum(n_touches * is_success) as sum_xy
    from cadences
),

spreads as (
    select
        n_leads,
        sum_x / n_leads as mean_x,
        sum_y / n_leads as mean_y,
        sum_xx - sum_x * sum_x / n_leads as spread_xx,
        sum_xy - sum_x * sum_y / n_leads as spread_xy,
        sum_y - sum_y * sum_y / n_leads as spread_yy
    from sums
    where n_leads >= 3
),

lines as (
    select
        n_leads,
        mean_x,
        mean_y,
        spread_xx,
        spread_xy / spread_xx as slope,
        (spread_yy - spread_xy * spread_xy / spread_xx) / (n_leads - 2) as residual_variance
    from spreads
    where spread_xx > 0
),

influences as (
    select
        cadences.lead_id,
        lines.n_leads,
        1 / lines.n_leads + (cadences.n_touches - lines.mean_x) * (cadences.n_touches - lines.mean_x) / lines.spread_xx
            as leverage,
        cadences.is_success - lines.mean_y - lines.slope * (cadences.n_touches - lines.mean_x) as residual,
        lines.residual_variance
    from cadences
    cross join lines
),

measured as (
    select
        'touches_per_lead' as metric_code,
        cadences.lead_id as record_key,
        cadences.account_id,
        cadences.person_id,
        cadences.n_touches as metric_value,
        cadences.is_success > 0 as is_success,
        influences.leverage,
        4 / influences.n_leads as influence_threshold,
        case
            when influences.residual_variance > {{ alone }} and 1 - influences.leverage > {{ alone }}
                then
                    influences.residual * influences.residual * influences.leverage
                    / (2 * influences.residual_variance * (1 - influences.leverage) * (1 - influences.leverage))
        end as cooks_distance
    from cadences
    left join influences on cadences.lead_id = influences.lead_id
    union all
    select
        'opportunity_amount' as metric_code,
        opportunity_id as record_key,
        account_id,
        cast(null as string) as person_id,
        cast(amount_reporting as double) as metric_value,
        is_won as is_success,
        cast(null as double) as leverage,
        cast(null as double) as influence_threshold,
        cast(null as double) as cooks_distance
    from {{ ref('int_opportunities') }}
    where amount_reporting > 0 and (is_open or is_won) and not is_amount_impossible
),

medians as (
    select
        metric_code,
        cast({{ metric_median('metric_value') }} as double) as median_value,
        cast({{ metric_quantile('metric_value', 0.99) }} as double) as q99_value
    from measured
    group by metric_code
),

deviations as (
    select
        measured.metric_code,
        cast({{ metric_median('abs(measured.metric_value - medians.median_value)') }} as double) as mad_value
    from measured
    inner join medians on measured.metric_code = medians.metric_code
    group by measured.metric_code
),

placed as (
    select
        measured.*,
        medians.median_value,
        medians.q99_value,
        case
            when deviations.mad_value > 0
                then abs(measured.metric_value - medians.median_value) / (1.4826 * deviations.mad_value)
        end as robust_z
    from measured
    inner join medians on measured.metric_code = medians.metric_code
    inner join deviations on measured.metric_code = deviations.metric_code
),

detected as (
    select
        *,
        coalesce(robust_z > {{ robust_bar }}, false) as is_far,
        metric_value > q99_value as is_above_q99,
        coalesce(cooks_distance > influence_threshold, false) as is_influential,
        coalesce(1 - leverage <= {{ alone }}, false) as is_leverage_one
    from placed
),

disputes as (
    select distinct bearers.person_id
    from {{ ref('stg_crm__consents') }} as consents
    inner join {{ ref('int_person_attributes') }} as bearers on consents.email = bearers.email
    where consents.status = 'litigation' and not consents.is_deleted
),

complaints as (
    select distinct person_id
    from {{ ref('fct_email_sends') }}
    where is_complained
),

risky as (
    select person_id from disputes
    union
    select person_id from complaints
),

risky_accounts as (
    select distinct persons.account_id
    from {{ ref('dim_persons') }} as persons
    inner join risky on persons.person_id = risky.person_id
    where persons.account_id <> 'unknown'
),

judged as (
    select
        detected.metric_code,
        detected.record_key,
        detected.metric_value,
        detected.robust_z,
        detected.q99_value as threshold_value,
        detected.cooks_distance,
        detected.influence_threshold,
        detected.is_far,
        detected.is_above_q99,
        detected.is_influential,
        detected.is_leverage_one,
        case
            when disputes.person_id is not null then 'dispute'
            when complaints.person_id is not null then 'complaint'
            when persons.is_email_opted_out or persons.is_call_opted_out then 'opt_out'
            when detected.person_id is null and risky_accounts.account_id is not null then 'complaint_or_dispute'
            when accounts.is_strategic then 'strategic_account'
            when detected.is_success then 'converted'
            else 'unexplained'
        end as reason_code
    from detected
    left join {{ ref('dim_persons') }} as persons on detected.person_id = persons.person_id
    left join disputes on detected.person_id = disputes.person_id
    left join complaints on detected.person_id = complaints.person_id
    left join risky_accounts on detected.account_id = risky_accounts.account_id
    left join {{ ref('dim_accounts') }} as accounts on detected.account_id = accounts.account_id
    where detected.is_far or detected.is_above_q99 or detected.is_influential or detected.is_leverage_one
),

impossible as (
    select
        metric_code,
        source_stream_code || ':' || source_key as record_key,
        cast(n_touches as double) as metric_value,
        cast({{ outlier_bar('touches_an_hour') }} as double) as threshold_value,
        'impossible_pace' as reason_code
    from {{ ref('int_touch_outliers') }}
    where n_touches is not null
    union all
    select
        metric_code,
        record_key,
        cast(metric_value as double) as metric_value,
        cast(0 as double) as threshold_value,
        'negative_duration' as reason_code
    from durations
    union all
    select
        'opportunity_amount' as metric_code,
        opportunity_id as record_key,
        cast(amount_reporting as double) as metric_value,
        error_threshold as threshold_value,
        'amount_times_1000' as reason_code
    from {{ ref('int_opportunities') }}
    where is_amount_impossible
    union all
    select
        'event_id' as metric_code,
        record_key,
        cast(n_rows + 1 as double) as metric_value,
        cast(1 as double) as threshold_value,
        'repeated_event_id' as reason_code
    from repeated_events
),

found as (
    select
        metric_code,
        record_key,
        metric_value,
        cast(null as double) as robust_z,
        threshold_value,
        cast(null as double) as cooks_distance,
        cast(null as double) as influence_threshold,
        false as is_far,
        false as is_above_q99,
        false as is_influential,
        false as is_leverage_one,
        'error' as class_code,
        reason_code
    from impossible
    union all
    select
        metric_code,
        record_key,
        metric_value,
        robust_z,
        threshold_value,
        cooks_distance,
        influence_threshold,
        is_far,
        is_above_q99,
        is_influential,
        is_leverage_one,
        case
            when reason_code in ('dispute', 'complaint', 'opt_out', 'complaint_or_dispute') then 'risk'
            when reason_code = 'strategic_account' then 'exceptional'
            when reason_code = 'converted' then 'opportunity'
            else 'risk_to_review'
        end as class_code,
        reason_code
    from judged
),

decided as (
    select
        metric_code,
        record_key,
        class_code,
        author
    from {{ source('stewardship', 'outlier_classes') }}
    where status = 'active'
),

-- What a person alone calls an error is measured no more, because it has left the data: the decision is what is known.
classed as (
    select
        coalesce(found.metric_code, decided.metric_code) as metric_code,
        coalesce(found.record_key, decided.record_key) as record_key,
        found.metric_value,
        found.robust_z,
        found.threshold_value,
        found.cooks_distance,
        found.influence_threshold,
        coalesce(found.is_far, false) as is_far,
        coalesce(found.is_above_q99, false) as is_above_q99,
        coalesce(found.is_influential, false) as is_influential,
        coalesce(found.is_leverage_one, false) as is_leverage_one,
        found.class_code as rule_class_code,
        coalesce(decided.class_code, found.class_code) as class_code,
        coalesce(found.reason_code, 'decided') as reason_code,
        coalesce(decided.author, 'rule') as actor
    from found
    full outer join decided on found.metric_code = decided.metric_code and found.record_key = decided.record_key
),

ranked as (
    select
        *,
        row_number() over (
            order by
                case when class_code = 'error' then 1 else 0 end asc,
                cooks_distance desc nulls last,
                robust_z desc nulls last,
                metric_value desc nulls last,
                metric_code asc,
                record_key asc
        ) as place
    from classed
)

select
    metric_code || ':' || record_key as outlier_key,
    record_key,
    metric_code,
    {{ rounded('metric_value', 4) }} as metric_value,
    {{ rounded('robust_z', 4) }} as robust_z,
    {{ rounded('cooks_distance', 6) }} as cooks_distance,
    {{ rounded('influence_threshold', 6) }} as influence_threshold,
    {{ rounded('threshold_value', 4) }} as threshold_value,
    is_far,
    is_above_q99,
    is_influential,
    is_leverage_one,
    rule_class_code,
    class_code,
    reason_code,
    case
        when class_code = 'error' then 'correct_at_source'
        when class_code = 'risk' then 'propose_exclusion'
        when class_code = 'exceptional' then 'handle_apart'
        when class_code = 'opportunity' then 'document_tactic'
        else 'review'
    end as action_code,
    cast(case when place <= 5 and class_code <> 'error' then place end as int) as top_rank,
    actor
from ranked
