-- Figures of the statistics step as they are.
select
    experiment_code,
    look_on,
    metric_code,
    n_test,
    n_test_events,
    n_control,
    n_control_events,
    delta_points,
    low_points,
    high_points,
    signal_code,
    reason_code
from {{ source('statistics', 'experiment_weeks') }}
