"""The verdict, decided on findings written by hand."""

from __future__ import annotations

import dataclasses
import string
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from expectations.catalogue import CatalogueError, load_catalogue
from expectations.gate import Balance, CollectWarning, Refusal, decide, sentences, write_verdict
from expectations.policy import POLICY_FILE, Policy, Waiver, apply_waivers, load_policy
from expectations.results import RuleResult, judge

CYCLE_END = date(2026, 7, 1)
POLICY = load_policy()
PASSED = RuleResult(
    rule_id="R-CRM-001",
    layer="raw",
    table_name="staging.stg_crm__leads",
    severity="critical",
    status="pass",
    n_evaluated=1204,
    n_failed=0,
    failed_share=Decimal(0),
    tolerance=Decimal(0),
    owner="data_steward",
    question_fr="Chaque fiche n'est-elle gardée qu'une fois ?",
    question_en="Is each record kept only once?",
)


def balance(term: str, left: str = "10", right: str = "10") -> Balance:
    return Balance(term, "crm_lead", "crm", Decimal(left), Decimal(right), Decimal(left) - Decimal(right))


BALANCED = [balance(term) for term in "ABCDEFG"]


def verdict(results=(PASSED,), balances=BALANCED, refusals=(), policy: Policy = POLICY):
    return decide(list(results), balances, refusals, policy, cycle="2026-06", cycle_end=CYCLE_END)


def result(**values) -> RuleResult:
    return dataclasses.replace(PASSED, **values)


FAILED = result(status="fail", n_failed=3, failed_share=Decimal("0.002492"))


def test_passed_rules_and_balanced_accounts_publish_without_a_reason() -> None:
    found = verdict()
    assert (found.verdict, found.sentences, found.ledger_imbalances) == ("publish", (), 0)
    assert found.headline.en == "Cycle 2026-06 can be published. Checks passed: 1; every account balances."


@pytest.mark.audit("CO8")
def test_a_failing_critical_rule_holds_and_says_what_where_why_and_next() -> None:
    found = verdict([PASSED, FAILED])
    assert (found.verdict, found.reasons, found.rule_ids) == (
        "hold",
        ("critical_rule_failed",),
        ("R-CRM-001",),
    )
    (sentence,) = found.sentences
    assert sentence.en == (
        "R-CRM-001: “Is each record kept only once?” No: 3 of 1204 fail in staging.stg_crm__leads (0.25%, "
        "allowed 0.00%). Publication is held. Owner: Data steward. Next: etalon journal --rule R-CRM-001"
    )
    assert "(0,25\u202f%, toléré 0,00\u202f%)" in sentence.fr


@pytest.mark.audit("CL7")
@pytest.mark.parametrize("term", list("ABCDEFG"))
def test_an_imbalance_of_one_holds_in_every_term(term: str) -> None:
    found = verdict(balances=[*BALANCED, balance(term, "1204", "1203")])
    assert (found.verdict, found.ledger_imbalances, found.reasons) == ("hold", 1, ("ledger_imbalance",))
    assert "1204 on one side, 1203 on the other, difference 1" in found.sentences[0].en


def test_an_imbalance_of_one_cent_holds() -> None:
    assert verdict(balances=[*BALANCED, balance("F", "100.01", "100.00")]).verdict == "hold"


def test_a_missing_account_is_not_a_balanced_one() -> None:
    found = verdict(balances=[each for each in BALANCED if each.term != "B"])
    assert (found.verdict, found.reasons) == ("hold", ("ledger_missing",))
    assert verdict(balances=[]).verdict == "hold"


def test_nothing_assessed_holds() -> None:
    unassessed = result(status="not_assessed", cause="source_absent")
    assert "nothing_assessed" in verdict([]).reasons
    assert "nothing_assessed" in verdict([unassessed]).reasons
    structural = result(status="pass", origin="dbt")
    assert "nothing_assessed" in verdict([unassessed, structural]).reasons
    assert "nothing_assessed" not in verdict([unassessed, structural, result(status="pass")]).reasons


@pytest.mark.parametrize(
    ("severity", "cause", "expected"),
    [
        ("critical", "source_absent", "publish_with_warnings"),
        ("critical", "too_few_rows", "hold"),
        ("critical", "small_sample", "publish"),
        ("warning", "small_sample", "publish"),
        ("critical", "broken", "hold"),
        ("critical", "table_missing", "hold"),
        ("critical", "empty", "publish"),
        ("warning", "too_few_rows", "publish"),
        ("warning", "broken", "publish_with_warnings"),
        ("warning", "uncovered", "publish_with_warnings"),
        ("info", "broken", "publish"),
    ],
)
def test_what_could_not_be_assessed_follows_the_policy_and_is_always_said(severity, cause, expected) -> None:
    found = verdict([PASSED, result(severity=severity, status="not_assessed", cause=cause)])
    assert found.verdict == expected
    assert len(found.sentences) == 1


