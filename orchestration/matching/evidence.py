"""Evidence codes of the matching step, their weights and the limits that bound blocking.

What does NOT belong here: reading records or deciding on a pair (see accounts, persons).

A weight orders evidence (a conflict drops the weaker edge first); it is not a probability.
"""

from __future__ import annotations

SAME_REGISTRATION_NUMBER = "same_registration_number"
SAME_VAT_NUMBER = "same_vat_number"
SAME_ACCOUNTANCY_CODE = "same_accountancy_code"
MUST_LINK = "must_link"
SAME_DOMAIN = "same_domain"
SAME_EMAIL = "same_email"
SAME_PHONE_AND_NAME = "same_phone_and_name"
DIFFERENT_REGISTRATION_NUMBER = "different_registration_number"

ACCEPTED = "accepted"
REJECTED = "rejected"
REVIEW = "review"

#: Stronger first. Account edges are accepted tier by tier in this order.
WEIGHTS: dict[str, float] = {
    SAME_REGISTRATION_NUMBER: 1.0,
    SAME_VAT_NUMBER: 0.98,
    SAME_ACCOUNTANCY_CODE: 0.95,
    MUST_LINK: 0.92,
    SAME_EMAIL: 0.9,
    SAME_PHONE_AND_NAME: 0.85,
    SAME_DOMAIN: 0.7,
}

#: A telephone number used under more names than this is a switchboard: it never merges persons.
MAX_NAMES_PER_PHONE = 2
#: An address used under more names than this is a shared mailbox, whatever its local part says.
MAX_NAMES_PER_EMAIL = 5
#: An accountancy code on more records than this is a catch-all customer ("divers"), not an identity.
MAX_RECORDS_PER_ACCOUNTANCY_CODE = 50
