"""Original bytes -> UTF-8 text with LF line ends, ready for the readers; the original bytes are never
altered.

Decoding is declared and strict. A file that is already plain UTF-8 with LF ends is read where it lies.
What does NOT belong here: records and columns (reading.py, strict_reader.py).
"""

from __future__ import annotations

import codecs
import functools
import hashlib
import os
import re
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from ingest.deliveries import sha256_of
from ingest.errors import RefusedFile

CHUNK = 4 << 20
COPIED = 256 << 10  # read, hashed and written while it lies in the processor's cache
WINDOW = 1 << 20  # line ends are repaired on arrays that stay in the processor's cache
HEAD = 4 << 10  # bytes that show a text of two bytes a character
BOM = codecs.BOM_UTF8
_NEWLINE, _CR = 10, 13
_LINE_END = re.compile(r"\r+\n|\r")
_LINE_END_BYTES = re.compile(rb"\r+\n|\r")


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
    with path.open("rb") as stream:
        return _facts(stream)


def _facts(stream: BinaryIO, copy: BinaryIO | None = None) -> ByteFacts:
    """Facts of the bytes of `stream`, which are also written to `copy`."""
    digest = hashlib.sha256()
    size, has_cr, is_utf8, is_ascii, has_bom, held = 0, False, True, True, False, b""
    while chunk := stream.read(COPIED):
        if copy is not None:
            copy.write(chunk)
        if size == 0:
            has_bom = chunk.startswith(BOM)
        size += len(chunk)
        digest.update(chunk)
        has_cr = has_cr or b"\r" in chunk
        if not chunk.isascii():
            is_ascii = False
        elif not held:
            continue
        if is_utf8:
            chunk = held + chunk
            held = chunk[len(chunk) - _unfinished(chunk) :]
            is_utf8 = _is_utf8(chunk, len(chunk) - len(held))
    return ByteFacts(size, digest.hexdigest(), has_cr, is_utf8 and not held, is_ascii, has_bom)


def _unfinished(chunk: bytes) -> int:
    """Bytes at the end of a chunk that begin a UTF-8 character and do not end it."""
    for back in range(1, min(3, len(chunk)) + 1):
        byte = chunk[-back]
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0


def _is_utf8(chunk: bytes, size: int) -> bool:
    """Whether the first `size` bytes are UTF-8: Arrow looks at the bytes where Python would make a text of them."""
    ends = pa.py_buffer(np.array([0, size], dtype=np.int64))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(chunk)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def keep_in_archive(source: Path, archive: Path) -> ByteFacts:
    """Copy `source` into the content-addressed archive and return the facts of its bytes.

    The facts are those of the bytes that are written, so a file that changes while it is read cannot be half seen.
    """
    archive.mkdir(parents=True, exist_ok=True)
    temporary = archive / f".{os.getpid()}.{threading.get_ident()}.{source.name}.tmp"
    try:
        if source.is_fifo():
            raise shutil.SpecialFileError(f"`{source}` is a named pipe")
        with source.open("rb") as stream, temporary.open("wb") as copy:
            facts = _facts(stream, copy)
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
    strip_bom: bool, scratch: Path, where: str, accept_utf8: bool = False,
) -> Prepared:  # fmt: skip
    """Text of `path` as UTF-8 with LF ends.

    Raises RefusedFile E-ING-005 when bytes do not decode and `quarantine_undecodable` is false, and when they decode
    only because the declared code page gives every byte a letter: UTF-16, or UTF-8 unless `accept_utf8`.
    """
    if other := _other_encoding(path, facts, encoding, accept_utf8):
        raise RefusedFile("E-ING-005", where, encoding=encoding, line=other[0], detail=other[1])
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
    except UnicodeError as error:
        if quarantine_undecodable and not encoding.startswith(("utf-16", "utf-32")):
            n_read, undecodable = _transcode_by_line(path, target, encoding, repair_newlines)
            return Prepared(target, True, n_read, undecodable)
        target.unlink(missing_ok=True)
        raise RefusedFile(
            "E-ING-005",
            where,
            encoding=encoding,
            line=_line_of_first_bad_byte(path, encoding),
            detail=error.reason if isinstance(error, UnicodeDecodeError) else str(error),
        ) from None


