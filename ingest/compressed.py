"""Compressed extracts -> the text inside, in bounded space; the archive keeps the bytes as delivered.

Names inside an archive never become paths. Checksums are those of gzip and zip themselves.
What does NOT belong here: decoding (text_preparation.py) and choosing the entry of the mapping (discovery.py).
"""

from __future__ import annotations

import errno
import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ingest.errors import RefusedFile
from ingest.mapping import FileSpec, path_pattern
from ingest.text_preparation import CHUNK

MAX_EXPANDED_BYTES = 20 << 30
# Tables compress 5 to 50 times, deflate's limit is 1,032: far above this nobody meant to send a table.
MAX_RATIO = 200
# A few repeated lines compress better than any ratio says; this much text harms nobody.
ALWAYS_EXPANDED_BYTES = 64 << 20
# What reading a damaged archive raises, beside an OSError of an invalid place (EINVAL).
DAMAGE = (
    zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError, RuntimeError,
    ValueError, OverflowError,
)  # fmt: skip


def expansion_limit(path: Path) -> int:
    """Most bytes that a compressed file may expand to."""
    return min(MAX_EXPANDED_BYTES, max(ALWAYS_EXPANDED_BYTES, MAX_RATIO * path.stat().st_size))


def expand(path: Path, spec: FileSpec, target: Path, where: str) -> int:
    """Write the text inside the compressed file `path` to `target`; number of its bytes.

    Raises RefusedFile E-ING-030 (damaged, encrypted), E-ING-031 (too large), E-ING-032 (no or several members).
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    limit = expansion_limit(path)
    written = 0
    try:
        with _opened(path, spec, where) as source, target.open("wb") as sink:
            while chunk := source.read(CHUNK):
                written += len(chunk)
                if written > limit:
                    raise RefusedFile("E-ING-031", where, limit=limit >> 20)
                sink.write(chunk)
    except (*DAMAGE, OSError) as error:
        target.unlink(missing_ok=True)
        # A place of the directory of a zip that is no place of the file is EINVAL; a full disk is not damage.
        if not isinstance(error, DAMAGE) and error.errno != errno.EINVAL:
            raise
        detail = " ".join(str(error).split()) or type(error).__name__
        raise RefusedFile("E-ING-030", where, format=spec.compression, detail=detail) from None
    except RefusedFile:
        target.unlink(missing_ok=True)
        raise
    return written


def lacks_optional_member(path: Path, spec: FileSpec) -> bool:
    """True when a zip has no file for an entry that is not required: it was then not delivered."""
    if spec.required or spec.member is None:
        return False
    pattern = path_pattern(spec.member)
    try:
        with zipfile.ZipFile(path) as archive:
            return not any(pattern.fullmatch(name) for name in archive.namelist())
    except (*DAMAGE, OSError):
        return False  # landing says what is wrong with it


@contextmanager
def _opened(path: Path, spec: FileSpec, where: str) -> Iterator[BinaryIO]:
    if spec.compression == "gzip":
        with gzip.open(path) as stream:
            yield stream
        return
    with zipfile.ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        pattern = path_pattern(spec.member) if spec.member else None
        chosen = [name for name in names if pattern is None or pattern.fullmatch(name)]
        if len(chosen) != 1:
            raise RefusedFile(
                "E-ING-032",
                where,
                found=len(chosen),
                pattern=spec.member or "*",
                members=", ".join(names[:8]),
            )
        with archive.open(chosen[0]) as stream:
            yield stream
