-- Who answers twice in a month thought again: the last answer counts.
with ranked as (
    select
        responses.*,
        {{ first_of_month('responses.answered_on') }} as period_month,
        row_number() over (
            partition by responses.respondent_key, {{ first_of_month('responses.answered_on') }}
            order by responses.answered_at desc, responses.response_key desc
        ) as answer_rank
    from {{ ref('fct_nps_responses') }} as responses
    cross join {{ run_settings() }} as settings
    where responses.answered_at < settings.as_of
)

select
    respondent_key || '/' || {{ year_month_text('period_month') }} as respondent_month_key,
    respondent_key,
    account_id,
    size_band_code,
    channel_code,
    period_month,
    answered_on,
    score,
    score >= 9 as is_promoter,
    score <= 6 as is_detractor
from ranked
where answer_rank = 1
