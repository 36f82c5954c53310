"""The bridges and the restatements of a publication, and the evidence it leaves for the next one.

A past month never changes silently: a figure that differs from the one published before and has no row of the bridge,
or whose rows do not add up to the difference, stops the publication.
What does NOT belong here: finding causes (orchestration.bridge), putting tables in place (see publishing).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.sql import ident
from orchestration.bridge.comparing import Compared, compare
from orchestration.bridge.cuts import KPI_MART
from orchestration.bridge.dividing import CELL_COLUMNS, Cells, silent_segments
from orchestration.bridge.evidence import FOLDER, KEPT, Evidence, prune, read_evidence, write_evidence
from orchestration.bridge.restating import restate
from orchestration.bridge.schemas import BRIDGE_SCHEMA, SEGMENT_BRIDGE_SCHEMA
from orchestration.damaged_file import DamagedFileError
from orchestration.explaining.definitions import definitions
from orchestration.publication.figure_tables import KPI_BRIDGE, KPI_RESTATEMENTS, KPI_SEGMENT_BRIDGE
from orchestration.publication.files import replace_folder
from orchestration.publication.history import Event, Publication, before, kpis_of, standing
from orchestration.publication.tables import Table
from orchestration.publication.trust import metric_rows
from orchestration.settings import RunSettings


class SilentChangeError(RuntimeError):
    """A past figure moved and the bridge does not say why. figures: (metric, month) of them."""

    def __init__(self, figures: Sequence[tuple[str, str]]) -> None:
        self.figures = tuple(figures)
        named = ", ".join(f"{name} {month}" for name, month in figures[:5])
        super().__init__(
            f"{len(figures)} published figure(s) changed without a cause that adds up to the change: {named}"
        )


def compared_with(events: Sequence[Event], publication: Publication) -> Publication | None:
    """What the figures are compared with: the last publication that stood before this one, of no later month."""
    stood = standing(before(events, publication.publication_id))
    return next((each for each in reversed(stood) if each.cycle <= publication.cycle), None)


def moved_tables(
    con: duckdb.DuckDBPyConnection,
    published: Path,
    work: Path,
    settings: RunSettings,
    publication: Publication,
    events: Sequence[Event],
    manifest: Mapping[str, Any],
    deliveries: Iterable[Mapping[str, Any]],
    figures: pa.Table,
    aside: Path,
) -> tuple[list[tuple[Table, pa.Table]], Evidence]:
    """The bridges, kpi_restatements, and the evidence of the candidate, which is written to aside/kpi_evidence.

    con: has the warehouse as catalogue `warehouse`. figures: rows of kpi_history of this publication.
    Raises SilentChangeError.
    """
    former = compared_with(events, publication)
    dispositions = work / "collect" / "dispositions.parquet"
    earlier = {each.publication.publication_id for each in before(events, publication.publication_id)}
    told = kpis_of(published, earlier)
    versions = {row["metric_name"]: row["metric_version"] for row in metric_rows(manifest)}
    con.execute("use warehouse")
    try:
        evidence = write_evidence(
            con,
            aside / FOLDER,
            [each for each in definitions().values() if each.metric_name in versions],
            versions,
            work / "matching",
            dispositions,
            {
                "publication_id": publication.publication_id,
                "cycle": publication.cycle,
                "settings": settings.identity(),
                "deliveries": sorted(row["delivery_id"] for row in deliveries),
            },
        )
        cells = _cells(con, published, former)
        bridge, by_segment = _bridges(con, published, former, evidence, told, figures, cells, dispositions)
        _refuse_silent_changes(con, bridge, former, told, figures)
        if former is not None and (silent := silent_segments(con, by_segment)):
            raise SilentChangeError(silent)
        restated = restate(
            con,
            told,
            figures,
            (publication.publication_id, publication.cycle),
            former.publication_id if former else None,
        )
    finally:
        con.execute("use memory")
    return [(KPI_BRIDGE, bridge), (KPI_SEGMENT_BRIDGE, by_segment), (KPI_RESTATEMENTS, restated)], evidence


def keep_evidence(aside: Path, published: Path, events: Sequence[Event], publication: Publication) -> None:
    """Put the evidence in place and forget that of old publications; the same publication again changes nothing."""
    registry = published / "registry"
    replace_folder(aside / FOLDER, registry / FOLDER / publication.publication_id)
    stood = [each.publication_id for each in standing(events)]
    former = compared_with(events, publication)
    prune(
        registry,
        {publication.publication_id, *stood[-(KEPT - 1) :], *([former.publication_id] if former else [])},
    )


def figures_by_segment(published: Path, publication_id: str) -> Path | None:
    """The KPI mart of a publication, which gives its figures by segment; None where it is no longer kept."""
    path = published / "parquet" / publication_id / f"{KPI_MART}.parquet"
    return path if path.is_file() else None


def _cells(con: duckdb.DuckDBPyConnection, published: Path, former: Publication | None) -> Cells:
    columns = ", ".join(CELL_COLUMNS)
    return Cells(
        _former_cells(published, former.publication_id) if former else None,
        con.sql(f"select {columns} from marts.{ident(KPI_MART)}").to_arrow_table(),
    )


def _former_cells(published: Path, publication_id: str) -> pa.Table | None:
    path = figures_by_segment(published, publication_id)
    if path is None:
        return None
    try:
        return pq.read_table(path, columns=list(CELL_COLUMNS))
    except (OSError, pa.ArrowException) as error:
        place = f"published/parquet/{publication_id}/{path.name}"
        remedy = f"put it back from a copy, else rm {place}: segments are then not compared"
        raise DamagedFileError(place, type(error).__name__, remedy) from error


def _bridges(
    con: duckdb.DuckDBPyConnection,
    published: Path,
    former: Publication | None,
    evidence: Evidence,
    told: pa.Table,
    figures: pa.Table,
    cells: Cells,
    dispositions: Path,
) -> tuple[pa.Table, pa.Table]:
    if former is None:
        return BRIDGE_SCHEMA.empty_table(), SEGMENT_BRIDGE_SCHEMA.empty_table()
    return compare(
        con,
        Compared(
            former.publication_id,
            evidence.content["publication_id"],
            _readable(read_evidence(published / "registry", former.publication_id)),
            evidence,
        ),
        _of_publication(told, former.publication_id),
        figures,
        cells,
        definitions(),
        dispositions,
    )


def _readable(evidence: Evidence | None) -> Evidence | None:
    """The same evidence. Raises DamagedFileError when a file of it cannot be read: its causes would be lost unsaid."""
    for path in sorted(evidence.folder.glob("*.parquet")) if evidence else ():
        try:
            pq.read_metadata(path)
        except (OSError, pa.ArrowException) as error:
            place = f"published/registry/{FOLDER}/{path.parent.name}"
            remedy = f"put it back from a copy, else rm -r {place}: changes are then told undivided"
            raise DamagedFileError(f"{place}/{path.name}", type(error).__name__, remedy) from error
    return evidence


def _refuse_silent_changes(
    con: duckdb.DuckDBPyConnection,
    bridge: pa.Table,
    former: Publication | None,
    told: pa.Table,
    figures: pa.Table,
) -> None:
    if former is None:
        return
    con.register("told", _of_publication(told, former.publication_id))
    con.register("figures_now", figures)
    con.register("bridge", bridge)
    try:
        silent = con.execute(
            """
            with told_by as (
                select metric_name, period_month, arg_min({'v': value_before}, step_order).v as first_value,
                    arg_max({'v': value_after}, step_order).v as last_value, sum(effect) as effects,
                    count(*) filter (where effect is null) as n_without
                from bridge group by all
            )
            select metric_name, strftime(period_month, '%Y-%m')
            from told as f join figures_now as n using (metric_name, period_month)
            left join told_by as b using (metric_name, period_month)
            where f.value is distinct from n.value and (
                b.metric_name is null
                or b.first_value is distinct from f.value or b.last_value is distinct from n.value
                or (f.value is not null and n.value is not null
                    and (b.n_without > 0 or b.effects is distinct from n.value - f.value))
            )
            order by all
            """
        ).fetchall()
    finally:
        for name in ("told", "figures_now", "bridge"):
            con.unregister(name)
    if silent:
        raise SilentChangeError(silent)


def _of_publication(told: pa.Table, publication_id: str) -> pa.Table:
    return told.filter(pc.equal(told["publication_id"], publication_id))
