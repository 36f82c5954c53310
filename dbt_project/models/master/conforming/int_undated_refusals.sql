-- A flag that no date explains holds for good, whatever became of other refusals. Contacts of such a person cannot be
-- told to come before or after it, and at a landmark he counts as refusing already.
with dated as (
    select
        person_id,
        bool_or(channel_code = 'email') as is_mail_dated,
        bool_or(channel_code = 'voice') as is_call_dated
    from {{ ref('int_contact_refusals') }}
    where is_of_flag
    group by person_id
),

undated_records as (
    select
        person_id,
        bool_or(is_email_undated) as is_mail_undated,
        bool_or(is_call_undated) as is_call_undated
    from {{ ref('int_person_attributes') }}
    where is_email_undated or is_call_undated
    group by person_id
),

flagged as (
    select
        persons.person_id,
        coalesce(persons.is_email_opted_out, false)
        and (coalesce(undated_records.is_mail_undated, false) or not coalesce(dated.is_mail_dated, false))
            as is_mail_undated,
        coalesce(persons.is_call_opted_out, false)
        and (coalesce(undated_records.is_call_undated, false) or not coalesce(dated.is_call_dated, false))
            as is_call_undated
    from {{ ref('dim_persons') }} as persons
    left join dated on persons.person_id = dated.person_id
    left join undated_records on persons.person_id = undated_records.person_id
    where persons.is_email_opted_out or persons.is_call_opted_out
)

select
    person_id,
    is_mail_undated,
    is_call_undated
from flagged
where is_mail_undated or is_call_undated
