"""What codes of providers and of ours mean, in plain words."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_WORDS: dict[str, Promise] = {
    "unreachable": _("The provider's server did not answer in time."),
    "too_many_requests": _("The provider asks us to be slower. Lower the requests per minute."),
    "not_json": _("The provider answered with something that is no JSON. Check the address."),
    "no_code": _("The provider's answer holds no code we know."),
    "answer_not_read": _("The provider's answer could not be read."),
    "address_refused": _(
        "The address leads into an internal network. If that is meant, let the operator add it to OUTGOING_ALLOW."
    ),
    "needs_https": _("Outside your own network only https:// is asked."),
    "key_missing": _("The stored credentials cannot be read with the present key. Enter them again."),
    "by_hand": _("Stopped by a colleague."),
    "locked": _("The provider locked the number because it was asked for too often."),
    "not_followed": _("The provider did not follow the number; it is subscribed anew."),
    "no_company": _("The account has no code for this carrier any more."),
    "600": _("The provider does not know the account, or its balance is used up."),
    "601": _("The provider's authorisation key has expired."),
    "503": _("The provider finds our signature wrong. Check key and customer number."),
    "http_401": _("The provider refuses the account's key."),
    "http_403": _("The provider refuses the account's key."),
    "401": _("The provider refuses the account's key."),
    "402": _("The provider wants the account to be paid."),
    "403": _("The account lacks a right at the provider."),
    "push_not_json": _("It holds no JSON that can be read."),
    "push_without_result": _("It holds no trace."),
    "push_without_number": _("It names no number or no company."),
    "push_rows_not_read": _("Its rows cannot be read."),
    "push_time_not_read": _("One of its times cannot be read."),
    "push_of_unknown_number": _("None of our parcels bears this number with this carrier."),
    "invalid": _("Something in it cannot be: a time in the future, a code we do not understand."),
    "not_applied": _("It could not be applied because of a fault of ours. The log of the worker says more."),
}


def words_for(code: str) -> str | Promise:
    """Return what a code means; of an unknown one, that the provider refused."""
    if not code:
        return ""
    if code.startswith("http_5"):
        return _("The provider's server has a fault of its own.")
    return _WORDS.get(code, _("The provider refused it with a code of its own."))
