"""Bytes: marks, line ends, and which encodings a file can be, from one pass with bounded memory.

A single-byte encoding never fails to decode, so decoding proves nothing: what is counted is whether the letters
it gives inside words belong to the alphabet of one language.
What does NOT belong here: separators and columns (layout.py).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.assistant.questions import Decision, Interview, Question, Said, proved, said
from ingest.assistant.spelling import accented_words

CHUNK, HEAD_BYTES = 4 << 20, 256 << 10
# In order of preference among codecs that read the bytes of a file the same way.
SINGLE_BYTE = ("cp1252", "iso8859-15", "latin-1", "cp850", "cp437", "mac_roman", "cp1250", "iso8859-2")
ALPHABETS = {
    "fr": "àâæçéèêëîïôœùûüÿ",
    "de": "äöüß",
    "es": "áéíñóúü",
    "pt": "áâãàçéêíóôõúü",
    "it": "àèéìíîòóùú",
    "nl": "éëïóöüè",
    "nordic": "åäöæøé",
    "pl": "ąćęłńóśźż",
    "cs": "áčďéěíňóřšťúůýž",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "hu": "áéíóöőúüű",
    "ro": "ăâîșțşţ",
}
# What an accented letter, a no-break space or a euro sign becomes when UTF-8 is read as cp1252 and encoded again.
TWICE_ENCODED = (b"\xc3\x83\xc2", b"\xc3\x82\xc2", b"\xc3\xa2\xe2\x82\xac")
# Signs that stand beside letters in prose.
SIGNS = "’‘“”«»–—…°ºª€£®©™·\u00a0§´"
FITS, MISFITS, ENOUGH_LETTERS = 0.98, 0.90, 5


@dataclass(frozen=True)
class ByteEvidence:
    """Facts of the bytes: size, marks, line ends, NUL bytes, and the bytes above 127 with how often inside words.

    high: counts of bytes 0..255 above 127; in_word: the same where a neighbour is an ASCII letter; after_lower: where
    the one before is a lower-case ASCII letter.
    """

    size: int
    mark: str
    is_utf8: bool
    n_sequences: int
    n_doubly_encoded: int
    n_nul_even: int
    n_nul_odd: int
    ends: dict[str, int]
    ends_with_newline: bool
    high: np.ndarray
    in_word: np.ndarray
    after_lower: np.ndarray
    head: bytes

    @property
    def is_ascii(self) -> bool:
        """True when no byte is above 127."""
        return not int(self.high.sum())


def read_bytes(path: Path) -> ByteEvidence:
    """One pass over `path`. Memory: a few chunks."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    high, in_word, after_lower = (np.zeros(256, dtype=np.int64) for _ in range(3))
    nul, size, mark, is_utf8 = [0, 0], 0, "", True
    ends = {"LF": 0, "CRLF": 0, "CRCRLF": 0, "CR": 0}
    starts = doubled = 0
    held, last, head = b"", b"", b""
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(CHUNK)
            if size == 0:
                mark, head = _mark(chunk), chunk[:HEAD_BYTES]
            if is_utf8:
                try:
                    decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    is_utf8 = False
            view = np.frombuffer(chunk, dtype=np.uint8)
            if len(view) and (view == 0).any():
                at = np.flatnonzero(view == 0) + size
                nul[0] += int((at % 2 == 0).sum())
                nul[1] += int((at % 2 == 1).sum())
            if chunk and not chunk.isascii():
                _count_high(view, high, in_word, after_lower)
                starts += int(((view >= 0xC2) & (view <= 0xF4)).sum())
                doubled += sum(chunk.count(pair) for pair in TWICE_ENCODED)
            text = held + chunk
            held = b""
            if chunk:
                kept = text.rstrip(b"\r")
                text, held = kept, text[len(kept) :]
                last = chunk[-1:]
            _count_ends(text, ends)
            size += len(chunk)
            if not chunk:
                break
    return ByteEvidence(
        size, mark, is_utf8, starts, doubled, nul[0], nul[1], ends, last in (b"\n", b"\r"), high, in_word,
        after_lower, head,
    )  # fmt: skip


def _mark(chunk: bytes) -> str:
    for name, mark in (
        ("utf-32", codecs.BOM_UTF32_LE),
        ("utf-32", codecs.BOM_UTF32_BE),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16", codecs.BOM_UTF16_LE),
        ("utf-16", codecs.BOM_UTF16_BE),
    ):
        if chunk.startswith(mark):
            return name
    return ""


def _count_high(view: np.ndarray, high: np.ndarray, in_word: np.ndarray, after_lower: np.ndarray) -> None:
    is_high = view >= 128
    lower = view | 0x20
    letter = (lower >= ord("a")) & (lower <= ord("z"))
    beside = np.zeros(len(view), dtype=bool)
    beside[1:] |= letter[:-1]
    beside[:-1] |= letter[1:]
    low_before = np.zeros(len(view), dtype=bool)
    low_before[1:] = (view[:-1] >= ord("a")) & (view[:-1] <= ord("z"))
    after_lower += np.bincount(view[is_high & low_before], minlength=256)
    high += np.bincount(view[is_high], minlength=256)
    in_word += np.bincount(view[is_high & beside], minlength=256)


def _count_ends(text: bytes, ends: dict[str, int]) -> None:
    tripled = text.count(b"\r\r\n")
    crlf = text.count(b"\r\n") - tripled
    ends["CRCRLF"] += tripled
    ends["CRLF"] += crlf
    ends["LF"] += text.count(b"\n") - crlf - tripled
    ends["CR"] += text.count(b"\r") - crlf - 2 * tripled


