"""The dictionary of metrics: every definition whole, every name of the dictionary in the tree or told why not."""

import copy
import re
from collections.abc import Iterable

import pytest
import yaml
from metric_faults import RULES, faults

from expectations.owners import owner_names
from ingest.contract import load_contracts
from orchestration.dictionary.french import sentences
from orchestration.dictionary.metric import METRICS_FOLDER, Metric, dictionary, raw_metrics
from orchestration.dictionary.page import PAGE_FILE, page_text
from orchestration.dictionary.unavailable import unavailable
from orchestration.dictionary.units import UNITS
from orchestration.reporting.wording import load_catalogue

GOOD = [
    {
        "name": "leads",
        "label": "Leads créés",
        "description": "Leads created.",
        "type": "simple",
        "type_params": {"measure": "leads_dated"},
        "config": {
            "meta": {
                "label_fr": "Leads créés",
                "label_en": "Leads",
                "definition_fr": "Leads créés dans la période.",
                "definition_en": "Leads created in the period.",
                "formula": "count of leads",
                "grain": "golden lead",
                "anchor": "created_on",
                "unit": "count",
                "better": "up",
                "minimum_n": 0,
                "owner": "finance",
                "version": 1,
                "published": True,
                "empty_month": "zero",
                "contracts": ["crm_lead"],
                "cuts": {},
                "edge_rules": ["Tests are left out."],
                "worked_example": {
                    "period_month": "2026-05-01",
                    "segment_kind_code": "all",
                    "segment_code": "all",
                    "value": "7",
                    "text": "Seven leads in May.",
                },
            }
        },
    }
]


def also(name: str, kind: str, type_params: dict, **meta) -> list[dict]:
    """GOOD and a second metric like it."""
    second = copy.deepcopy(GOOD[0]) | {"name": name, "type": kind, "type_params": type_params}
    second["config"]["meta"] |= meta
    return [*copy.deepcopy(GOOD), second]


def changed(**meta) -> list[dict]:
    """GOOD with other meta; None takes a key away."""
    metrics = copy.deepcopy(GOOD)
    metrics[0]["config"]["meta"] |= meta
    metrics[0]["config"]["meta"] = {k: v for k, v in metrics[0]["config"]["meta"].items() if v is not None}
    return metrics


def example(**given) -> dict:
    return GOOD[0]["config"]["meta"]["worked_example"] | given


