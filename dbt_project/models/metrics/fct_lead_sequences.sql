-- Days of the company's zone: the steps of a sequence are days. Exceptions have no sequence to keep: leads that refuse
-- contact in its days, those of whom nobody knows since when they refuse, and those that convert before its end.
with windowed as (
    select
        cadences.lead_id,
        leads.person_id,
        cadences.rep_id,
        cadences.channel_code,
        cadences.size_band_code,
        cadences.created_on,
        cadences.created_at,
        settings.as_of,
        templates.template_code,
        templates.window_days,
        templates.min_touches,
        templates.max_touches,
        templates.min_channels,
        templates.max_mails_a_day
    from {{ ref('fct_lead_cadences') }} as cadences
    inner join {{ ref('fct_leads') }} as leads on cadences.lead_id = leads.lead_id
    inner join {{ ref('cadence_templates') }} as templates
        on cadences.channel_code = templates.channel_code and cadences.size_band_code = templates.size_band_code
    cross join {{ run_settings() }} as settings
    where
        cadences.is_dated
        and {{ days_between('cadences.created_on', 'settings.cycle_end') }} > templates.window_days
        and not coalesce(
            leads.converted_at < settings.as_of
            and {{ days_between('cadences.created_on', 'leads.converted_on') }} <= templates.window_days,
            false
        )
),

refusals as (
    select
        refusals.person_id,
        refusals.ends_at,
        {{ local_day('refusals.refused_at', 'settings.timezone') }} as refused_on
    from {{ ref('int_contact_refusals') }} as refusals
    cross join {{ run_settings() }} as settings
    where refusals.refused_at < settings.as_of
),

-- A refusal that was over when the lead was created, or came after the last day, leaves the sequence as it was.
refusing as (
    select distinct windowed.lead_id
    from windowed
    inner join refusals on windowed.person_id = refusals.person_id
    where
        (refusals.ends_at is null or refusals.ends_at > windowed.created_at)
        and {{ days_between('windowed.created_on', 'refusals.refused_on') }} <= windowed.window_days
),

eligible as (
    select windowed.*
    from windowed
    left join refusing on windowed.lead_id = refusing.lead_id
    left join {{ ref('int_undated_refusals') }} as undated on windowed.person_id = undated.person_id
    where refusing.lead_id is null and undated.person_id is null
),

touch_days as (
    select
        eligible.lead_id,
        eligible.template_code,
        touches.channel_code,
        {{ days_between('eligible.created_on', 'touches.occurred_on') }} as days_after,
        count(*) as n_touches
    from {{ ref('fct_touches') }} as touches
    inner join eligible on touches.lead_id = eligible.lead_id
    where
        touches.occurred_at < eligible.as_of
        and {{ days_between('eligible.created_on', 'touches.occurred_on') }} >= 0
        and {{ days_between('eligible.created_on', 'touches.occurred_on') }} <= eligible.window_days
    group by
        eligible.lead_id, eligible.template_code, touches.channel_code,
        {{ days_between('eligible.created_on', 'touches.occurred_on') }}
),

touched as (
    select
        lead_id,
        sum(n_touches) as n_touches,
        count(distinct channel_code) as n_channels,
        max(case when channel_code = 'email' then n_touches else 0 end) as n_mails_a_day
    from touch_days
    group by lead_id
),

kept as (
    select
        touch_days.lead_id,
        count(distinct steps.step_number) as n_steps_kept
    from touch_days
    inner join {{ ref('cadence_steps') }} as steps on touch_days.template_code = steps.template_code
    where abs(touch_days.days_after - steps.day_offset) <= 1
    group by touch_days.lead_id
),

planned as (
    select
        template_code,
        count(*) as n_steps
    from {{ ref('cadence_steps') }}
    group by template_code
)

select
    eligible.lead_id,
    eligible.rep_id,
    eligible.channel_code,
    eligible.size_band_code,
    eligible.template_code,
    eligible.created_on,
    cast(coalesce(touched.n_touches, 0) as bigint) as n_touches,
    cast(coalesce(touched.n_channels, 0) as bigint) as n_channels,
    cast(coalesce(touched.n_mails_a_day, 0) as bigint) as n_mails_a_day,
    coalesce(touched.n_touches, 0) >= eligible.min_touches
    and coalesce(touched.n_touches, 0) <= coalesce(eligible.max_touches, touched.n_touches, 0)
    and coalesce(touched.n_channels, 0) >= eligible.min_channels
    and coalesce(touched.n_mails_a_day, 0) <= eligible.max_mails_a_day as is_adherent,
    cast(coalesce(planned.n_steps, 0) as bigint) as n_steps,
    cast(coalesce(kept.n_steps_kept, 0) as bigint) as n_steps_kept
from eligible
left join touched on eligible.lead_id = touched.lead_id
left join kept on eligible.lead_id = kept.lead_id
left join planned on eligible.template_code = planned.template_code
