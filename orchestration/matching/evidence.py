"""Evidence codes of the matching step and the limits beyond which a shared value is no evidence.

What does NOT belong here: reading records or deciding on a pair (see account_evidence, person_evidence).
"""

from __future__ import annotations

DECIDED_SAME = "decided_same"
SAME_REGISTRATION_NUMBER = "same_registration_number"
SAME_VAT_NUMBER = "same_vat_number"
SAME_ACCOUNTANCY_CODE = "same_accountancy_code"
MUST_LINK = "must_link"
SAME_DOMAIN_AND_NAME = "same_domain_and_name"
SAME_PERSON_AND_NAME = "same_person_and_name"
SAME_NAME_AND_SIZE = "same_name_and_size"
NAME_ALONE = "name_alone"
SAME_EMAIL = "same_email"
SAME_PHONE_AND_NAME = "same_phone_and_name"

#: Contracts of records made of an address or a number that no CRM record bears.
CONTACT_POINTS = ("email_recipient", "calendar_attendee", "call_party")

ACCEPTED = "accepted"
REJECTED = "rejected"
REVIEW = "review"

#: Reasons of edges. Those of scored pairs come from the model (see linkage.scoring.judge).
CERTAIN = "certain"
DIFFERENT_NUMBERS = "different_registration_number"
DECIDED_DIFFERENT = "decided_different"
CONTRADICTORY_DECISIONS = "contradictory_decisions"
CODE_OF_SEVERAL = "code_of_several_customers"
SEVERAL_COMPANIES = "several_companies_fit"
PARENT_AND_CHILD = "parent_and_child"
LIVE_MERGE = "live_merge"
OVERSIZED = "oversized"
WEAK_BRIDGE = "weak_bridge"
NAMES_ALONE = "names_alone"

#: A telephone number used under more names than this is a switchboard: it never merges persons.
MAX_NAMES_PER_PHONE = 2
#: An address used under more names than this is a shared mailbox, whatever its local part says.
MAX_NAMES_PER_EMAIL = 5
#: A mailbox, number or name on more records than this is a filler, not an identity.
MAX_RECORDS_PER_VALUE = 200
#: An accountancy code on more records than this is a catch-all customer ("divers"), not an identity.
MAX_RECORDS_PER_ACCOUNTANCY_CODE = 50
