"""work/run/state.json: what the current or last run did, step by step, for people and for the reports.

What does NOT belong here: settings (see settings), receipts. Counts and keys only, never a value of the data.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestration.publication.files import read_json, write_json


class RunState:
    """State of one run, written after every change. Steps keep their seconds and counts."""

    def __init__(self, work: Path, content: dict[str, Any]) -> None:
        self._path = work / "run" / "state.json"
        self.content = content
        self.failure: Exception | None = None
        self.failed_step: str | None = None

    @classmethod
    def start(cls, work: Path, run_id: str) -> RunState:
        """A new run: earlier steps are forgotten."""
        state = cls(work, {"run_id": run_id, "status": "running", "steps": {}})
        state.save()
        return state

    @classmethod
    def resume(cls, work: Path) -> RunState:
        """The state of the last run, for a command that continues it; empty when there is none."""
        return cls(
            work, read_json(work / "run" / "state.json") or {"run_id": None, "status": "none", "steps": {}}
        )

    def note(self, **values: Any) -> None:
        """Add top-level values (verdict, publication_id, ...)."""
        self.content.update(values)
        self.save()

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a step; the block adds its counts to the dictionary it gets."""
        counts: dict[str, Any] = {}
        wall, cpu = time.perf_counter(), time.process_time()
        entry = {"status": "failed", "counts": counts}
        try:
            yield counts
            entry["status"] = "done"
        except Exception as error:
            self.failure, self.failed_step = error, name
            raise
        finally:
            entry |= {
                "seconds": round(time.perf_counter() - wall, 3),
                "cpu_seconds": round(time.process_time() - cpu, 3),
            }
            self.content["steps"][name] = entry
            self.save()

    def save(self) -> None:
        """Write the file."""
        write_json(self._path, self.content)
