"""Reads the controls of deliveries that the data-quality report shows, and the waivers of the company.

What does not belong here: measuring (ingest), judging (expectations), wording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.reporting.figures import ControlOutcome, Waiver

if TYPE_CHECKING:
    from datetime import date

    from ingest.company import Company


def control_outcomes(company: Company, day: date) -> tuple[ControlOutcome, ...]:
    """Controls of the last run, in the order of their ids; none before the first run. day: the one after the cycle."""
    from expectations.control_findings import judged, read_controls
    from expectations.policy import POLICY_FILE, load_policy
    from orchestration.settings import waivers_path

    controls = read_controls(company.work)
    if not controls:
        return ()
    policy = load_policy(POLICY_FILE, waivers_path(company))
    return tuple(
        ControlOutcome(
            control_id=each.rule_id,
            source_instance=each.result.source_instance,
            contract=each.table_name,
            severity=each.severity,
            status=each.status,
            n_evaluated=each.result.n_evaluated,
            n_failed=each.result.n_failed,
            fact_fr=each.fact("fr"),
            fact_en=each.fact("en"),
            examples=each.result.examples,
            waived_until=each.waived_until,
        )
        for each in judged(controls, policy, day)
    )


def waivers(company: Company, day: date) -> tuple[Waiver, ...]:
    """Every waiver of the policy and of the company, those that expire first on top. day: the one after the cycle."""
    from expectations.policy import POLICY_FILE, load_policy
    from orchestration.settings import waivers_path

    found = [
        Waiver(
            each.rule_id,
            each.table_name or "*",
            each.author,
            each.reason,
            each.expires_on,
            each.is_alive(day),
        )
        for each in load_policy(POLICY_FILE, waivers_path(company)).waivers
    ]
    return tuple(sorted(found, key=lambda each: (each.expires_on, each.rule_id, each.table_name)))