CONVERSION = {
    "entity": "lead",
    "base_measure": "leads_dated",
    "conversion_measure": "won",
    "window": "30 days",
}
MATURED = CONVERSION | {
    "base_measure": {"name": "leads_dated", "filter": "{{ Dimension('lead__is_matured') }}"}
}
BROKEN = {
    "no French label": ("complete", changed(label_fr=None)),
    "no owner": ("complete", changed(owner=None)),
    "no French definition": ("complete", changed(definition_fr=None)),
    "no formula": ("complete", changed(formula="")),
    "no grain": ("complete", changed(grain=None)),
    "no anchor": ("complete", changed(anchor=None)),
    "no unit": ("complete", changed(unit=None)),
    "no version": ("complete", changed(version=None)),
    "no edge rules": ("complete", changed(edge_rules=[])),
    "another label": ("labelled", changed(label_fr="Prospects")),
    "English as French": (
        "labelled",
        changed(
            definition_fr="Golden leads created in the period, all of them.",
            definition_en="Golden leads created in the period, all of them.",
        ),
    ),
    "no accents": ("labelled", changed(definition_fr="Leads crees dans la periode.")),
    "no full stop": ("labelled", changed(definition_en="Leads created")),
    "an unknown unit": ("coded", changed(unit="furlongs")),
    "an unknown owner": ("coded", changed(owner="nobody")),
    "a version of text": ("coded", changed(version="two")),
    "better is a word": ("coded", changed(better="more")),
    "money of no currency": ("money_names_its_currency", changed(unit="money")),
    "a currency of a count": ("money_names_its_currency", changed(currency="reporting_currency")),
    "an edge in a word": ("edges_are_sentences", changed(edge_rules=["none"])),
    "a filter in a word": ("edges_are_sentences", changed(filters=["tests"])),
    "halves of a simple metric": (
        "derived_names_its_halves",
        changed(numerator="leads", denominator="leads"),
    ),
    "a half of another metric": (
        "derived_names_its_halves",
        also(
            "wins",
            "derived",
            {"expr": "leads", "metrics": [{"name": "leads"}]},
            numerator="leads",
            denominator="won",
        ),
    ),
    "no worked example": ("example_if_published", changed(worked_example=None)),
    "an example in floats": ("example_if_published", changed(worked_example=example(value=0.2))),
    "an example in mid month": (
        "example_if_published",
        changed(worked_example=example(period_month="2026-05-02")),
    ),
    "an empty month for no known reason": (
        "published_says_where_it_comes_from",
        changed(empty_month="because"),
    ),
    "earlier months for no known reason": (
        "published_says_where_it_comes_from",
        changed(earlier_month="because"),
    ),
    "an unknown contract": ("published_says_where_it_comes_from", changed(contracts=["crm_leads"])),
    "one contract as text": ("published_says_where_it_comes_from", changed(contracts="crm_lead")),
    "neither cuts nor cell": ("published_says_where_it_comes_from", changed(cuts=None)),
    "both cuts and cell": ("published_says_where_it_comes_from", changed(cell="lead_month")),
    "both cuts and segments": ("published_says_where_it_comes_from", changed(segments="lead_month")),
    "a value to date of the first day": (
        "cumulative_says_its_value",
        also("leads_ytd", "cumulative", {"cumulative_type_params": {"grain_to_date": "year"}}),
    ),
    "a value to date of the average": (
        "cumulative_says_its_value",
        also("leads_ytd", "cumulative", {"cumulative_type_params": {"period_agg": "average"}}),
    ),
    "a half that is no metric": (
        "ratio_shows_its_halves",
        also("cr", "ratio", {"numerator": "won", "denominator": "leads"}),
    ),
    "a half that nobody sees": (
        "ratio_shows_its_halves",
        [
            *also("won", "simple", {"measure": "won"}, published=False, half_of="another"),
            also("cr", "ratio", {"numerator": {"name": "won"}, "denominator": "leads"})[1],
        ],
    ),
    "half of nothing": (
        "unpublished_is_part_of_a_metric",
        changed(published=False, half_of="no_such_metric"),
    ),
    "neither published nor part": ("unpublished_is_part_of_a_metric", changed(published=False)),
    "a conversion over open windows": (
        "conversion_waits_for_its_window",
        also("cr", "conversion", {"conversion_type_params": CONVERSION}),
    ),
    "defined twice": ("defined_once", [*GOOD, *GOOD]),
}
FINE = {
    "as it should be": GOOD,
    "a value to date of the last day": also(
        "leads_ytd", "cumulative", {"cumulative_type_params": {"grain_to_date": "year", "period_agg": "last"}}
    ),
    "a ratio with both halves": [
        *also("won", "simple", {"measure": "won"}, published=False, half_of=["cr"]),
        also("cr", "ratio", {"numerator": {"name": "won"}, "denominator": {"name": "leads"}})[1],
    ],
    "a conversion of matured leads": also("cr", "conversion", {"conversion_type_params": MATURED}),
    "a part of a derived metric": [
        *also("won", "simple", {"measure": "won"}, published=False),
        also("wins", "derived", {"expr": "won", "metrics": [{"name": "won"}]})[1],
    ],
    "money in the reporting currency": changed(unit="money", currency="reporting_currency"),
}


def found(metrics: list[dict]) -> list:
    reasons = {key.removeprefix("reason.") for key in load_catalogue("fr") if key.startswith("reason.")}
    return faults(metrics, owner_names(), UNITS, reasons, load_contracts())


@pytest.mark.parametrize("case", BROKEN)
def test_a_planted_fault_of_a_definition_is_found(case):
    rule, metrics = BROKEN[case]
    assert rule in {fault.rule for fault in found(metrics)}, found(metrics)


@pytest.mark.parametrize("case", FINE)
def test_a_definition_without_faults_is_left_alone(case):
    assert found(FINE[case]) == []


def test_every_rule_is_broken_by_a_planted_definition():
    assert {rule for rule, _ in BROKEN.values()} == {*RULES, "defined_once"}


def test_no_metric_of_the_tree_has_a_fault():
    assert found(raw_metrics()) == []


def test_dbt_reads_as_many_metrics_as_the_files_define(manifest):
    """dbt 1.11 ignores the newer form of metrics without a word."""
    defined = sorted(metric["name"] for metric in raw_metrics())
    assert sorted(metric["name"] for metric in manifest["metrics"].values()) == defined
    assert len(defined) >= 40


def test_the_page_of_metrics_is_that_of_the_definitions():
    """`make pages` writes it."""
    assert PAGE_FILE.read_text(encoding="utf-8") == page_text(dictionary(), unavailable())


def test_what_is_told_as_not_computed_is_not_computed():
    assert not set(unavailable()) & set(dictionary())
    for absent in unavailable().values():
        assert absent.missing_fr.endswith(".") and absent.missing_en.endswith("."), absent.name
        assert absent.missing_fr != absent.missing_en, absent.name


def stem(name: str) -> str:
    """A name without the words that say how a figure is written: pct_q1 and q1_share_rate are one figure."""
    return "_".join(
        word for word in name.split("_") if word not in {"pct", "rate", "share", "n", "amount", "value"}
    )


