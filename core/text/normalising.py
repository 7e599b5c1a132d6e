"""Bring text that people typed or pasted into one form, so that equal things compare equal."""

import re
import unicodedata

# Emoji keep their joiner and variation selector; anywhere else these are invisible dirt.
_PICTURE = r"\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb]"
    rf"|(?<![{_PICTURE}\ufe0f])\u200d|\u200d(?![{_PICTURE}])"
    rf"|(?<![{_PICTURE}#*0-9])\ufe0f"
    r"|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile(r"\r\n?|[\u0085\u2028\u2029\x0b\x0c]")
_BLANKS = re.compile(r"[^\S\n]+")
_MANY_LINES = re.compile(r"\n{3,}")
_ORDER_LABEL = re.compile(r"^(?:订单编?号[.:#]*|(?:单号|order(?:no|number|id)?)[.:#]+|[#№]+)", re.IGNORECASE)


def strip_invisible(text: str) -> str:
    """Remove control, zero-width and direction-override characters; keep line breaks, tabs and whole emoji."""
    return _INVISIBLE.sub("", _CONTROL.sub("", text))


def normalise(text: str) -> str:
    """Return one line of NFKC text: half-width, nothing invisible, single spaces, trimmed; case and emoji stay.

    For names, numbers, keys and comparisons. Full-width punctuation becomes half-width too, so text that
    people will read again goes through `tidy_text` instead.
    """
    before = ""
    while text != before:  # removing a character can bring two others together that compose; settles at once or twice
        before = text
        text = " ".join(strip_invisible(unicodedata.normalize("NFKC", strip_invisible(text))).split())
    return text


def tidy_text(text: str) -> str:
    """Return text for showing: NFC, nothing invisible, unix line ends, no trailing blanks, at most one empty line."""
    text = _LINE_END.sub("\n", text)
    text = unicodedata.normalize("NFC", strip_invisible(text))
    lines = (_BLANKS.sub(" ", line).rstrip() if line.strip() else "" for line in text.split("\n"))
    return _MANY_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def normalise_order_number(text: str) -> str:
    """Return an order number as it is compared: half-width capitals without blanks and without a leading label."""
    compact = "".join(normalise(text).split()).replace("—", "-").replace("–", "-")
    bare = _ORDER_LABEL.sub("", compact, count=1)
    return (bare or compact).upper()
