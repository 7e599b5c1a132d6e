"""What a failed request to a provider means: was it ever sent?"""

from __future__ import annotations

import ssl

from core import outgoing, posting
from notifications.channels import Outcome


def outcome_of(error: posting.AddressRefused | posting.NotReached) -> Outcome:
    """Return the outcome of a request without an answer; unknown unless the connection never came about."""
    if isinstance(error, posting.AddressRefused):
        return Outcome(False, False, "forbidden_place")
    cause = error.__cause__
    if isinstance(cause, (ConnectionRefusedError, outgoing.HostUnknown)):
        return Outcome(False, True, "no_provider")
    if isinstance(cause, ssl.SSLError):
        return Outcome(False, True, "tls")
    return Outcome(False, True, "no_answer", is_unknown=True)
