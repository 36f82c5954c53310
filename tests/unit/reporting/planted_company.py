"""A company that is only a directory, for the tests of the loaders."""

from pathlib import Path

from ingest.company import Company


def company_in(root: Path) -> Company:
    """A company of one cycle, June 2026."""
    return Company(root, "demo", "EUR", "Europe/Paris", (), "2026-06", 30, 10)
