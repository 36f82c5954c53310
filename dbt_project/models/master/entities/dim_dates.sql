with days as (
    {{ date_series("cast('2010-01-01' as date)", "cast('2035-12-31' as date)") }}
)

select
    date_day,
    {{ first_of_month('date_day') }} as period_month,
    {{ iso_week_start('date_day') }} as iso_week_start_on,
    {{ first_of_quarter('date_day') }} as quarter_start_on,
    cast(extract(year from date_day) as int) as year_number,
    {{ days_between(iso_week_start('date_day'), 'date_day') }} >= 5 as is_weekend
from days
