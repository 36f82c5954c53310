-- Who answered: the record named, else the owner of the mailbox. An answer of nobody known stays, on its own.
with responses as (
    select
        responses.*,
        {{ instant_of('responses.answered_at', 'responses.answered_at_precision', 'settings.timezone') }}
            as answered_instant,
        settings.timezone as company_timezone,
        {{ record_key('responses.source_instance', 'crm_account', 'responses.account_id') }} as account_record_key,
        {{ record_key('responses.source_instance', 'erp_customer', 'responses.customer_id') }}
            as customer_record_key,
        responses.source_instance || '/crm_' || coalesce(responses.person_type, 'contact') || '/'
        || responses.person_id as person_record_key
    from {{ ref('stg_survey__responses') }} as responses
    cross join {{ run_settings() }} as settings
    where {{ nps_response_exclusion('responses') }} is null
),

placed as (
    select
        responses.record_key as response_key,
        responses.survey as survey_name,
        coalesce(responses.channel, 'other') as channel_code,
        responses.score,
        responses.answered_instant as answered_at,
        {{ local_day('responses.answered_instant', 'responses.company_timezone') }} as answered_on,
        coalesce(nullif(persons.person_id, 'unknown'), points.person_id, 'unknown') as person_id,
        coalesce(
            nullif(own_accounts.account_id, 'unknown'), nullif(own_customers.account_id, 'unknown'),
            accounts.account_id, customers.account_id, named_persons.account_id, points.account_id, 'unknown'
        ) as account_id
    from responses
    left join {{ ref('xref_persons') }} as persons on responses.person_record_key = persons.record_key
    left join {{ ref('dim_persons') }} as named_persons
        on persons.person_id = named_persons.person_id and named_persons.account_id <> 'unknown'
    left join {{ ref('bridge_person_contact_points') }} as points
        on points.contact_kind = 'email' and responses.email = points.contact_value
    left join {{ ref('xref_accounts') }} as own_accounts on responses.account_record_key = own_accounts.record_key
    left join {{ ref('xref_accounts') }} as own_customers
        on responses.customer_record_key = own_customers.record_key
    left join {{ named_accounts() }} as accounts
        on accounts.contract = 'crm_account' and responses.account_id = accounts.source_record_id
    left join {{ named_accounts() }} as customers
        on customers.contract = 'erp_customer' and responses.customer_id = customers.source_record_id
)

select
    placed.response_key,
    placed.survey_name,
    placed.channel_code,
    placed.person_id,
    case when placed.person_id = 'unknown' then 'answer:' || md5(placed.response_key) else placed.person_id end
        as respondent_key,
    placed.account_id,
    dim_accounts.size_band_code,
    cast(placed.score as int) as score,
    placed.answered_at,
    placed.answered_on
from placed
inner join {{ ref('dim_accounts') }} as dim_accounts on placed.account_id = dim_accounts.account_id
