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

#: Evidence that merges two published golden ids without the higher weight: a steward, a legal number, a merge in the
#: CRM, a person's own mailbox under one name.
PROOFS = (DECIDED_SAME, SAME_REGISTRATION_NUMBER, SAME_VAT_NUMBER, MUST_LINK, SAME_EMAIL)
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
LIVE_MERGE = "live_merge"
OVERSIZED = "oversized"
BLOCK_TOO_LARGE = "block_too_large"
WEAK_BRIDGE = "weak_bridge"
NAMES_ALONE = "names_alone"
TWO_MOBILES = "two_mobiles"
TWO_MAILBOXES = "two_mailboxes"
FAMILY_MAILBOX = "family_mailbox"
TWO_STATED_NUMBERS = "two_stated_numbers"
NAMES_TELL_APART = "names_tell_apart"
OTHER_SITE = "other_site"

#: Scored pairs that these reasons capped are not joined through a third record either.
TOLD_APART = (TWO_STATED_NUMBERS, NAMES_TELL_APART, OTHER_SITE)
#: Why a key of certain evidence is in doubt.
IN_DOUBT = {
    SAME_ACCOUNTANCY_CODE: CODE_OF_SEVERAL,
    SAME_DOMAIN_AND_NAME: OVERSIZED,
    SAME_PERSON_AND_NAME: SEVERAL_COMPANIES,
}

#: An address used under more names than this is a shared mailbox, whatever its local part says.
MAX_NAMES_PER_EMAIL = 5
#: A mailbox, number or name on more records than this is a filler, not an identity.
MAX_RECORDS_PER_VALUE = 200
#: An accountancy code on more records than this is a catch-all customer ("divers"), not an identity.
MAX_RECORDS_PER_ACCOUNTANCY_CODE = 50
#: One name on one domain on more records than this is a catch-all: a person looks at it first.
MAX_RECORDS_PER_NAME = 1000
