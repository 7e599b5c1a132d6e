"""Keep secrets out of the logs: the tokens in customers' links are keys."""

from __future__ import annotations

import logging
import re

_SECRET = re.compile(
    r"^(/(?:s|t|u|contact/done|contact/files|accounts/invitation|accounts/password/reset/key|desk/bulk/undo)/)[^/]+"
)


class HideTokens(logging.Filter):
    """Put … in place of the token of an address, wherever a path is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record's arguments; never drops a record."""
        if isinstance(record.args, tuple) and record.args:
            record.args = tuple(_SECRET.sub(r"\1…", one) if isinstance(one, str) else one for one in record.args)
        return True
