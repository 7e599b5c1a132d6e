"""Keep secrets and persons out of the logs: tokens in links are keys, and a wrong address may be anything typed."""

from __future__ import annotations

import logging
import re

_SECRET = re.compile(
    r"^(/(?:s|t|u|contact/done|contact/files|accounts/invitation|accounts/password/reset/key|desk/bulk/undo)/)[^/]+"
)


_UNKNOWN = re.compile(r"^(/(?:accounts|api|board|contact|desk|mail|settings|static|system|ws)/)?.*", re.DOTALL)


class HideTokens(logging.Filter):
    """Put … in place of the token of an address, wherever a path is logged, and of a path that leads nowhere."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record's arguments; never drops a record."""
        if isinstance(record.args, tuple) and record.args:
            request = getattr(record, "request", None)
            is_nowhere = request is not None and getattr(request, "resolver_match", None) is None
            record.args = tuple(_hide(one, is_nowhere) if isinstance(one, str) else one for one in record.args)
        return True


def _hide(word: str, is_nowhere: bool) -> str:
    if is_nowhere and word.startswith("/"):
        return _UNKNOWN.sub(lambda found: f"{found[1] or '/'}…", word, count=1)
    return _SECRET.sub(r"\1…", word)
