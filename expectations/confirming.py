"""Results read back from their file: does each status follow from its counts, its rule and the waivers?

What does not belong here: counting rows (runner.py), what a broken rule does to the publication (policy.yml, gate.py).
Whoever judges asks this of every result, because a status in a file is only what somebody wrote there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from expectations.catalogue import Catalogue, Check, Rule
from expectations.policy import Policy
from expectations.results import UNCOVERED, RuleResult, judge, not_assessed


def confirmed(
    results: Iterable[RuleResult], catalogue: Catalogue, policy: Policy, day: date
) -> list[RuleResult]:
    """The results, and a broken one for each whose status its counts do not give. day: the one after the cycle."""
    rules = {(rule.id, check.table): (rule, check) for rule in catalogue.rules for check in rule.checks}
    return [
        _confirmed(each, rules.get((each.rule_id, each.table_name)), catalogue, policy, day)
        for each in results
    ]


def _confirmed(
    result: RuleResult, known: tuple[Rule, Check] | None, catalogue: Catalogue, policy: Policy, day: date
) -> RuleResult:
    if known is None:
        said, given = result.status, _of_dbt(result)
    else:
        rule, check = known
        again = judge(
            rule,
            result.layer,
            result.table_name,
            result.n_evaluated,
            result.n_failed,
            may_be_empty=catalogue.may_be_empty(check),
        )
        if result.status == "not_assessed" and result.cause not in ("empty", "too_few_rows", "small_sample"):
            return result  # nothing was counted that could contradict it
        if (result.severity, result.tolerance) != (rule.severity, rule.tolerance):
            said, given = f"{result.severity} {result.tolerance}", f"{rule.severity} {rule.tolerance}"
        else:
            is_waived = again.status in ("fail", "warn") and policy.waiver(result, day) is not None
            said = result.cause or result.status
            given = "waived" if is_waived else again.cause or again.status
    if said == given or (said, given) == ("too_few_rows", "empty"):  # the stricter of the two
        return result
    # With the severity of its rule, so that lowering it in the file is no way out.
    found = result if known is None else judge(known[0], result.layer, result.table_name, 0, 0)
    return not_assessed(found, "broken", "contradicted", said=said, given=given)


def _of_dbt(result: RuleResult) -> str:
    """A constraint or test of dbt passes without a failing row and fails with one; what has no rule is never a pass."""
    if result.status == "not_assessed":
        return result.status
    if result.rule_id == UNCOVERED:
        return "not_assessed"
    if result.n_failed == 0:
        return "pass"
    return "warn" if result.status == "warn" else "fail"
