"""Original bytes -> UTF-8 text with LF line ends, ready for the readers; the original bytes are never
altered.

Decoding is declared and strict. A file that is already plain UTF-8 with LF ends is read where it lies.
What does NOT belong here: records and columns (reading.py, strict_reader.py).
"""

from __future__ import annotations

import codecs
import hashlib
import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

from ingest.deliveries import sha256_of
from ingest.errors import RefusedFile

CHUNK = 4 << 20
BOM = codecs.BOM_UTF8


@dataclass(frozen=True)
class ByteFacts:
    """What one pass over the original bytes shows."""

    size: int
    sha256: str
    has_cr: bool
    is_utf8: bool
    is_ascii: bool
    has_bom: bool


@dataclass(frozen=True)
class Prepared:
    """UTF-8 text with LF ends. `undecodable` maps physical line -> why, for lines that are no text.

    n_bytes_read counts the bytes that the text was made of: the original ones, or those of a compressed file once
    it was expanded, of which there were expanded_bytes.
    """

    path: Path
    is_temporary: bool
    n_bytes_read: int
    undecodable: dict[int, str] = field(default_factory=dict)
    expanded_bytes: int | None = None

    def close(self) -> None:
        """Remove the temporary text, if any."""
        if self.is_temporary:
            self.path.unlink(missing_ok=True)


def inspect_bytes(path: Path) -> ByteFacts:
    """Size, SHA-256, presence of CR, validity as UTF-8 and BOM of the bytes of `path`, in one pass."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    size, has_cr, is_utf8, is_ascii, has_bom, pending = 0, False, True, True, False, False
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            if size == 0:
                has_bom = chunk.startswith(BOM)
            size += len(chunk)
            digest.update(chunk)
            has_cr = has_cr or b"\r" in chunk
            if not chunk.isascii():
                is_ascii = False
            elif not pending:
                continue
            if is_utf8:
                try:
                    decoder.decode(chunk)
                    pending = bool(decoder.getstate()[0])
                except UnicodeDecodeError:
                    is_utf8 = False
    return ByteFacts(size, digest.hexdigest(), has_cr, is_utf8 and not pending, is_ascii, has_bom)


def keep_in_archive(source: Path, archive: Path) -> ByteFacts:
    """Copy `source` into the content-addressed archive and return the facts of its bytes.

    The facts are those of the archived copy, so a file that changes while it is read cannot be half seen.
    """
    archive.mkdir(parents=True, exist_ok=True)
    temporary = archive / f".{os.getpid()}.{threading.get_ident()}.{source.name}.tmp"
    try:
        shutil.copyfile(source, temporary)
        facts = inspect_bytes(temporary)
        target = archive / facts.sha256[:2] / facts.sha256
        target.parent.mkdir(exist_ok=True)
        if sha256_of(target) != facts.sha256:
            temporary.chmod(0o400)
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return facts


def prepare(
    path: Path, facts: ByteFacts, *, encoding: str, repair_newlines: bool, quarantine_undecodable: bool,
    strip_bom: bool, scratch: Path, where: str,
) -> Prepared:  # fmt: skip
    """Text of `path` as UTF-8 with LF ends.

    Raises RefusedFile E-ING-005 when bytes do not decode and `quarantine_undecodable` is false.
    """
    # Plain ASCII bytes mean the same in UTF-8 and in every code page that extends ASCII.
    is_utf8 = encoding in {"utf-8", "utf-8-sig"} or (facts.is_ascii and _extends_ascii(encoding))
    repair = repair_newlines and facts.has_cr
    if is_utf8 and facts.is_utf8 and not repair and not (facts.has_bom and strip_bom):
        return Prepared(path, False, facts.size)
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / f"text-{os.getpid()}-{facts.sha256[:12]}.txt"
    try:
        if is_utf8 and facts.is_utf8:
            n_read = _repair_bytes(path, target, repair)
        else:
            n_read = _transcode(path, target, encoding, repair_newlines)
        return Prepared(target, True, n_read)
    except UnicodeDecodeError as error:
        if quarantine_undecodable and not encoding.startswith(("utf-16", "utf-32")):
            n_read, undecodable = _transcode_by_line(path, target, encoding, repair_newlines)
            return Prepared(target, True, n_read, undecodable)
        target.unlink(missing_ok=True)
        raise RefusedFile(
            "E-ING-005",
            where,
            encoding=encoding,
            line=_line_of_first_bad_byte(path, encoding),
            detail=error.reason,
        ) from None


def _extends_ascii(encoding: str) -> bool:
    """True when the first 128 bytes of a codec are ASCII, one byte a character."""
    plain = bytes(range(128))
    try:
        return plain.decode(encoding) == plain.decode("ascii") and "a".encode(encoding) == b"a"
    except UnicodeError:
        return False


def _repair_bytes(path: Path, target: Path, repair: bool) -> int:
    n_read, held = 0, b""
    with path.open("rb") as source, target.open("wb") as sink:
        while chunk := source.read(CHUNK):
            if n_read == 0:
                n_read += len(BOM) if chunk.startswith(BOM) else 0
                chunk = chunk.removeprefix(BOM)
            n_read += len(chunk)
            chunk = held + chunk
            held = b""
            if repair:
                kept = chunk.rstrip(b"\r")
                chunk, held = kept, chunk[len(kept) :]
                chunk = chunk.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            sink.write(chunk)
        sink.write(held.replace(b"\r", b"\n"))
    return n_read


def _transcode(path: Path, target: Path, encoding: str, repair: bool) -> int:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    n_read, held, first = 0, "", True
    with path.open("rb") as source, target.open("wb") as sink:
        while True:
            chunk = source.read(CHUNK)
            n_read += len(chunk)
            text = held + decoder.decode(chunk, final=not chunk)
            held = ""
            if first and text:
                text, first = text.removeprefix("\ufeff"), False
            if repair and chunk:
                kept = text.rstrip("\r")
                text, held = kept, text[len(kept) :]
            sink.write((_repaired(text) if repair else text).encode("utf-8"))
            if not chunk:
                return n_read


def _repaired(text: str) -> str:
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _transcode_by_line(path: Path, target: Path, encoding: str, repair: bool) -> tuple[int, dict[int, str]]:
    """Line by line, for the rare file with bad bytes:
    a bad line is written escaped and named by its number.
    """
    content = path.read_bytes()
    n_read = len(content)
    content = content.removeprefix(BOM)
    if repair:
        content = content.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    undecodable: dict[int, str] = {}
    lines = content.split(b"\n")
    with target.open("w", encoding="utf-8", newline="") as sink:
        for number, line in enumerate(lines, start=1):
            try:
                sink.write(line.decode(encoding))
            except UnicodeDecodeError as error:
                undecodable[number] = f"{error.reason} at byte {error.start + 1} of the line"
                sink.write(line.decode("ascii", "backslashreplace"))
            if number < len(lines):
                sink.write("\n")
    return n_read, undecodable


def _line_of_first_bad_byte(path: Path, encoding: str) -> int:
    content = path.read_bytes()
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    return 0