def _other_encoding(path: Path, facts: ByteFacts, encoding: str, accept_utf8: bool) -> tuple[int, str] | None:
    """Line and words, the same in every language, that say which encoding the bytes are in and not the declared one.

    A text in a code page that is valid UTF-8 throughout, with a byte beyond ASCII, does not come by chance.
    """
    if not _extends_ascii(encoding):
        return None
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    is_single = _is_single_byte(encoding)
    if (is_single and head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))) or _is_wide(head):
        return 1, "UTF-16"
    if not is_single or accept_utf8 or facts.is_ascii or not facts.is_utf8:
        return None
    line = 1
    with path.open("rb") as stream:
        while chunk := stream.readline(HEAD):
            if not chunk.isascii():
                break
            line += chunk.endswith(b"\n")
    first = chunk.decode("utf-8", "ignore").lstrip("".join(map(chr, range(128))))[:1]
    shown = f" ({first} = {first.encode().hex(' ').upper()})" if first and first.isprintable() else ""
    return line, f"UTF-8{shown}"


def _is_wide(head: bytes) -> bool:
    """True when every other byte is null, as in UTF-16 without the mark that tells its byte order."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    fewer, more = sorted((even, odd))
    return len(head) >= 4 and more * 2 > len(head) // 2 and fewer * 20 <= more


@functools.cache
def _is_single_byte(encoding: str) -> bool:
    """True for a code page: each of its bytes is one character, and most of the 256 are in use."""
    text = bytes(range(256)).decode(encoding, "replace")
    return len(text) == 256 and len(set(text)) > 200


@functools.cache
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
        while chunk := source.read(WINDOW):
            if n_read == 0:
                n_read += len(BOM) if chunk.startswith(BOM) else 0
                chunk = chunk.removeprefix(BOM)
            n_read += len(chunk)
            chunk = held + chunk
            held = b""
            if repair:
                kept = chunk.rstrip(b"\r")
                chunk, held = kept, chunk[len(kept) :]
                chunk = _repaired_bytes(chunk)
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
    """As _repaired_bytes: three replacements do it where no more than two CRs stand together."""
    if "\r\r\r" in text:
        return _LINE_END.sub("\n", text)
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _repaired_bytes(chunk: bytes) -> bytes:
    """LF for every LF with the CRs before it, and for every other CR. A chunk does not end with CR."""
    view = np.frombuffer(chunk, dtype=np.uint8)
    is_cr = view == _CR
    if not is_cr.any():
        return chunk
    if not bool(np.any(is_cr[:-1] & (view[1:] != _NEWLINE) & ~is_cr[1:])):
        return view[~is_cr].tobytes()
    return _LINE_END_BYTES.sub(b"\n", chunk)


def _transcode_by_line(path: Path, target: Path, encoding: str, repair: bool) -> tuple[int, dict[int, str]]:
    """Line by line where bytes are bad: a bad line is written escaped and named by its number."""
    n_read, number, held = 0, 0, b""
    undecodable: dict[int, str] = {}
    with path.open("rb") as source, target.open("wb") as sink:
        while chunk := source.read(CHUNK):
            if n_read == 0:
                held = chunk.removeprefix(BOM)
            else:
                held += chunk
            n_read += len(chunk)
            # The CRs at the end of a chunk may belong to a line end that the next one completes.
            ends = held[len(held.rstrip(b"\r")) :] if repair else b""
            text = _repaired_bytes(held.removesuffix(ends)) if repair else held
            cut = text.rfind(b"\n") + 1
            number = _decode_lines(text[:cut], number, encoding, undecodable, sink)
            held = text[cut:] + ends
        _decode_lines(held.replace(b"\r", b"\n") if repair else held, number, encoding, undecodable, sink)
    return n_read, undecodable


def _decode_lines(
    text: bytes, before: int, encoding: str, undecodable: dict[int, str], sink: BinaryIO
) -> int:
    """Write lines as UTF-8, the first one numbered before + 1; number of the last line that ended."""
    try:
        sink.write(text.decode(encoding).encode("utf-8"))
        return before + text.count(b"\n")
    except UnicodeDecodeError:
        pass
    lines = text.split(b"\n")
    for number, line in enumerate(lines, start=before + 1):
        try:
            content = line.decode(encoding)
        except UnicodeDecodeError as error:
            undecodable[number] = f"{error.reason} at byte {error.start + 1} of the line"
            content = line.decode("ascii", "backslashreplace")
        sink.write(content.encode("utf-8") + (b"\n" if number < before + len(lines) else b""))
    return before + len(lines) - 1


def _line_of_first_bad_byte(path: Path, encoding: str) -> int:
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(CHUNK)
            pending = decoder.getstate()[0]
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:
                if not isinstance(error, UnicodeDecodeError):
                    return line  # such as UTF-16 without the mark that tells its byte order
                return line + (pending + chunk).count(b"\n", 0, error.start) - pending.count(b"\n")
            if not chunk:
                return 0
            line += chunk.count(b"\n")
