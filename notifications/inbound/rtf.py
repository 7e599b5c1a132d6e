"""The words of an RTF, as Outlook packs them into winmail.dat (MS-OXRTFCP); formatting is let go."""

from __future__ import annotations

import codecs
import re
import struct

MAX_BYTES = 5_000_000
_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n"
    b"\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_PACKED, _PLAIN = 0x75465A4C, 0x414C454D
_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)|[\r\n]+"
)
_HIDDEN = frozenset(
    {"fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "generator", "htmltag",
     "mhtmltag", "themedata", "listtable", "listoverridetable", "rsidtbl", "latentstyles", "xmlnstbl"}
)  # fmt: skip
_BREAKS = {"par": "\n", "line": "\n", "tab": "\t", "row": "\n", "cell": " ", "lquote": "‘", "rquote": "’",
           "ldblquote": "“", "rdblquote": "”", "bullet": "•", "endash": "–", "emdash": "—"}  # fmt: skip


def unpack_rtf(data: bytes) -> bytes:
    """Return the RTF in a compressed block; empty when it is none. Never raises."""
    if len(data) < 16:
        return b""
    _size, raw_size, kind, _crc = struct.unpack_from("<IIII", data)
    if kind == _PLAIN:
        return data[16 : 16 + min(raw_size, MAX_BYTES)]
    if kind != _PACKED:
        return b""
    ring = bytearray(_START.ljust(4096, b"\x00"))
    write, result, place = len(_START), bytearray(), 16
    limit = min(raw_size, MAX_BYTES)
    while place < len(data) and len(result) < limit:
        control, place = data[place], place + 1
        for bit in range(8):
            step = 2 if control >> bit & 1 else 1
            if place + step > len(data) or len(result) >= limit:
                return bytes(result[:limit])
            if step == 1:
                piece = data[place : place + 1]
                ring[write] = piece[0]
                write = (write + 1) % 4096
                result += piece
            else:
                word = data[place] << 8 | data[place + 1]
                offset, length = word >> 4, (word & 15) + 2
                if offset == write:
                    return bytes(result[:limit])
                for step_on in range(length):
                    letter = ring[(offset + step_on) % 4096]
                    result.append(letter)
                    ring[write] = letter
                    write = (write + 1) % 4096
            place += step
    return bytes(result[:limit])


def rtf_to_text(rtf: bytes) -> str:
    """Return the readable words of an RTF: letters in the code page it names, paragraphs as lines. Never raises."""
    reader = _Reader()
    for found in _TOKEN.finditer(rtf[:MAX_BYTES]):
        reader.take(found)
    reader.flush()
    return _whole("".join(reader.out)).strip()


class _Reader:
    """Walks through the tokens; a hidden group shows nothing."""

    def __init__(self) -> None:
        self.charset = "cp1252"
        self.out: list[str] = []
        self.pending = bytearray()
        self.stack: list[tuple[bool, int]] = []
        self.is_hidden = self.is_first = False
        self.skip_after_unicode, self.to_skip = 1, 0

    def take(self, found: re.Match[bytes]) -> None:
        letter, word, number, symbol, brace, plain = found.groups()
        if letter is None:
            self.flush()
        if brace == b"{":
            self.stack.append((self.is_hidden, self.skip_after_unicode))
            self.is_first = True
            return
        if brace == b"}":
            self.is_hidden, self.skip_after_unicode = self.stack.pop() if self.stack else (False, 1)
        elif word is not None:
            self.control(word.decode().lower(), number)
        elif symbol is not None:
            self.mark(symbol)
        elif not self.is_hidden:
            self.letters(letter, plain)
        self.is_first = False

    def control(self, name: str, number: bytes | None) -> None:
        if name == "ansicpg" and number:
            self.charset = "gb18030" if number == b"936" else _known(f"cp{int(number)}")
        elif name == "uc" and number:
            self.skip_after_unicode = max(0, int(number))
        elif name == "u" and number and not self.is_hidden:
            self.out.append(chr(int(number) % 65536))
            self.to_skip = self.skip_after_unicode
        elif name == "htmlrtf":  # what stands between these is the RTF shape of a piece of HTML
            self.is_hidden = number != b"0"
        elif self.is_first and name in _HIDDEN:
            self.is_hidden = True
        elif name in _BREAKS and not self.is_hidden:
            self.out.append(_BREAKS[name])

    def mark(self, symbol: bytes) -> None:
        if symbol == b"*" and self.is_first:
            self.is_hidden = True
        elif not self.is_hidden and symbol in b"\\{}~":
            self.out.append(" " if symbol == b"~" else symbol.decode())

    def letters(self, letter: bytes | None, plain: bytes | None) -> None:
        if letter is not None:
            if self.to_skip:
                self.to_skip -= 1
            else:
                self.pending.append(int(letter, 16))
        elif plain is not None:
            text = plain[self.to_skip :]
            self.to_skip = max(0, self.to_skip - len(plain))
            self.out.append(text.decode(self.charset, "replace"))

    def flush(self) -> None:
        if self.pending:
            self.out.append(bytes(self.pending).decode(self.charset, "replace"))
            self.pending.clear()


def _known(charset: str) -> str:
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return "cp1252"


def _whole(text: str) -> str:
    """Join surrogate pairs that came as two \\u words, drop lone ones."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore").replace("\x00", "")