def test_a_failing_warning_publishes_with_warnings_and_an_info_leaves_the_verdict() -> None:
    assert verdict([PASSED, result(severity="warning", status="warn")]).verdict == "publish_with_warnings"
    noted = verdict([PASSED, result(severity="info", status="warn")])
    assert (noted.verdict, len(noted.sentences), noted.reasons) == ("publish", 1, ())


def test_a_refused_file_holds_by_default_and_warns_when_the_policy_says_so() -> None:
    refusal = Refusal("crm", "crm/Lead.csv", "E-ING-014", "une cause", "a cause", "la suite", "what next")
    held = verdict(refusals=[refusal])
    assert (held.verdict, held.reasons) == ("hold", ("file_refused",))
    assert (
        held.sentences[0].fr
        == "crm/Lead.csv (crm) est refusé, E-ING-014\u00a0: une cause Ensuite\u00a0: la suite"
    )
    lenient = dataclasses.replace(
        POLICY, document=POLICY.document.model_copy(update={"refused_file": "warn"})
    )
    assert verdict(refusals=[refusal], policy=lenient).verdict == "publish_with_warnings"


def with_waiver(expires_on: date, **values) -> Policy:
    waiver = Waiver(
        rule_id="R-CRM-001",
        author="cfo",
        reason="known gap of the June migration",
        decided_on=date(2026, 6, 1),
        expires_on=expires_on,
        **values,
    )
    return dataclasses.replace(POLICY, waivers=(waiver,))


def test_a_waiver_dies_at_its_date_and_is_shown_dead() -> None:
    alive = with_waiver(date(2026, 7, 2))
    waived = apply_waivers([PASSED, FAILED], alive, CYCLE_END)
    assert [each.status for each in waived] == ["pass", "waived"]
    assert verdict(waived, policy=alive).verdict == "publish_with_warnings"
    assert "waived until 2026-07-02" in verdict(waived, policy=alive).sentences[0].en
    dead = with_waiver(date(2026, 7, 1))
    still = apply_waivers([PASSED, FAILED], dead, CYCLE_END)
    assert [each.status for each in still] == ["pass", "fail"]
    found = verdict(still, policy=dead)
    assert (found.verdict, found.reasons) == ("hold", ("critical_rule_failed", "waiver_expired"))


def test_a_waiver_never_waives_what_was_not_assessed_nor_another_table() -> None:
    unassessed = result(status="not_assessed", cause="broken")
    assert apply_waivers([unassessed], with_waiver(date(2027, 1, 1)), CYCLE_END) == [unassessed]
    other = with_waiver(date(2027, 1, 1), table_name="staging.stg_crm__users")
    assert apply_waivers([FAILED], other, CYCLE_END)[0].status == "fail"


def test_a_waiver_does_not_balance_an_account() -> None:
    policy = with_waiver(date(2027, 1, 1))
    assert verdict(balances=[*BALANCED, balance("E", "3", "2")], policy=policy).verdict == "hold"


def test_what_holds_is_said_before_what_warns() -> None:
    warning = result(severity="warning", status="warn")
    found = verdict([warning, PASSED, FAILED, result(severity="info", status="warn")])
    assert [each.effect for each in found.sentences] == ["hold", "warn", "note"]


@pytest.mark.parametrize(
    ("n_evaluated", "n_failed", "tolerance", "status"),
    [
        (1000, 20, "0.02", "pass"),
        (1000, 21, "0.02", "warn"),
        (3, 1, "0.333333", "warn"),  # one third is more than 0.333333
        (10_000_000, 1, "0.0000001", "pass"),
        (100, 7, "0.07", "pass"),  # 1 - 93 / 100 is more than 0.07 in binary floats
        (5, 0, "0", "pass"),
        (5, 1, "0", "warn"),
    ],
)
def test_tolerances_compare_exact_decimals(
    n_evaluated: int, n_failed: int, tolerance: str, status: str
) -> None:
    rule = dataclasses.replace(load_catalogue().rule("R-CRM-003"), tolerance=Decimal(tolerance), min_rows=1)
    assert judge(rule, "raw", "staging.t", n_evaluated, n_failed).status == status


def test_the_verdict_is_written_with_the_columns_that_marts_and_publication_read(tmp_path: Path) -> None:
    path = tmp_path / "quality" / "gate_verdicts.parquet"
    write_verdict(verdict([PASSED, FAILED], balances=[*BALANCED, balance("C", "2", "1")]), path)
    (row,) = pq.read_table(path).to_pylist()
    assert row["cycle"] == "2026-06"
    assert row["verdict"] == "hold"
    assert row["reasons"] == "ledger_imbalance,critical_rule_failed"
    assert row["rule_ids"] == "R-CRM-001"
    assert row["ledger_imbalances"] == 1
    assert row["policy_version"] == POLICY.version
    assert len(row["sentences_fr"]) == len(row["sentences_en"]) == 3
    assert [each.name for each in path.parent.iterdir()] == ["gate_verdicts.parquet"]


