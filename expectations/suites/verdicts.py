"""Counts of rules -> the verdicts of Great Expectations on them.

The batch is one row: a column a rule, the number of its failing rows. The suite allows each column the rows
that the tolerance of its rule leaves. Great Expectations never reads the warehouse: its column expectations
fetch whole batches there, and 20 ms a rule stood on the path of every run.
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


def suite(results: Sequence[RuleResult]) -> gx.ExpectationSuite:
    """One expectation a result: no more failing rows than its tolerance allows. Meta names rule, table, owner."""
    return gx.ExpectationSuite(
        name="rules",
        expectations=[
            gxe.ExpectColumnMaxToBeBetween(
                column=str(position),
                max_value=int((each.tolerance * each.n_evaluated).to_integral_value(ROUND_FLOOR)),
                severity=each.severity,
                meta={
                    "rule_id": each.rule_id,
                    "table": each.table_name,
                    "owner": each.owner,
                    "reason_code": each.reason_code,
                },
            )
            for position, each in enumerate(results)
        ],
    )


def agreements(results: Sequence[RuleResult]) -> dict[tuple[str, str], bool]:
    """(rule id, table) -> whether Great Expectations passes what the result passes and fails what it fails."""
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    asset = context.data_sources.add_pandas("counts").add_dataframe_asset("counts")
    counts = pd.DataFrame({str(position): [each.n_failed] for position, each in enumerate(results)})
    batch = asset.add_batch_definition_whole_dataframe("counts").get_batch({"dataframe": counts})
    report = batch.validate(suite(results), result_format="SUMMARY")
    said = {
        (
            outcome.expectation_config.meta["rule_id"],
            outcome.expectation_config.meta["table"],
        ): outcome.success
        for outcome in report.results
    }
    return {
        (each.rule_id, each.table_name): said.get((each.rule_id, each.table_name)) is (each.status == "pass")
        for each in results
    }
