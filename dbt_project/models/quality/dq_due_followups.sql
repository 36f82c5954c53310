-- Open leads whose sequence is running at the end of the cycle and has a step that is due and not done. A step is done
-- by a touch on its day or the day before or after, as in fct_lead_sequences, which judges the sequences that are over.
with refusing as (
    -- Whose refusal has ended may be followed again; one that the data know of binds, even when dated after as_of.
    select distinct refusals.person_id
    from {{ ref('int_contact_refusals') }} as refusals
    cross join {{ run_settings() }} as settings
    where refusals.ends_at is null or refusals.ends_at > settings.as_of
),

running as (
    select
        cadences.lead_id,
        leads.person_id,
        cadences.account_id,
        cadences.rep_id,
        cadences.channel_code,
        cadences.size_band_code,
        cadences.created_on,
        settings.as_of,
        templates.template_code,
        {{ days_between('cadences.created_on', 'settings.cycle_end') }} as age_days
    from {{ ref('fct_lead_cadences') }} as cadences
    cross join {{ run_settings() }} as settings
    inner join {{ ref('fct_leads') }} as leads on cadences.lead_id = leads.lead_id
    inner join {{ ref('cadence_templates') }} as templates
        on cadences.channel_code = templates.channel_code and cadences.size_band_code = templates.size_band_code
    left join refusing on leads.person_id = refusing.person_id
    left join {{ ref('int_undated_refusals') }} as undated on leads.person_id = undated.person_id
    where
        cadences.is_dated
        and not cadences.is_converted
        and leads.status_code <> 'disqualified'
        and refusing.person_id is null
        and undated.person_id is null
        and {{ days_between('cadences.created_on', 'settings.cycle_end') }} <= templates.window_days
),

due_steps as (
    select
        running.lead_id,
        steps.step_number,
        steps.day_offset,
        running.age_days - steps.day_offset as days_late
    from running
    inner join {{ ref('cadence_steps') }} as steps on running.template_code = steps.template_code
    where steps.day_offset <= running.age_days
),

touch_days as (
    select
        running.lead_id,
        {{ days_between('running.created_on', 'touches.occurred_on') }} as days_after,
        max(touches.occurred_on) as touched_on
    from {{ ref('fct_touches') }} as touches
    inner join running on touches.lead_id = running.lead_id
    where touches.occurred_at < running.as_of
    group by running.lead_id, {{ days_between('running.created_on', 'touches.occurred_on') }}
),

done as (
    select distinct
        due_steps.lead_id,
        due_steps.step_number
    from due_steps
    inner join touch_days on due_steps.lead_id = touch_days.lead_id
    where abs(touch_days.days_after - due_steps.day_offset) <= 1
),

last_touches as (
    select
        lead_id,
        max(touched_on) as last_touch_on
    from touch_days
    group by lead_id
),

counted as (
    select
        due_steps.lead_id,
        count(*) as n_steps_due,
        count(done.step_number) as n_steps_done,
        max(case when done.step_number is null then due_steps.days_late end) as days_late
    from due_steps
    left join done on due_steps.lead_id = done.lead_id and due_steps.step_number = done.step_number
    group by due_steps.lead_id
)

select
    running.lead_id,
    running.account_id,
    running.rep_id,
    running.channel_code,
    running.size_band_code,
    running.template_code,
    running.created_on,
    cast(counted.n_steps_due as bigint) as n_steps_due,
    cast(counted.n_steps_done as bigint) as n_steps_done,
    cast(counted.days_late as bigint) as days_late,
    last_touches.last_touch_on,
    coalesce(
        contactability.is_voice_allowed or contactability.is_mail_allowed or contactability.is_social_allowed, false
    ) as is_contactable,
    least(
        contactability.voice_next_slot_at, contactability.mail_next_slot_at, contactability.social_next_slot_at
    ) as next_slot_at
from running
inner join counted on running.lead_id = counted.lead_id
left join last_touches on running.lead_id = last_touches.lead_id
left join {{ ref('dq_contactability') }} as contactability on running.person_id = contactability.person_id
where counted.n_steps_done < counted.n_steps_due
