"""What a run leaves for the next one: standardised records, scored pairs and the statistics they were scored with.

With it a later run standardises and compares only records that are new or changed; every other pair keeps its score.
Statistics of the whole set (rarity of names, shared values, known given names, oversized blocks, the prior) stay those
of the run that started the chain, so that a weight means the same from run to run and no old pair moves by itself.
Two things cannot wait: a value that has become shared since, and a block that has doubled; their records count as
changed. What does NOT belong here: how pairs are found or scored.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ingest.sql import literal
from orchestration.matching.errors import MatchingError
from orchestration.matching.linkage.model import Model

SCHEMA = "etalon-linkage-state/1"
_TABLES = {
    "records": "SELECT p.*, c.content FROM prepared AS p JOIN contents AS c USING (record_key) ORDER BY node",
    "pairs": "SELECT * FROM judged ORDER BY left_node, right_node",
    "shared": "SELECT * FROM shared_found ORDER BY ALL",
    "frequencies": "SELECT * FROM frequencies_used ORDER BY ALL",
    "given_names": "SELECT * FROM given_names ORDER BY ALL",
    "blocks": "SELECT * FROM large_keys ORDER BY ALL",
}


@dataclass(frozen=True)
class Settings:
    """What two runs must share for the pairs of one to serve the other. population, given_names: see link."""

    entity: str
    model: str
    roles: dict[str, str]
    region: str | None
    between_sources: bool
    one_to_one: bool | None
    parameters: str
    population: int | None
    given_names: list[str]


@dataclass(frozen=True)
class State:
    """A kept run. used: roles compared; columns: of `prepared` that hold a value; unseen: share of a value that no
    record of the first run bears, by column; levels: m and u of each level, by comparison; prior: of a pair;
    one_to_one: a cluster takes one record of each source."""

    folder: Path
    used: dict[str, str]
    columns: set[str]
    unseen: dict[str, float]
    levels: dict[str, list[list[float]]]
    prior: float
    one_to_one: bool

    def model_of(self, active: Model) -> Model:
        """The model with the parameters of the kept run."""
        comparisons = tuple(
            replace(
                c,
                levels=tuple(
                    replace(level, m=m, u=u)
                    for level, (m, u) in zip(c.levels, self.levels[c.name], strict=True)
                ),
            )
            for c in active.comparisons
        )
        return replace(active, comparisons=comparisons, prior_probability=self.prior)

    def table(self, name: str) -> str:
        """SQL of one of its tables."""
        return f"read_parquet({literal(str(self.folder / f'{name}.parquet'))})"


def model_digest(model: Model) -> str:
    """The model as one short text: two models of one digest give the same pairs."""
    return hashlib.sha256(repr(model).encode()).hexdigest()[:16]


def load_state(folder: Path, settings: Settings) -> State | None:
    """The state in `folder`; None when it was kept by a run that compares names alone (they are compared anew).

    Raises MatchingError E-MAT-010 when there is none or it is of other settings.
    """
    path = folder / "state.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content["schema"]
        if found != SCHEMA:
            raise _unusable(folder, f"schema {found}, expected {SCHEMA}")
        for name, value in vars(settings).items():
            if content["settings"][name] != value:
                raise _unusable(folder, f"{name} was {content['settings'][name]}, is {value}")
        if content["method"] == "names":
            return None
        missing = [name for name in _TABLES if not (folder / f"{name}.parquet").is_file()]
        if missing:
            raise _unusable(folder, f"{missing[0]}.parquet is missing")
        return State(
            folder,
            content["used"],
            set(content["columns"]),
            content["unseen"],
            content["levels"],
            content["prior"],
            content["one_to_one"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unusable(folder, f"{type(error).__name__}: {error}") from error


def _unusable(folder: Path, detail: str) -> MatchingError:
    return MatchingError("E-MAT-010", folder.name, detail=detail)


def keep_state(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    settings: Settings,
    model: Model | None,
    used: dict[str, str],
    columns: set[str],
    unseen: dict[str, float],
    *,
    one_to_one: bool,
) -> None:
    """Write the state of the run that `con` holds into `folder`. model None: names alone, of which nothing is kept.

    The description is written last: a folder without it is no state.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "state.json"
    path.unlink(missing_ok=True)
    content: dict[str, object] = {"schema": SCHEMA, "settings": vars(settings)}
    if model is None:
        content["method"] = "names"
    else:
        for name, sql in _TABLES.items():
            file = folder / f"{name}.parquet"
            # Written beside and moved: the run may be reading the state that it replaces.
            con.execute(f"COPY ({sql}) TO {literal(str(file) + '.new')} (FORMAT parquet)")
            Path(str(file) + ".new").replace(file)
        content |= {
            "method": "scores",
            "used": used,
            "columns": sorted(columns),
            "unseen": unseen,
            "levels": {c.name: [[level.m, level.u] for level in c.levels] for c in model.comparisons},
            "prior": model.prior_probability,
            "one_to_one": one_to_one,
        }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def changed_records(con: duckdb.DuckDBPyConnection, state: State, *, every: bool) -> tuple[int, int]:
    """Reduce `source_records` to those that `state` does not hold as they are, all when `every`.

    Reads `contents` (record_key, content). Creates `known` (old_node, record_key): the others.
    Returns how many records are to be standardised and how many the state holds that are there no more.
    """
    unchanged = "FALSE" if every else "c.content = s.content"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE known AS SELECT s.node AS old_node, record_key "
        f"FROM {state.table('records')} AS s JOIN contents AS c USING (record_key) WHERE {unchanged};"
        "DELETE FROM source_records WHERE record_key IN (SELECT record_key FROM known)"
    )
    new = con.execute("SELECT count(*) FROM source_records").fetchall()[0][0]
    gone = con.execute(
        f"SELECT count(*) FROM {state.table('records')} WHERE record_key NOT IN (SELECT record_key FROM contents)"
    ).fetchall()[0][0]
    return int(new), int(gone)


