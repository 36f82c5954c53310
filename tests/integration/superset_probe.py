"""Superset without a browser: its own HTTP interface, pointed at a published file. Run by Superset's interpreter.

Arguments: the published marts.duckdb, and an empty folder for Superset's own state. Prints one JSON object on the last
line. What does NOT belong here: what the answers must be (test_bi_connections.py).
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from importlib.metadata import version
from pathlib import Path

CONFIGURATION = """\
SECRET_KEY = {key!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{home}/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
CACHE_CONFIG = DATA_CACHE_CONFIG = {{"CACHE_TYPE": "NullCache"}}
FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = {{"CACHE_TYPE": "SimpleCache"}}
"""


def main(marts: Path, home: Path) -> dict:
    """Register the file as a database and its KPI mart as a dataset, then ask for a chart's data and for SQL."""
    configuration = home / "superset_config.py"
    configuration.write_text(CONFIGURATION.format(key=secrets.token_hex(32), home=home))
    os.environ |= {"SUPERSET_CONFIG_PATH": str(configuration), "SUPERSET_HOME": str(home)}
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from flask_appbuilder import Model
        from superset.extensions import appbuilder, db

        Model.metadata.create_all(db.engine)
        appbuilder.add_permissions(update_perms=True)
        appbuilder.sm.sync_role_definitions()
        password = secrets.token_hex(16)
        appbuilder.sm.add_user(
            "reader", "A", "Reader", "reader@etalon-demo.example", appbuilder.sm.find_role("Admin"), password
        )
    # A request inside the context above would keep its anonymous user.
    client = app.test_client()

    def ask(method: str, path: str, body: dict) -> dict:
        answer = client.open(f"/api/v1/{path}", method=method, json=body, headers=headers)
        if answer.status_code >= 400:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.get_data(as_text=True)[:500]}")
        return answer.get_json()

    headers: dict[str, str] = {}
    login = {"username": "reader", "password": password, "provider": "db", "refresh": False}
    headers = {"Authorization": f"Bearer {ask('POST', 'security/login', login)['access_token']}"}
    database = ask(
        "POST",
        "database/",
        {
            "database_name": "etalon",
            "sqlalchemy_uri": f"duckdb:///{marts}?access_mode=read_only",
            "expose_in_sqllab": True,
        },
    )["id"]
    dataset = ask(
        "POST",
        "dataset/",
        {"database": database, "schema": "main", "table_name": "mart_management_kpis_month"},
    )["id"]
    columns = ask("GET", f"dataset/{dataset}", {})["result"]["columns"]
    chart = ask(
        "POST",
        "chart/data",
        {
            "datasource": {"id": dataset, "type": "table"},
            "queries": [
                {
                    "columns": ["period_month"],
                    "metrics": [
                        {
                            "expressionType": "SQL",
                            "sqlExpression": "sum(numerator) / sum(denominator)",
                            "label": "rate",
                        }
                    ],
                    "filters": [
                        {"col": "metric_name", "op": "==", "val": "cr"},
                        {"col": "segment_kind_code", "op": "==", "val": "all"},
                        {"col": "denominator", "op": ">", "val": 0},
                    ],
                    "orderby": [["period_month", True]],
                    "row_limit": 1000,
                }
            ],
            "result_format": "json",
            "result_type": "full",
        },
    )["result"][0]
    written = client.post(
        "/api/v1/sqllab/execute/",
        json={"database_id": database, "sql": "drop table main.kpi_trust", "runAsync": False},
        headers=headers,
    )
    return {
        "version": version("apache-superset"),
        "n_columns": len(columns),
        "rows": [[row["period_month"], row["rate"]] for row in chart["data"]],
        "drop_status": written.status_code,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2])), default=str))
