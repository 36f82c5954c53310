"""The experiments of a company as one run sees them: checked when it begins, kept in work/run for the statistics step.

A run of a cycle sees what was registered before the cycle ended, and protocols without a registration whose first day
lies before that, so that an old cycle run again does not learn of later experiments. What does NOT belong here:
figures, and the rollout checklist, which is ticked after them.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.experiments.protocol import FOLDER

if TYPE_CHECKING:
    import pyarrow as pa

    from orchestration.experiments.protocol import Protocol
    from orchestration.experiments.records import Drawn, Registration

#: Where a run keeps what it saw, below work/.
KEPT = Path("run") / "experiments.json"
UNITS = Path("run") / "experiment_units.parquet"
HOLDOUT = "holdout.csv"

_UNIT_TYPES = {
    "experiment_code": "string", "unit_id": "string", "arm_code": "string", "stratum_code": "string",
    "n_prior_leads": "int64", "n_prior_conversions": "int64", "record_key": "string",
}  # fmt: skip

READY = "ready"
#: The only status with a verdict: registered before its start, unchanged, over, all windows over.
FINISHED = "finished"
DRAFT, CHANGED, LATE = "not_registered", "protocol_changed", "registered_late"
UNASSIGNED, ASSIGNED_LATE, ARMS_CHANGED = "not_assigned", "assigned_late", "assignment_changed"


def experiment_files(company_root: Path) -> list[Path]:
    """Every file of people below experiments/, by path: what a new run would look at."""
    folder = company_root / FOLDER
    if not folder.is_dir():
        return []
    found = [path for pattern in ("*/*.yml", "*/*.json", "*/*.csv") for path in folder.glob(pattern)]
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def standing(protocol: Protocol, registration: Registration | None, drawn: Drawn | None) -> str:
    """READY, or the first thing that forbids to read the experiment."""
    if registration is None:
        return DRAFT
    if registration.protocol_sha256 != protocol.sha256:
        return CHANGED
    if registration.registered_on >= protocol.start_on:
        return LATE
    if drawn is None:
        return UNASSIGNED
    if not drawn.is_intact or drawn.protocol_sha256 != registration.protocol_sha256:
        return ARMS_CHANGED
    return ASSIGNED_LATE if drawn.assigned_on >= protocol.start_on else READY


def check_experiments(company_root: Path) -> int:
    """Number of experiments, all of them understood. Raises ExperimentError before the run begins.

    The lists of units are read once, when they are kept: a damaged one counts as changed.
    """
    if not (company_root / FOLDER).is_dir():
        return 0
    from orchestration.experiments.protocol import list_protocols
    from orchestration.experiments.records import read_registration

    found = list_protocols(company_root)
    for protocol in found:
        read_registration(company_root / FOLDER / protocol.code)
    return len(found)


def keep_experiments(company_root: Path, work: Path, cycle_end: dt.date) -> None:
    """Write what the cycle may know to work/run; remove what an older run left."""
    kept, units = work / KEPT, work / UNITS
    kept.unlink(missing_ok=True)
    units.unlink(missing_ok=True)
    if not (company_root / FOLDER).is_dir():
        return
    from orchestration.experiments.errors import ExperimentError
    from orchestration.experiments.protocol import list_protocols
    from orchestration.experiments.records import read_assignment, read_registration

    told, drawn_units = [], []
    for protocol in list_protocols(company_root):
        folder = company_root / FOLDER / protocol.code
        registration = read_registration(folder)
        if (registration.registered_on if registration else protocol.start_on) >= cycle_end:
            continue
        try:
            drawn, is_damaged = read_assignment(folder, protocol), False
        except ExperimentError:
            drawn, is_damaged = None, True
        if drawn is not None and drawn.assigned_on >= cycle_end:
            drawn = None
        told.append(_told(protocol, registration, drawn))
        if is_damaged and told[-1]["standing"] == UNASSIGNED:
            told[-1]["standing"] = ARMS_CHANGED
        if drawn is not None and told[-1]["standing"] == READY:
            drawn_units.append((protocol.code, drawn.rows))
    if not told:
        return
    _write_units(units, drawn_units)
    aside = kept.with_suffix(".tmp")
    aside.write_text(json.dumps(told, sort_keys=True, indent=1), encoding="utf-8")
    aside.replace(kept)


def kept_experiments(work: Path) -> list[dict[str, Any]]:
    """What keep_experiments() wrote: one dictionary per experiment, by code; none without the file."""
    path = work / KEPT
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def _told(protocol: Protocol, registration: Registration | None, drawn: Drawn | None) -> dict[str, Any]:
    return {
        "protocol": protocol.model_dump(mode="json", exclude={"hypothesis", "owners", "rollout"}),
        "protocol_sha256": protocol.sha256,
        "registered_on": registration.registered_on.isoformat() if registration else None,
        "registered_sha256": registration.protocol_sha256 if registration else None,
        "assignment_sha256": drawn.sha256 if drawn else None,
        "standing": standing(protocol, registration, drawn),
    }


def _write_units(path: Path, drawn: list[tuple[str, pa.Table]]) -> None:
    """One row per unit without a record key, and one per record of it: where its leads may be found today."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    facts = ["unit_id", "arm_code", "stratum_code", "n_prior_leads", "n_prior_conversions"]
    parts = [pa.table({name: pa.array([], kind) for name, kind in _UNIT_TYPES.items()})]
    for code, rows in drawn:
        units = rows.group_by(facts).aggregate([])
        known = rows.filter(pc.not_equal(rows["source_record_id"], ""))
        keys = pc.binary_join_element_wise(
            known["source_instance"], known["contract"], known["source_record_id"], "/"
        )
        for told, key in ((units, pa.nulls(units.num_rows, pa.string())), (known, keys)):
            columns = [pa.array([code] * told.num_rows, pa.string()), *(told[name] for name in facts), key]
            parts.append(pa.Table.from_arrays(columns, names=list(_UNIT_TYPES)))
    pq.write_table(pa.concat_tables(parts), path, compression="lz4")