def join_known(con: duckdb.DuckDBPyConnection, state: State) -> None:
    """Put the records of `known` and the new ones of `prepared` together, numbered anew in record_key order.

    Creates `places` (old_node, node) of the known ones and `touched` (node) of the new ones.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE numbered AS SELECT old_node, new_node, "
        "CAST(row_number() OVER (ORDER BY record_key) - 1 AS INTEGER) AS node FROM "
        "(SELECT record_key, NULL::INTEGER AS old_node, node AS new_node FROM prepared UNION ALL "
        "SELECT record_key, old_node, NULL::INTEGER FROM known); DROP TABLE known;"
        "CREATE OR REPLACE TEMP TABLE touched AS SELECT node FROM numbered WHERE old_node IS NULL;"
        "CREATE OR REPLACE TEMP TABLE places AS SELECT old_node, node FROM numbered WHERE old_node IS NOT NULL;"
        "CREATE TEMP TABLE joined AS SELECT p.* REPLACE (n.node AS node) FROM prepared AS p JOIN numbered AS n "
        "ON n.new_node = p.node UNION ALL BY NAME SELECT s.* EXCLUDE (content) REPLACE (n.node AS node) "
        f"FROM {state.table('records')} AS s JOIN places AS n ON n.old_node = s.node;"
        "DROP TABLE prepared; DROP TABLE numbered; ALTER TABLE joined RENAME TO prepared"
    )


def add_known_pairs(con: duckdb.DuckDBPyConnection, state: State) -> None:
    """Add to `judged` the pairs of `state` of which no record has changed."""
    con.execute(
        "INSERT INTO judged BY NAME SELECT p.* REPLACE (l.node AS left_node, r.node AS right_node) "
        f"FROM {state.table('pairs')} AS p JOIN places AS l ON l.old_node = p.left_node "
        "JOIN places AS r ON r.old_node = p.right_node "
        "WHERE l.node NOT IN (SELECT node FROM touched) AND r.node NOT IN (SELECT node FROM touched)"
    )
