-- Calls to a switchboard were credited to whichever of 40 colleagues sorted first, who then had 900 touches.
select
    contact_kind,
    n_persons,
    person_id
from {{ ref('bridge_person_contact_points') }}
where is_shared and person_id <> 'unknown'
