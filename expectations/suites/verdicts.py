"""Counts of rules -> the verdicts of Great Expectations on them.

The suite has one expectation a dimension and severity of the catalogue: none of its rules has more failing rows
than its tolerance leaves. The batch holds, a row a rule and table, the failing rows beyond what is allowed. Great
Expectations never reads the warehouse: its column expectations fetch whole batches there; and an expectation a
rule took 4 ms, which hundreds of rules made the largest part of a validation.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from decimal import ROUND_FLOOR

import pandas as pd

from expectations.results import RuleResult

os.environ["GX_ANALYTICS_ENABLED"] = "false"
with warnings.catch_warnings():  # it imports every engine it finds, and each has its say about versions
    warnings.simplefilter("ignore")
    import great_expectations as gx
    import great_expectations.expectations as gxe

_RULE = ["rule_id", "table_name"]


def _column(result: RuleResult) -> str:
    return f"{result.dimension}/{result.severity}"


def suite(results: Sequence[RuleResult]) -> gx.ExpectationSuite:
    """One expectation a dimension and severity; its meta names the rules."""
    columns = sorted({_column(each) for each in results})
    return gx.ExpectationSuite(
        name="rules",
        expectations=[
            gxe.ExpectColumnValuesToBeBetween(
                column=column,
                max_value=0,
                severity=column.split("/")[1],
                meta={
                    "rules": " ".join(sorted({each.rule_id for each in results if _column(each) == column}))
                },
            )
            for column in columns
        ],
    )


def agreements(results: Sequence[RuleResult]) -> dict[tuple[str, str], bool]:
    """(rule id, table) -> whether Great Expectations passes what the result passes and fails what it fails."""
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    asset = context.data_sources.add_pandas("counts").add_dataframe_asset("counts")
    batch = asset.add_batch_definition_whole_dataframe("counts").get_batch({"dataframe": _excess(results)})
    report = batch.validate(
        suite(results), result_format={"result_format": "COMPLETE", "unexpected_index_column_names": _RULE}
    )
    judged = {outcome.expectation_config.kwargs["column"] for outcome in report.results}
    failed = {
        (found["rule_id"], found["table_name"])
        for outcome in report.results
        for found in outcome.result.get("unexpected_index_list") or ()
    }
    return {
        (each.rule_id, each.table_name): _column(each) in judged
        and ((each.rule_id, each.table_name) not in failed) is (each.status == "pass")
        for each in results
    }


def _excess(results: Sequence[RuleResult]) -> pd.DataFrame:
    """A row a rule and table: the failing rows beyond its tolerance, in the column of its dimension and severity."""
    rows = [
        {
            "rule_id": each.rule_id,
            "table_name": each.table_name,
            _column(each): each.n_failed
            - int((each.tolerance * each.n_evaluated).to_integral_value(ROUND_FLOOR)),
        }
        for each in results
    ]
    return pd.DataFrame(rows)
