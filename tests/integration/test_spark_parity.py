"""The same dbt project, built on Spark from the same Parquet files, gives the tables that DuckDB gave.

Matching and the rules are not dbt: their files are those of the DuckDB run. Needs the extra `spark` and Java.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import jinja2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dbt_common.clients.jinja import MaterializationExtension

from orchestration.dbt_running import manifest
from orchestration.project import DBT_PROJECT
from orchestration.publication.tables import published_tables

JAVA = 17
INPUTS = ("raw", "collect", "run", "matching", "stewardship", "quality", "statistics")

#: What people type where a name, an identifier or an address is asked, as engines read it differently.
TYPED = [
    None, "", " ", "-", "ACME", "acme s.a.s.", "Société Générale", "SOCIÉTÉ GÉNÉRALE",
    "Societe\u0301 Ge\u0301ne\u0301rale",  # accents written apart
    "L'Oréal", "L’Oréal", "Œuvre & Cie", "Straße GmbH", "STRASSE GMBH", "STRAẞE", "Æther AB", "Łódź Sp. z o.o.",
    "Ørsted A/S", "Þór ehf", "İstanbul A.Ş.", "Altınbaş", "Ďáblice s.r.o.", "Ňuňez", "Nguyễn Thị Ánh", "Ǆ",
    "ﬁnance ﬀ", "ŉ", "ẚ", "ǰ ẖ ẗ ẘ ẙ", "ſ", "ΑΒΓ Α.Ε.", "ООО Ромашка", "株式会社", "emoji 🙂 SAS",
    "two\nlines\n", "tab\tNBSP\u00a0end\u00a0", "SAS", "SAS SAS", "SARL SAS Dupont SA", "The Co",
    "Dupont et Fils et Cie", "K2", "732829320", "73282932000074", "732 829 320", "732829320\n", "000000000",
    "123456789", "FR40303265045", "fr 40 303 265 045", "DE123456789", "７３２８２９３２０",
    "https://www.acme.fr/a?b#c", "http://ACME.co.uk:8080", "jean@mail.acme.gouv.fr", "www2.acme.com", "acme",
    "acme.", ".acme.fr", "a.b.c.d.co.uk", "acme.fr\n", "//acme.fr", "mailto:x@y.z", "é.fr", "a_b.fr",
]  # fmt: skip

KEYS = {
    "plain": "{{ plain_words('typed') }}",
    "company": "{{ company_name_key('typed') }}",
    "person": "{{ person_name_key('typed', 'typed') }}",
    "identifier": "{{ identifier_key('typed') }}",
    "siren": "{{ siren_of('typed') }}",
    "domain": "{{ registered_domain(host_of('typed')) }}",
}

FIGURES = {
    "ratio": "{{ metric_ratio('dividend', 'divisor') }}",
    "rounded": "{{ rounded('quotient', 4) }}",
}


def missing() -> str | None:
    """Why Spark cannot run here; null when it can."""
    if not importlib.util.find_spec("pyspark") or not importlib.util.find_spec("dbt.adapters.spark"):
        return "the extra `spark` is not installed: make test-spark installs it"
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if not java:
        return f"no Java on this machine: Spark needs Java {JAVA} or later (JAVA_HOME or PATH)"
    told = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', told)
    if not version or int(version[1]) < JAVA:
        return f"Spark needs Java {JAVA} or later, found: {told.splitlines()[0] if told else 'unknown'}"
    return None


REASON = missing()
pytestmark = [pytest.mark.spark, pytest.mark.skipif(REASON is not None, reason=REASON or "")]


def rendered(engine: str, text: str) -> str:
    """SQL of a macro call for one engine ('default' is DuckDB), by the project's macro files alone."""
    files = sorted((DBT_PROJECT / "macros").rglob("*.sql"))
    environment = jinja2.Environment(extensions=["jinja2.ext.do", MaterializationExtension])

    class Adapter:
        @staticmethod
        @jinja2.pass_context
        def dispatch(context: jinja2.runtime.Context, name: str, package: str):
            return context.resolve(f"{engine}__{name}")

    source = "".join(path.read_text(encoding="utf-8") for path in files)
    return environment.from_string(source + text).render(adapter=Adapter).strip()


def probe(engine: str, expressions: dict[str, str], source: str) -> str:
    columns = ", ".join(f"{rendered(engine, text)} as {name}_value" for name, text in expressions.items())
    return f"select id, {columns} from {source}"


