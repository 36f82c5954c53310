"""Whether the reports of a publication are all written: a stamp beside them, made last, that lists them.

What does NOT belong here: writing a report (see orchestration.reporting), which imports more than a question of a
second may.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from orchestration.publication.files import flush, read_json, write_json

STAMP = "written.json"
LATEST = "latest"


def report_folders(published: Path, publication_id: str) -> tuple[Path, Path]:
    """Where the reports of a publication lie: under its id, and where the newest ones always do."""
    reports = published / "reports"
    return reports / publication_id, reports / LATEST


def begin_reports(published: Path, publication_id: str) -> None:
    """Take the stamps away before the reports change."""
    for folder in report_folders(published, publication_id):
        (folder / STAMP).unlink(missing_ok=True)


def disown_latest(published: Path, identity: str) -> None:
    """Take the stamp of another publication away before `latest` shows pages of `identity`, a publication or a run."""
    stamp = published / "reports" / LATEST / STAMP
    if stamp.is_file() and (read_json(stamp) or {}).get("publication_id") != identity:
        stamp.unlink()


def stamp_reports(published: Path, publication_id: str, names: Iterable[str]) -> None:
    """Say that all reports of a publication are written. names: the files of a folder, the same in both."""
    listed = sorted(names)
    for folder in report_folders(published, publication_id):
        for name in listed:  # a stamp that outlives a power cut must not vouch for a page that does not
            flush(folder / name)
        write_json(folder / STAMP, {"publication_id": publication_id, "files": listed})


def missing_reports(published: Path, publication_id: str) -> list[str]:
    """Files that a reader of this publication would not find, relative to published/; none when all are there."""
    missing = []
    for folder in report_folders(published, publication_id):
        stamp = read_json(folder / STAMP) or {}
        names = stamp.get("files", []) if stamp.get("publication_id") == publication_id else [STAMP]
        missing += [
            f"reports/{folder.name}/{name}"
            for name in names
            if name == STAMP or not (folder / name).is_file()
        ]
    return missing


def are_unlisted(published: Path, publication_id: str) -> bool:
    """Whether a publication has pages from before stamps existed: pages under its id, and no stamp anywhere."""
    own, latest = report_folders(published, publication_id)
    return any(own.glob("*.html")) and not any(latest.parent.glob(f"*/{STAMP}"))