def test_both_languages_have_the_same_sentences_with_the_same_places() -> None:
    catalogue = sentences()
    assert set(catalogue["fr"]) == set(catalogue["en"])
    for key in catalogue["fr"]:
        places = [
            {name for _, name, _, _ in string.Formatter().parse(catalogue[language][key]) if name}
            for language in ("fr", "en")
        ]
        assert places[0] == places[1], key


def test_the_policy_refuses_unknown_keys_and_a_critical_failure_that_does_not_hold(tmp_path: Path) -> None:
    text = POLICY_FILE.read_text(encoding="utf-8")
    for wrong in (
        text + "\nledger_imbalance: warn\n",
        text.replace("{critical: hold, warning: warn", "{critical: warn, warning: warn"),
        text.replace("refused_file: hold", "refused_file: publish"),
    ):
        path = tmp_path / "policy.yml"
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(CatalogueError, match=r"E-EXP-001 policy\.yml"):
            load_policy(path)


def test_a_waiver_without_author_reason_or_date_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "waivers.csv"
    for row in (
        "R-CRM-001,,,a reason long enough,2026-06-01,2026-07-02",
        "R-CRM-001,,cfo,short,2026-06-01,2026-07-02",
        "R-CRM-001,,cfo,a reason long enough,2026-06-01,",
        "R-CRM-001,,cfo,a reason long enough,,2026-07-02",
        "R-CRM-001,,cfo,a reason long enough,2026-07-02,2026-07-02",
        "R-CRM-001,,cfo,a reason long enough,2026-06-01,2027-06-01",
        "R-CRM-001,,cfo,a reason long enough,2026-06-01,2026-07-02,more",
    ):
        path.write_text(f"rule_id,table_name,author,reason,decided_on,expires_on\n{row}\n", encoding="utf-8")
        with pytest.raises(CatalogueError, match=r"waivers\.csv line 2"):
            load_policy(waivers=path)


def test_the_policy_version_changes_with_the_waivers(tmp_path: Path) -> None:
    path = tmp_path / "waivers.csv"
    assert load_policy(waivers=path).version == POLICY.version
    path.write_text("rule_id,table_name,author,reason,decided_on,expires_on\n", encoding="utf-8")
    assert load_policy(waivers=path).version != POLICY.version


def test_a_rule_on_a_source_the_company_does_not_have_is_noted_and_a_silent_source_warns() -> None:
    def absent(contracts: str, severity: str = "critical") -> RuleResult:
        return result(
            rule_id=f"R-ERP-00{len(contracts) % 10}", severity=severity, status="not_assessed",
            cause="source_absent", absent_contracts=contracts,
        )  # fmt: skip

    def judged(*results: RuleResult, filled=frozenset({"crm_lead", "erp_invoice"})):
        return decide(
            [PASSED, *results], BALANCED, [], POLICY, cycle="2026-06", cycle_end=CYCLE_END, filled=filled
        )

    none = judged(absent("erp_product"), absent("email_event", "warning"))
    assert (none.verdict, none.reasons) == ("publish", ())
    (sentence,) = none.sentences
    assert (sentence.effect, sentence.code) == ("note", "rules_not_applicable")
    for text in (sentence.fr, sentence.en):
        assert "email_event, erp_product" in text and ": 2." in text.replace(" :", ":")
    for contracts in ("erp_invoice", "erp_invoice, erp_product"):
        silent = judged(absent(contracts), absent("erp_product"))
        assert (silent.verdict, silent.reasons) == (
            "publish_with_warnings",
            ("critical_rules_source_absent",),
        )
    assert judged(absent("erp_product"), filled=None).verdict == "publish_with_warnings"


def test_a_month_without_its_delivery_holds_and_a_file_nobody_reads_is_listed():
    late = CollectWarning("crm", "crm/{date}/Lead.csv", "delivered_for_cycle", "2026-05-31")
    stray = CollectWarning("crm", "crm/2026-06/opportunity.csv", "unmapped_file", "")
    found = decide(
        [PASSED], BALANCED, [], POLICY, cycle="2026-06", cycle_end=CYCLE_END, collect_warnings=[stray, late]
    )
    assert found.verdict == "hold"
    assert [(each.effect, each.code) for each in found.sentences] == [
        ("hold", "delivery_missing"),
        ("note", "files_unmapped"),
    ]
    assert "crm/{date}/Lead.csv (2026-05-31)" in found.sentences[0].en
    assert "opportunity.csv" in found.sentences[1].fr