@dataclass(frozen=True)
class SparkBuild:
    """What Spark built. con: DuckDB with the warehouse of the DuckDB run attached as `embedded`."""

    answer: dict
    work: Path
    exports: Path
    con: duckdb.DuckDBPyConnection

    def files(self, schema: str, name: str) -> str:
        """Parquet of a table (Spark's warehouse) or of a view or probe (exported)."""
        table = self.work / "spark" / "warehouse" / f"{schema}.db" / name
        return f"{table if table.is_dir() else self.exports / f'{schema}.{name}'}/*.parquet"

    def columns(self, relation: str) -> list[tuple[str, str]]:
        return self.con.execute(
            f"select column_name, column_type from (describe select * from {relation})"
        ).fetchall()

    def difference(self, schema: str, name: str, *, same_types: bool) -> str | None:
        """Null when both engines hold the same rows under the same columns, else what differs.

        same_types: false where no contract names the types; row_number() is BIGINT on DuckDB and INTEGER on Spark.
        """
        ours, theirs = f'embedded."{schema}"."{name}"', f"read_parquet('{self.files(schema, name)}')"
        columns = self.columns(ours)
        # Spark's timestamps are instants; the session zone is UTC on both sides
        found = [(column, kind.replace(" WITH TIME ZONE", "")) for column, kind in self.columns(theirs)]
        if [pair[: 1 + same_types] for pair in found] != [pair[: 1 + same_types] for pair in columns]:
            return f"{schema}.{name}: columns {sorted(set(found) ^ set(columns))}"
        values = ", ".join(
            f'round("{column}", 9)' if kind in ("DOUBLE", "FLOAT") else f'cast("{column}" as {kind})'
            for column, kind in columns
        )
        sides = [f"select {values} from {relation}" for relation in (ours, theirs)]
        extra = [
            self.con.execute(f"({one}) except all ({other})").fetchall()
            for one, other in (sides, sides[::-1])
        ]
        if extra[0] or extra[1]:
            return f"{schema}.{name}: DuckDB only {extra[0][:2]}, Spark only {extra[1][:2]}"
        return None


def relations(warehouse: Path, kind: str) -> list[tuple[str, str]]:
    """(schema, name) of the project's tables or views, staging and the registered files left out."""
    left_out = (
        "('main', 'staging', 'raw', 'collect', 'run', 'matching', 'stewardship', 'quality', 'statistics')"
    )
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return con.execute(
            f"select schema_name, {kind}_name from duckdb_{kind}s()"
            f" where not internal and schema_name not in {left_out} order by all"
        ).fetchall()


