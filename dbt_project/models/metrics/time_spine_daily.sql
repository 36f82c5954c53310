-- The days of dim_dates, so that no period exists for MetricFlow and not for the marts.
select date_day
from {{ ref('dim_dates') }}