def columns_of_marts() -> set[str]:
    documents = (
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (METRICS_FOLDER.parent / "marts").rglob("*.yml")
    )
    return {
        column["name"]
        for document in documents
        for model in document.get("models", ())
        for column in model.get("columns", ())
    }


def told_though_computed(absent: Iterable[str]) -> list[str]:
    """Names that are told as not computed while a column of a mart holds the figure."""
    computed = {stem(column) for column in columns_of_marts()}
    return [name for name in absent if stem(name) in computed]


def test_no_mart_holds_a_figure_that_is_told_as_not_computed():
    """Incident: %Q1 was told as not computed for want of a framing note, and stood in a mart as q1_share_rate."""
    assert told_though_computed(["pct_q1", "share_of_wallet"]) == ["pct_q1"]
    assert told_though_computed(unavailable()) == []


def english_of(metric: Metric) -> tuple[str, ...]:
    """What a metric says in English only: its grain, its formula, its edges, the text of its example."""
    formula = () if metric.numerator else (metric.formula,)
    example = (metric.example.text,) if metric.example else ()
    return tuple(
        text for text in (metric.grain, *formula, *metric.filters, *metric.edge_rules, *example) if text
    )


def test_no_french_sentence_is_left_of_a_definition_that_changed():
    english = {text for metric in dictionary().values() for text in english_of(metric)}
    assert [text for text in sentences() if text not in english] == []


def test_nine_of_ten_sentences_of_the_glossary_are_in_french():
    """orchestration/dictionary/french.yml: the English sentence and its French. The rest is shown in English."""
    published = [metric for metric in dictionary().values() if metric.is_published]
    said = {text for metric in published for text in english_of(metric)}
    missing = sorted(said - set(sentences()))
    assert len(missing) * 10 <= len(said), missing


def test_french_sentences_are_french():
    for english, french in sentences().items():
        is_sum = not re.search(r"[a-z]{3,} [a-z]{3,}", english)  # 1 / hhi is so in both
        assert (is_sum or english != french) and not re.search(r"\b(the|with|and|of)\b", french), french
        assert english.endswith(".") == french.endswith("."), english
        assert not re.search(r"\w[;:!?]( |$)", french), f"a space goes before the sign: {french}"


#: The dictionary of a sales audit, by the file of the tree that defines its part. A name is a metric or is told as not
#: computed, with what is missing.
DICTIONARY = {
    "sales": "leads_new cr touches_per_lead ttf_hours contacted_24h_rate win_rate_close win_amount_rate_close "
    "stage_conversion sales_cycle_days cadence_adherence",
    "leads": "ttf_business_hours ttf_km_median same_day_contact_rate followed_up_rate handoff_loss_rate mql sql",
    "handoffs": "handoff_lag_hours sql_to_opp_rate cs_handoff_loss_rate cs_handoff_lag_days",
    "activity": "reply_rate open_rate unsubscribe_rate bounce_rate meeting_rate_calls meetings_per_touch connect_rate "
    "activity_count",
    "marketing": "complaint_rate",
    "pipeline": "opps_open opps_won win_rate_cohort time_in_stage avg_deal pipeline_velocity pipeline_coverage "
    "weighted_pipeline forecast_accuracy effort_on_lost buying_group_size",
    "reps": "quota_attainment revenue_per_rep deal_score_brier",
    "finance": "revenue_total revenue_new_business revenue_new_business_share",
    "revenue": "yoy_growth revenue_by_product channel_revenue_share order_backlog cac cltv_simple cltv_cac "
    "cac_payback clv_bgnbd",
    "key_accounts": "hhi effective_n top_n_share gini abc n_accounts_for_40pct strategic_growth_ratio",
    "subscriptions": "mrr mrr_new mrr_expansion mrr_contraction mrr_churn mrr_reactivation arr nrr grr logo_churn "
    "mrr_churn_rate mrr_churn_incl_contraction early_churn_90d cohort_retention",
    "customers": "nps activation pql health_score",
    "quality": "pct_q1 dq_completeness_rate dq_uniqueness_rate dq_time_zone_coherence_rate dq_set_aside_rate",
}


@pytest.mark.parametrize("domain", list(DICTIONARY))
def test_every_name_of_the_dictionary_is_a_metric_or_told_why_not(domain):
    assert (METRICS_FOLDER / f"metrics_{domain}.yml").is_file()
    told = {*dictionary(), *unavailable()}
    assert [name for name in DICTIONARY[domain].split() if name not in told] == []


def test_every_unit_is_that_of_a_metric():
    assert set(UNITS) == {metric.unit for metric in dictionary().values()}
