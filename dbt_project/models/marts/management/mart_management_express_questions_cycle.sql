-- Questions 1, 2, 4 and 7 are answered by an interval that lies on one side of its bar; one that holds the bar tells
-- nothing, and is no "no". Question 8 is answered by the exact upper bound of every whole week, or by a breach;
-- 3, 5 and 6 by the form that was chosen, an adjusted test and a comparison. Two are for people: the framing note of
-- the cycle answers them.
with questions (question_number, question_code, is_computed) as (
    values
    (1, 'ttf_in_target', true),
    (2, 'slope_positive', true),
    (3, 'form_bends', true),
    (4, 'q1_share_rose', true),
    (5, 'groups_apart', true),
    (6, 'hangs_on_outliers', true),
    (7, 'touches_answered_more', true),
    (8, 'complaints_under_bar', true),
    (9, 'scripts_by_quadrant', false),
    (10, 'so_what', false)
),

-- The judged design of the half year.
judged as (
    select *
    from {{ ref('mart_sales_touch_lines_cycle') }}
    where period_code = 'half_year' and segment_kind_code = 'all' and colour_code is not null
),

qualities as (
    select
        max(case when period_code = 'month' then answer_rate end) as month_rate,
        max(case when period_code = 'month' then answer_low end) as month_low,
        max(case when period_code = 'month' then answer_high end) as month_high,
        max(case when period_code = 'month' then n_answerable end) as n_answerable,
        max(case when period_code = 'half_year' then answer_rate end) as half_year_rate
    from {{ ref('mart_sales_touch_quality_cycle') }}
    where segment_kind_code = 'all' and touch_channel_code = 'all'
),

complaints as (
    select
        max(weeks.event_rate) as complaint_rate,
        max(case when weeks.is_complete then weeks.rate_upper end) as complaint_upper,
        sum(weeks.n_trials) as n_delivered,
        count(case when weeks.status_code = 'breach' then 1 end) as n_breaches,
        count(case when weeks.is_complete and weeks.status_code = 'within' then 1 end) as n_proved,
        count(case when weeks.is_complete and weeks.status_code <> 'within' then 1 end) as n_open
    from {{ ref('mart_revops_guard_rails_week') }} as weeks
    cross join {{ run_settings() }} as settings
    where
        weeks.rail_code = 'complaint'
        and weeks.n_trials > 0
        and weeks.iso_week_start_on < settings.cycle_end
        and {{ days_between('settings.cycle_start', 'weeks.iso_week_start_on') }} > -7
),

answers as (
    select
        'ttf_in_target' as question_code,
        case when target_met_low >= 0.5 then 'yes' when target_met_high < 0.5 then 'no' end as answer_code,
        cast(null as string) as detail_code,
        target_met_rate as answer_value,
        target_met_low as value_low,
        target_met_high as value_high,
        n_target_due as n_units,
        target_reason_code as reason_code
    from {{ ref('mart_sales_ttf_cycle') }}
    where period_code = 'month' and segment_kind_code = 'all'
    union all
    select
        'slope_positive' as question_code,
        case
            when colour_code = 'grey' then null
            when slope_low > 0 then 'yes'
            when slope_high < 0 then 'no'
        end as answer_code,
        cast(null as string) as detail_code,
        slope as answer_value,
        slope_low as value_low,
        slope_high as value_high,
        n_leads as n_units,
        case when colour_code = 'grey' then 'insufficient' else line_reason_code end as reason_code
    from judged
    union all
    select
        'form_bends' as question_code,
        case
            when form_code in ('none', 'linear') then 'no'
            when form_code <> 'undetermined' then 'yes'
        end as answer_code,
        form_code as detail_code,
        form_knot as answer_value,
        cast(null as decimal(18, 10)) as value_low,
        cast(null as decimal(18, 10)) as value_high,
        n_leads as n_units,
        form_reason_code as reason_code
    from judged
    union all
    select
        'q1_share_rose' as question_code,
        case when q1_change_low > 0 then 'yes' when q1_change_high < 0 then 'no' end as answer_code,
        cast(null as string) as detail_code,
        q1_change as answer_value,
        q1_change_low as value_low,
        q1_change_high as value_high,
        n_leads as n_units,
        q1_change_reason_code as reason_code
    from judged
    union all
    select
        'groups_apart' as question_code,
        case cluster_code when 'known_groups' then 'yes' when 'none_known' then 'no' end as answer_code,
        cluster_group_code as detail_code,
        cluster_p_adjusted as answer_value,
        cast(null as decimal(18, 10)) as value_low,
        cast(null as decimal(18, 10)) as value_high,
        n_accounts as n_units,
        cluster_reason_code as reason_code
    from {{ ref('mart_accounts_lines_cycle') }}
    union all
    select
        'hangs_on_outliers' as question_code,
        case when colour_code = 'grey' or r is null then null when is_fragile then 'yes' else 'no' end as answer_code,
        sensitivity_reason_code as detail_code,
        r_without_top as answer_value,
        cast(null as decimal(18, 10)) as value_low,
        cast(null as decimal(18, 10)) as value_high,
        n_leads as n_units,
        case when colour_code = 'grey' then 'insufficient' else line_reason_code end as reason_code
    from judged
    union all
    select
        'touches_answered_more' as question_code,
        case
            when month_low > half_year_rate then 'yes'
            when month_high < half_year_rate then 'no'
        end as answer_code,
        cast(null as string) as detail_code,
        month_rate as answer_value,
        month_low as value_low,
        month_high as value_high,
        n_answerable as n_units,
        case when month_rate is null then 'answers_not_recorded' end as reason_code
    from qualities
    union all
    select
        'complaints_under_bar' as question_code,
        case when n_breaches > 0 then 'no' when n_proved > 0 and n_open = 0 then 'yes' end as answer_code,
        cast(null as string) as detail_code,
        complaint_rate as answer_value,
        cast(null as decimal(18, 10)) as value_low,
        complaint_upper as value_high,
        cast(n_delivered as bigint) as n_units,
        case when coalesce(n_delivered, 0) = 0 then 'no_mail_delivered' end as reason_code
    from complaints
)

select
    cast(questions.question_number as bigint) as question_number,
    cast(questions.question_code as string) as question_code,
    questions.is_computed,
    case
        when not questions.is_computed then 'asked'
        else coalesce(answers.answer_code, 'undetermined')
    end as answer_code,
    cast(answers.detail_code as string) as detail_code,
    answers.answer_value,
    answers.value_low,
    answers.value_high,
    answers.n_units,
    case
        when not questions.is_computed then 'asked_of_people'
        when answers.answer_code is not null then null
        when answers.question_code is null then 'no_figure'
        else coalesce(answers.reason_code, 'not_told_apart')
    end as reason_code
from questions
left join answers on questions.question_code = answers.question_code
