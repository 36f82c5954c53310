"""The error for a file of the pipeline that is not what it wrote.

What does NOT belong here: finding damage (see diagnosis, ingest.integrity) and repairing it.
"""

from __future__ import annotations


class DamagedFileError(OSError):
    """A file of the pipeline is not what it wrote. path: as people name it; remedy: the next command."""

    def __init__(self, path: str, detail: str, remedy: str) -> None:
        self.path, self.detail, self.remedy = path, detail, remedy
        super().__init__(f"{path} is damaged: {detail}")
