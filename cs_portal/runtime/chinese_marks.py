"""Chinese punctuation beside Chinese words: a comma typed on a Latin keyboard becomes the full-width one."""

import re

BEFORE = "[\u3400-\u9fff\u3001\u3002\u300d\u300f\uff00-\uffef]"
AFTER = "[\u3400-\u9fff\u300c]"
WIDE = {",": "\uff0c", "?": "\uff1f", ":": "\uff1a", ";": "\uff1b", "!": "\uff01"}

_AFTER_WORD = re.compile(f"(?<={BEFORE})\\s?([,?:;!])(?!//)")
_BEFORE_WORD = re.compile(f"([,?;!]) ?(?={AFTER})")
_BRACKETS = re.compile(f"\\(([^()%{{}}]*{AFTER}[^()%{{}}]*)\\)")
_LOOSE = re.compile("(?<=[\uff0c\uff1f\uff1a\uff1b\uff01]) ")


def chinese_marks(text: str) -> str:
    """Return the text with full-width punctuation and brackets where they touch Chinese; Latin parts stay."""
    text = _AFTER_WORD.sub(lambda match: WIDE[match[1]], text)
    text = _BEFORE_WORD.sub(lambda match: WIDE[match[1]], text)
    return _LOOSE.sub("", _BRACKETS.sub("\uff08\\1\uff09", text))
