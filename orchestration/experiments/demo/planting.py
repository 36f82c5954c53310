"""Two experiments of the demo company whose truth is known: one without any effect, one changed after registration.

Arms are drawn by the hash of accounts that had a lead before the first day, and nothing in the world of the demo looks
at them: the true gain is zero. The drawing takes the truth files of the demo in place of a run that never took place.
What does NOT belong here: the world itself (ingest.demo).
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import shutil
from pathlib import Path

import duckdb

from ingest.sql import literal
from orchestration.experiments import records
from orchestration.experiments.protocol import FOLDER, PROTOCOL, read_protocol

NO_EFFECT, CHANGED = "early_call", "shorter_mail"
REGISTERED_ON, ASSIGNED_ON = dt.date(2026, 3, 23), dt.date(2026, 3, 25)
AUTHOR = "revops"
TRUTH = "experiments.csv"

_PROTOCOL = """version: 1
code: {code}
hypothesis: {hypothesis}
unit: account
arms:
  - {{code: as_before, weight: 1, is_control: true}}
  - {{code: {arm}, weight: 1}}
start_on: 2026-03-30
end_on: 2026-05-25
primary: cr
secondary: [ttf, meetings]
guard_rails:
  - {{metric: complaints, margin_points: 0.2}}
  - {{metric: unsubscribes, margin_points: 0.5}}
alpha: 0.05
success_points: {points}
leads_per_arm: 200
strata: [size_band_code]
assignment: hash
covariate: prior_leads
owners: {{runs: RevOps, decides: VP Sales, watches: Legal}}
rollout:
  - {{item: "sequence in the CRM", owner: RevOps, is_done: true}}
  - {{item: "message templates", owner: Marketing}}
  - {{item: "training of the team", owner: Sales managers}}
"""
_UNITS = """
with leads as (
  select p.source_record_id, t.account_true_id, t.size_code, t.created_at, t.converted_on
  from read_parquet({clusters}) as p join read_parquet({leads}) as t on t.true_id = p.true_id
  where p.entity = 'person' and p.contract = 'crm_lead' and t.created_at < timestamp '{day}')
select account_true_id, min(size_code), count(*),
  count(*) filter (where converted_on < date '{day}'),
  list(source_record_id order by source_record_id), min_by(source_record_id, (created_at, source_record_id))
from leads group by account_true_id order by account_true_id
"""


def plant_experiments(company_root: Path) -> None:
    """Write experiments/ and truth/experiments.csv of a demo company just generated; older ones are replaced."""
    shutil.rmtree(company_root / FOLDER, ignore_errors=True)
    units = _known_accounts(company_root / "truth")
    for code, hypothesis, arm, points in (
        (NO_EFFECT, "A call on the first day brings two points of conversion.", "early", 2),
        (CHANGED, "A mail of five lines brings two points of conversion.", "short", 2),
    ):
        folder = company_root / FOLDER / code
        folder.mkdir(parents=True)
        text = _PROTOCOL.format(code=code, hypothesis=hypothesis, arm=arm, points=points)
        (folder / PROTOCOL).write_text(text, encoding="utf-8")
        protocol = read_protocol(folder)
        records.register(folder, protocol, AUTHOR, _noon(REGISTERED_ON), REGISTERED_ON)
        records.assign(
            folder,
            protocol,
            units,
            author=AUTHOR,
            moment=_noon(ASSIGNED_ON),
            today=ASSIGNED_ON,
            cycle="2026-02",
        )
    changed = company_root / FOLDER / CHANGED / PROTOCOL
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text.replace("success_points: 2", "success_points: 1"), encoding="utf-8")
    with (company_root / "truth" / TRUTH).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["experiment_code", "true_gain_points", "status_code"])
        writer.writerows([[NO_EFFECT, 0, "finished"], [CHANGED, 0, "protocol_changed"]])


def _known_accounts(truth: Path) -> list[records.Unit]:
    """Accounts with a lead before the drawing; the id is the one that its first lead would give it."""
    query = _UNITS.format(
        clusters=literal(str(truth / "entity_clusters.parquet")),
        leads=literal(str(truth / "lead_truth.parquet")),
        day=ASSIGNED_ON,
    )
    with duckdb.connect() as con:
        rows = con.execute(query).fetchall()
    return [
        records.Unit(
            unit_id=_golden_id(first),
            stratum_code=size,
            n_prior_leads=leads,
            n_prior_conversions=conversions,
            records=tuple(("crm_lead", "crm", each) for each in ids),
        )
        for _, size, leads, conversions, ids, first in rows
    ]


def _golden_id(lead: str) -> str:
    return "acc_" + hashlib.sha256(f"account\ncrm/crm_lead/{lead}".encode()).hexdigest()[:12]


def _noon(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(12))
