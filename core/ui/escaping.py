"""The one way components make text safe."""

from html import escape
from typing import Any

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString


def esc(value: Any) -> SafeString:
    """Return anything that has words as safe markup; what is safe already stays. Made for every cell of a long list."""
    if value.__class__ is SafeString:
        return value
    if value.__class__ is str:
        return SafeString(escape(value))
    return conditional_escape(value)