@pytest.fixture(scope="module")
def spark(demo_run, tmp_path_factory: pytest.TempPathFactory):
    """The demo company built on Spark; warehouse, metastore, logs and scratch lie in the test's folder."""
    folder = tmp_path_factory.mktemp("spark")
    work, exports, scratch = folder / "work", folder / "exports", folder / "scratch"
    for name in INPUTS:
        shutil.copytree(demo_run.work / name, work / name)
    for path in (exports, scratch):
        path.mkdir()
    warehouse = Path(shutil.copy(demo_run.work / "warehouse.duckdb", folder / "warehouse.duckdb"))

    typed, figures, hold = folder / "typed.parquet", folder / "figures.parquet", folder / "hold.parquet"
    pq.write_table(pa.table({"id": range(len(TYPED)), "typed": pa.array(TYPED, pa.string())}), typed)
    with duckdb.connect() as con:
        # ties at the last kept decimal, exact in binary or not, on both sides of zero
        con.execute(
            "copy (select i as id, cast(i - 3000 as bigint) as dividend,"
            " cast([1, 3, 7, 0, 400, 2048, 10240, 81920][1 + i % 8] as bigint) as divisor,"
            " (i - 3000) / 20000.0::double as quotient from range(6000) t(i))"
            f" to '{figures}' (format parquet)"
        )
        con.execute(
            "copy (select * replace ('hold' as verdict) from"
            f" '{work / 'quality' / 'gate_verdicts.parquet'}') to '{hold}' (format parquet)"
        )
    request = {
        "project": str(DBT_PROJECT),
        "work": str(work),
        "exports": str(exports),
        "views": [f"{schema}.{name}" for schema, name in relations(warehouse, "view")],
        "probes": {
            "probe.keys": probe("spark", KEYS, f"parquet.`{typed}`"),
            "probe.figures": probe("spark", FIGURES, f"parquet.`{figures}`"),
        },
        "refusals": {"hold": str(hold), "missing": None},
    }
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    script = Path(__file__).with_name("spark_build.py")
    done = subprocess.run(
        [sys.executable, str(script), str(folder / "request.json"), str(folder / "answer.json")],
        cwd=folder,
        env=os.environ | {"JAVA_TOOL_OPTIONS": f"-Djava.io.tmpdir={scratch}", "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    print("seconds on Spark:", answer["seconds"])
    con = duckdb.connect()
    con.execute("SET threads=2; SET TimeZone='UTC'")
    con.execute(f"attach '{warehouse}' as embedded (read_only)")
    yield SparkBuild(answer, work, exports, con)
    con.close()


def test_every_model_seed_and_data_test_succeeds_on_spark(spark):
    wrong = [n for n in spark.answer["nodes"] if n["status"] not in ("success", "pass", "no-op")]
    assert not wrong and not spark.answer["exception"], wrong[:5] or spark.answer["exception"]
    built = {n["name"] for n in spark.answer["nodes"]}
    nodes = [n for n in manifest()["nodes"].values() if n["resource_type"] in ("model", "seed", "test")]
    # an ephemeral model is a part of those that read it
    assert built >= {n["name"] for n in nodes if n["config"]["materialized"] != "ephemeral"}


#: Published tables that the tiny company leaves empty: too few customers order again and too few deals close for a
#: model of them, and nothing in its last cycle has gone missing or must be told to somebody higher up.
EMPTY_ON_TINY = {
    "mart_accounts_values_account", "mart_revops_escalations_cycle", "mart_revops_missing_events_cycle",
    "mart_sales_deal_calibrations_cycle", "mart_sales_deal_predictors_cycle", "mart_sales_deal_scores_cycle",
}  # fmt: skip


def test_every_published_table_is_equal_row_by_row(spark):
    tables = published_tables(manifest())
    assert len(tables) >= 15
    wrong = [
        found for table in tables if (found := spark.difference(table.schema, table.name, same_types=True))
    ]
    assert not wrong, "\n".join(wrong)
    empty = set()
    for table in tables:
        rows = f"read_parquet('{spark.files(table.schema, table.name)}')"
        if spark.con.execute(f"select count(*) from {rows}").fetchone()[0] == 0:
            empty.add(table.name)
    assert empty <= EMPTY_ON_TINY, empty - EMPTY_ON_TINY


def test_every_other_relation_is_equal_too(spark):
    warehouse = spark.work.parent / "warehouse.duckdb"
    found = relations(warehouse, "table") + relations(warehouse, "view")
    wrong = [text for schema, name in found if (text := spark.difference(schema, name, same_types=False))]
    assert not wrong, "\n".join(wrong)


def test_the_records_handed_to_matching_are_equal(spark, demo_run):
    for entity in ("account", "person"):
        name = f"int_{entity}_records.parquet"
        ours = demo_run.work / "exchange" / name
        theirs = spark.work / "spark" / "exchange" / name / "*.parquet"
        for one, other in ((ours, theirs), (theirs, ours)):
            query = f"from read_parquet('{one}') except all from read_parquet('{other}')"
            assert not spark.con.execute(query).fetchmany(2), entity


@pytest.mark.parametrize(("name", "expressions"), [("keys", KEYS), ("figures", FIGURES)])
def test_engine_macros_give_the_same_on_what_the_demo_does_not_hold(spark, name, expressions):
    source = spark.work.parent / ("typed.parquet" if name == "keys" else "figures.parquet")
    ours = spark.con.execute(
        f"select * from ({probe('default', expressions, repr(str(source)))}) order by id"
    ).fetchall()
    theirs = spark.con.execute(
        f"select * from read_parquet('{spark.files('probe', name)}') order by id"
    ).fetchall()
    assert len(ours) == len(theirs)
    wrong = [(one, other) for one, other in zip(ours, theirs, strict=True) if one != other]
    assert not wrong, wrong[:5]


def test_marts_are_refused_on_spark_without_an_admitting_verdict(spark):
    assert "is not admitted" in (spark.answer["refused"]["hold"] or "built")
    assert "verdict" in (spark.answer["refused"]["missing"] or "built").lower()
