"""Named states of the world that a person may meet; three renderers show them (API, page, socket)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise
else:
    Text = str | Promise


class DomainError(Exception):
    """An expected refusal: a stable code for programs, a sentence for people, an HTTP status.

    `context` holds only ids, codes and numbers; it is shown to API clients.
    """

    code = "refused"
    http_status = 400
    message: Text = _("This cannot be done.")

    def __init__(
        self,
        message: Text | None = None,
        *,
        code: str | None = None,
        http_status: int | None = None,
        **context: Any,
    ) -> None:
        self.message = message if message is not None else type(self).message
        self.code = code or type(self).code
        self.http_status = http_status or type(self).http_status
        self.context = context
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.message)


class NotFound(DomainError):
    """The thing does not exist or the asker may not know that it does."""

    code, http_status = "not_found", 404
    message = _("We could not find this. It may have been moved, or the link may be incomplete.")


class NotAllowed(DomainError):
    """The asker may see the thing but not do this with it."""

    code, http_status = "not_allowed", 403
    message = _("You do not have the right to do this. Ask your supervisor if you need it.")


class NotSignedIn(DomainError):
    """Nobody is signed in."""

    code, http_status = "not_signed_in", 401
    message = _("Please sign in first.")


class InvalidInput(DomainError):
    """Something typed cannot be accepted; `fields` maps a field's name to its sentences."""

    code, http_status = "invalid", 422
    message = _("Some of what you entered needs another look. Nothing is lost.")

    def __init__(
        self,
        message: Text | None = None,
        *,
        fields: dict[str, list[Text]] | None = None,
        **context: Any,
    ):
        super().__init__(message, **context)
        self.fields: dict[str, list[Text]] = fields or {}


class Conflict(DomainError):
    """The state of the world does not allow this now."""

    code, http_status = "conflict", 409
    message = _("Something else happened in between. Look again, then decide.")


class TransitionNotAllowed(Conflict):
    """The thing cannot go from its state to the one asked for."""

    code = "transition_not_allowed"
    message = _("This step is not possible in the present state.")


class StaleEdit(Conflict):
    """Somebody saved another version meanwhile; `changes` lists {field, yours, theirs}."""

    code = "stale_edit"
    message = _("Someone changed this while you were editing. Your text is kept; compare and save again.")

    def __init__(
        self,
        message: Text | None = None,
        *,
        changes: list[dict[str, Any]] | None = None,
        **context: Any,
    ):
        super().__init__(message, **context)
        self.changes = changes or []


class RateLimited(DomainError):
    """Too many attempts; `retry_after` is in seconds."""

    code, http_status = "rate_limited", 429
    message = _("Too many attempts in a short time. Please wait a little and try again.")

    def __init__(self, message: Text | None = None, *, retry_after: int = 60, **context: Any):
        super().__init__(message, retry_after=retry_after, **context)
        self.retry_after = retry_after


class Expired(DomainError):
    """A link or code is used up or too old."""

    code, http_status = "expired", 410
    message = _("This link is no longer valid.")


class TooLarge(DomainError):
    """More bytes than allowed."""

    code, http_status = "too_large", 413
    message = _("This is larger than allowed.")


class Unavailable(DomainError):
    """A part of the system cannot be reached just now."""

    code, http_status = "unavailable", 503
    message = _("We cannot reach a part of the system just now. Nothing is lost; please try again in a moment.")
