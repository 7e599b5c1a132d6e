"""Named states of the world of messages."""

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, InvalidInput, NotFound, Unavailable


class BadHeader(InvalidInput):
    """A header's name or value holds a line break or another control character."""

    code = "bad_header"
    message = _("A subject, name or address must not contain line breaks.")


class UnknownTemplate(NotFound):
    """No app registered a template with this key."""

    code = "unknown_template"


class NoChannel(Unavailable):
    """No adapter is set up for this channel."""

    code = "no_channel"
    message = _("This channel is not set up.")


class NotRetryable(Conflict):
    """The message is on its way or has arrived."""

    code = "not_retryable"
    message = _("This message does not need another try.")
