"""Which files lie under extracts/ now, by content: what a new run would look at.

What does NOT belong here: reading them (see ingest). Used to tell in a second that nothing is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.discovery import list_extracts
from orchestration.publication.files import file_sha256

if TYPE_CHECKING:
    from ingest.company import Company


def scan_inputs(company: Company) -> list[dict[str, str]]:
    """Path (relative to the company) and sha256 of every extract and configuration file, by path."""
    root = company.root
    listed = list_extracts(company.extracts)
    found = [company.extracts / relative for relative in listed.files]
    found += [path for path in (root / "company.yml", root / "waivers.csv") if path.is_file()]
    own = {root / source.mapping for source in company.sources if source.mapping.endswith((".yml", ".yaml"))}
    found += [path for path in own if path.is_file()]
    scanned = [
        {"path": path.relative_to(root).as_posix(), "sha256": file_sha256(path)}
        for path in sorted(set(found))
    ]
    # A link that collect refuses has no content; it must still be news.
    return scanned + [{"path": f"extracts/{path}", "sha256": code} for path, code in listed.refused_links]