def decide_encoding(facts: ByteEvidence, key: str, interview: Interview) -> Decision:
    """The encoding, proved or asked for."""
    ends = ", ".join(f"{name} {n}" for name, n in facts.ends.items() if n) or "-"
    shown = [said("line_ends", ends=ends)]
    shown.insert(0, said("mark", name=facts.mark) if facts.mark else said("no_mark"))
    if facts.mark in ("utf-16", "utf-32"):
        return proved(facts.mark, *shown)
    nul = facts.n_nul_even + facts.n_nul_odd
    if nul * 5 > facts.size:
        wide = "utf-16-le" if facts.n_nul_odd > facts.n_nul_even else "utf-16-be"
        return proved(wide, *shown, said("many_nul", n=nul))
    if facts.is_ascii:
        return proved("utf-8", *shown, said("ascii_only"))
    if facts.is_utf8:
        shown.append(said("valid_utf8", n=facts.n_sequences))
        if facts.n_doubly_encoded:
            shown.append(said("doubly_encoded", n=facts.n_doubly_encoded))
        return proved("utf-8", *shown)
    shown.append(said("not_utf8"))
    return _single_byte(facts, shown, key, interview)


@dataclass(frozen=True)
class CodecFit:
    """How well one single-byte codec explains the bytes above 127: share of letters of its best language.

    n_control: C1 control characters and box drawing, which no extract holds.
    """

    codec: str
    text: str
    share: float
    language: str
    n_undefined: int
    n_control: int
    n_in_word: int
    n_kinds_unexplained: int
    n_letters: int

    @property
    def said(self) -> Said:
        """The evidence as a sentence."""
        return said(
            "codec_fit", codec=self.codec, undefined=self.n_undefined, control=self.n_control,
            n=self.n_in_word, share=f"{100 * self.share:.1f}", language=self.language,
        )  # fmt: skip


def codec_fits(facts: ByteEvidence) -> list[CodecFit]:
    """The single-byte codecs, best first."""
    used = [byte for byte in range(128, 256) if facts.high[byte]]
    fits = []
    for codec in SINGLE_BYTE:
        letters = {byte: bytes([byte]).decode(codec, "replace") for byte in used}
        undefined = sum(int(facts.high[b]) for b, c in letters.items() if c == "\ufffd")
        control = sum(
            int(facts.high[b])
            for b, c in letters.items()
            if "\x80" <= c <= "\x9f" or "\u2500" <= c <= "\u259f"
        )
        words = int(facts.in_word.sum())
        # A capital after a small letter ("SociÚtÚ") is another encoding's letter.
        fitting = {
            b: int(facts.in_word[b] - (facts.after_lower[b] if c.isupper() else 0))
            for b, c in letters.items()
        }
        signs = sum(n for b, n in fitting.items() if not letters[b].isalpha() and letters[b] in SIGNS)
        best, language, alphabet_used = -1, "-", ""
        for name, alphabet in ALPHABETS.items():
            inside = sum(n for b, n in fitting.items() if letters[b].lower() in alphabet)
            if inside > best:
                best, language, alphabet_used = inside, name if inside else "-", alphabet
        share = (best + signs) / words if words else 1.0
        explained = {b for b, c in letters.items() if c.lower() in alphabet_used + SIGNS}
        unexplained = sum(1 for b in used if facts.in_word[b] and b not in explained)
        text = "".join(letters[byte] for byte in used)
        fits.append(
            CodecFit(codec, text, share, language, undefined, control, words, unexplained, max(best, 0))
        )
    return sorted(fits, key=lambda fit: (fit.n_undefined + fit.n_control, -fit.share))


def _known_words(head: bytes, codec: str) -> set[str]:
    """Accented words of known column names and values that the first bytes hold under a codec."""
    found = re.findall(r"[^\W\d_]{4,}", head.decode(codec, "replace").casefold())
    return accented_words() & set(found)


def _is_refuted(fit: CodecFit) -> bool:
    """True when a codec gives bytes without meaning, or letters that no one language has beside each other."""
    wrong = round((1 - fit.share) * fit.n_in_word)
    return bool(
        fit.n_undefined
        or fit.n_control
        or fit.share < MISFITS
        or (wrong >= 3 and fit.n_kinds_unexplained >= 2)
    )


def _single_byte(facts: ByteEvidence, shown: list[Said], key: str, interview: Interview) -> Decision:
    fits = codec_fits(facts)
    best = fits[0]
    same = [fit for fit in fits if fit.text == best.text]
    best = min(same, key=lambda fit: SINGLE_BYTE.index(fit.codec))
    others = [fit for fit in fits if fit.text != best.text]
    seen: set[str] = set()
    for fit in (best, *others):
        if fit.text not in seen:
            seen.add(fit.text)
            shown.append(fit.said)
    if len(same) > 1:
        shown.append(said("reads_the_same", codecs=", ".join(f.codec for f in same if f is not best)))
    words = _known_words(facts.head, best.codec)
    rivals = [f for f in others if not _is_refuted(f) and not words > _known_words(facts.head, f.codec)]
    if words:
        shown.append(said("known_words", codec=best.codec, words=", ".join(sorted(words)[:6])))
    has_enough = best.n_letters >= ENOUGH_LETTERS and 2 * best.n_letters >= best.n_in_word
    if has_enough and best.share >= FITS and not rivals and not best.n_undefined and not best.n_control:
        return proved(best.codec, *shown)
    names = tuple(dict.fromkeys([best.codec, *(fit.codec for fit in fits if not fit.n_undefined)]))
    question = Question(key, said("ask_encoding"), tuple(shown), names, _is_codec, is_free=True)
    return interview.decide(question, best.codec if not best.n_undefined else "latin-1")


def _is_codec(name: str) -> bool:
    try:
        return getattr(codecs.lookup(name), "_is_text_encoding", True)
    except (LookupError, ValueError):
        return False
