"""The one way components make text safe."""

from collections.abc import Callable
from typing import cast

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

# It takes anything that has words; its type stubs name text only.
esc = cast("Callable[[object], SafeString]", conditional_escape)
