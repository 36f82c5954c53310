-- The comparison of the statistics step as it is; without mails in a month there is a reason.
select
    segment_kind_code,
    segment_code,
    n_delivered,
    n_complained,
    n_delivered_before,
    n_complained_before,
    complaint_rate,
    complaint_before_rate,
    difference_rate,
    difference_low_rate,
    difference_high_rate,
    margin_rate,
    status_code,
    reason_code
from {{ source('statistics', 'complaint_trends') }}
