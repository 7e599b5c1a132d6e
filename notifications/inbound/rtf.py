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
    charset, skip_after_unicode = "cp1252", 1
    stack: list[tuple[bool, int]] = []
    hidden, to_skip, is_first = False, 0, False
    out: list[str] = []
    pending = bytearray()

    def flush() -> None:
        if pending:
            out.append(bytes(pending).decode(charset, "replace"))
            pending.clear()

    for found in _TOKEN.finditer(rtf[:MAX_BYTES]):
        letter, word, number, symbol, brace, plain = found.groups()
        if letter is None:
            flush()
        if brace == b"{":
            stack.append((hidden, skip_after_unicode))
            is_first = True
            continue
        if brace == b"}":
            hidden, skip_after_unicode = stack.pop() if stack else (False, 1)
        elif word is not None:
            name = word.decode().lower()
            if name == "ansicpg" and number:
                charset = "gb18030" if number == b"936" else _known(f"cp{int(number)}")
            elif name == "uc" and number:
                skip_after_unicode = max(0, int(number))
            elif name == "u" and number and not hidden:
                out.append(chr(int(number) % 65536))
                to_skip = skip_after_unicode
            elif name == "htmlrtf":  # what stands between these is the RTF shape of a piece of HTML
                hidden = number != b"0"
            elif is_first and name in _HIDDEN:
                hidden = True
            elif name in _BREAKS and not hidden:
                out.append(_BREAKS[name])
        elif symbol is not None:
            if symbol == b"*" and is_first:
                hidden = True
            elif symbol in b"\\{}" and not hidden:
                out.append(symbol.decode())
            elif symbol == b"~" and not hidden:
                out.append(" ")
        elif letter is not None and not hidden:
            if to_skip:
                to_skip -= 1
            else:
                pending.append(int(letter, 16))
        elif plain is not None and not hidden:
            text = plain[to_skip:] if to_skip else plain
            to_skip = max(0, to_skip - len(plain))
            out.append(text.decode(charset, "replace"))
        is_first = False
    flush()
    return _whole("".join(out)).strip()


def _known(charset: str) -> str:
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return "cp1252"


def _whole(text: str) -> str:
    """Join surrogate pairs that came as two \\u words, drop lone ones."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore").replace("\x00", "")
