"""Mail addresses, telephone numbers, web domains.

Mail addresses and phones are DuckDB SQL; the public suffix of a host needs its list: publicsuffixlist on distinct
hosts, with the list that the package carries.
What does NOT belong here: how many names share an address or a number (see linkage.shared_values).
"""

from __future__ import annotations

from functools import cache, lru_cache

import pyarrow as pa
import pyarrow.compute as pc
from publicsuffixlist import PublicSuffixList

from ingest.phone_numbers import bare_sql, e164_sql
from ingest.sql import literal
from orchestration.matching.standardise.vocabulary import generic_mailboxes, mail_domains


def email_address(value: str) -> str:
    """SQL of the address in lower case without its plus tag and a mailto:, NULL when it is no address."""
    text = rf"regexp_replace(lower(trim({value})), '^(mailto:)?\s*<?|>?[\s;,]*$', '', 'g')"
    plain = rf"regexp_replace({text}, '^([^+@]+)\+[^@]*@', '\1@')"
    return rf"CASE WHEN regexp_full_match({text}, '[^@\s]+@[^@\s]+\.[^@\s.]+') THEN {plain} END"


def email_local_part(address: str) -> str:
    """SQL of the part before @ of a standardised address."""
    return f"split_part({address}, '@', 1)"


def is_generic_mailbox(address: str) -> str:
    """SQL: true when the local part names a function (contact@, compta.fr@), not a person."""
    listed = ", ".join(literal(each) for each in sorted(generic_mailboxes()))
    local = email_local_part(address)
    return rf"regexp_replace({local}, '[-_.]?([0-9]+|fr|de|uk|us|es|it|be|ch)$', '') IN ({listed})"


def host_name(value: str) -> str:
    """SQL of the host of a web or mail address as typed; NULL when it is none."""
    text = rf"regexp_replace(lower(trim({value})), '^([a-z]+:)?//|^mailto:', '')"
    host = rf"regexp_replace(regexp_replace({text}, '^[^/]*@|^www[0-9]?\.', ''), '[/:?#\s].*$', '')"
    return rf"CASE WHEN regexp_full_match({host}, '[\pL\pN_-]+(\.[\pL\pN_-]+)+') THEN {host} END"


def phone_number(value: str, region: str | None) -> str:
    """SQL of the number: E.164 where `region` (ISO 3166-1 alpha-2) reads it, else its digits; NULL under 6 digits.

    region None: digits only, an international prefix 00 or + removed.
    """
    bare = bare_sql(f"trim({value})")
    digits = r"regexp_replace(regexp_replace(" + bare + r", '^(\+|00)', ''), '[^0-9]', '', 'g')"
    kept = (
        f"CASE WHEN length({digits}) BETWEEN 6 AND 15 AND NOT regexp_full_match({digits}, "
        f"'0+|1+|2+|3+|4+|5+|6+|7+|8+|9+|0?123456789?0?') THEN {digits} END"
    )
    return kept if region is None else f"coalesce({e164_sql(bare, region)}, {kept})"


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=1 << 17)
def _registered_domain(host: str) -> str | None:
    """One label above the public suffix. Persons and companies of one run mostly name the same hosts."""
    return _suffixes().privatesuffix(host)


def registered_domains(hosts: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Distinct hosts -> table (host, domain, is_shared): one label above the public suffix.

    is_shared: free mail, a host of many firms' pages or a test domain: it identifies no company. A host that is
    itself a public suffix has no domain.
    """
    distinct = pc.drop_null(pc.unique(hosts))
    shared = mail_domains("free_mail") | mail_domains("shared_host") | mail_domains("test")
    domains = [_registered_domain(host) for host in distinct.to_pylist()]
    is_shared = [
        host in shared or domain in shared for host, domain in zip(distinct.to_pylist(), domains, strict=True)
    ]
    return pa.table(
        {
            "host": distinct.cast(pa.string()),
            "domain": pa.array(domains, pa.string()),
            "is_shared": pa.array(is_shared, pa.bool_()),
        }
    )
