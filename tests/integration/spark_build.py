"""Build the dbt project on Spark in a process of its own: `python spark_build.py REQUEST.json ANSWER.json`.

What does NOT belong here: what must be true of the result (test_spark_parity.py). A process of its own,
because the JVM, its working directory and its temporary files then end with it.

REQUEST: project (dbt_project), work (ETALON_WORK), views (schema.view to write as Parquet), probes (name ->
Spark SQL over files, written as Parquet), exports (folder for both), refusals (name -> verdict file, or null for
none, under which one mart must be refused).
ANSWER: nodes ({name, type, status, seconds, message}), refused (name -> message or null), seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any


def dbt(arguments: list[str], request: dict[str, Any], callbacks: list[Any]) -> Any:
    """One dbt command with --target spark; everything it writes goes to the work directory."""
    from dbt.cli.main import dbtRunner

    work, project = request["work"], request["project"]
    return dbtRunner(callbacks=callbacks).invoke(
        [*arguments, "--target", "spark", "--project-dir", project, "--profiles-dir", project,
         "--target-path", f"{work}/dbt", "--log-path", f"{work}/dbt", "--quiet", "--no-use-colors"]
    )  # fmt: skip


def nodes_of(result: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": item.node.name,
            "type": str(item.node.resource_type),
            "status": str(item.status),
            "seconds": round(item.execution_time, 2),
            "message": str(item.message or ""),
        }
        for item in getattr(result.result, "results", None) or ()
    ]


def refusal(verdict: str | None, mart: str, request: dict[str, Any]) -> str | None:
    """The message with which a mart is refused under that verdict file (none: no file); null when built."""
    target = Path(request["work"]) / "quality" / "gate_verdicts.parquet"
    target.unlink()
    if verdict:
        shutil.copy(verdict, target)
    result = dbt(["run", "--select", mart], request, [])
    return (
        None if result.success else " ".join(n["message"] for n in nodes_of(result)) or str(result.exception)
    )


def main(request_file: str, answer_file: str) -> None:
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    os.environ["ETALON_WORK"] = request["work"]
    statements: list[float] = []

    def note(event: Any) -> None:
        if event.info.name == "SQLQueryStatus":
            statements.append(event.data.elapsed)

    started = time.monotonic()
    result = dbt(["build"], request, [note])
    seconds = {"first_statement": statements[0] if statements else None, "build": time.monotonic() - started}
    answer = {"nodes": nodes_of(result), "exception": str(result.exception or ""), "refused": {}}
    if result.success:
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.getOrCreate()
        for view in request["views"]:
            spark.table(view).write.parquet(f"{request['exports']}/{view}")
        for name, sql in request["probes"].items():
            spark.sql(sql).write.parquet(f"{request['exports']}/{name}")
        for name, verdict in request["refusals"].items():
            answer["refused"][name] = refusal(verdict, "mart_sales_leads_cycle", request)
    seconds["all"] = time.monotonic() - started
    Path(answer_file).write_text(json.dumps(answer | {"seconds": seconds}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
