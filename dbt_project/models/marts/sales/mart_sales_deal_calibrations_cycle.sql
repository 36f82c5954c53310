select
    bin_number,
    n_passages,
    n_won,
    mean_probability,
    won_rate
from {{ source('statistics', 'deal_calibrations') }}
