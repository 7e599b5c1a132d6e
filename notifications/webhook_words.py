"""What the codes of tries mean, for people."""

from django.utils.translation import gettext as _


def words_for_try(code: str) -> str:
    """Return a sentence for a code of ours or an HTTP status."""
    known = {
        "not_reached": _("Nobody answered at this address."),
        "too_slow": _("No answer within five seconds."),
        "address_refused": _("The address lies inside our own network. OUTGOING_ALLOW names what may be asked there."),
        "needs_https": _("Over the internet only https is used."),
        "key_missing": _("The secret cannot be read: the encryption key it was stored with is gone."),
        "interrupted": _("Our own process stopped in the middle of the last try."),
        "disabled": _("The webhook was switched off before it could be sent."),
        "gone": _("The receiver says it is gone for good (410)."),
    }
    if code in known:
        return known[code]
    if code.isdigit():
        status = int(code)
        if 200 <= status < 300:
            return _("Taken (%(status)s)") % {"status": code}
        if 300 <= status < 400:
            return _("The receiver redirects (%(status)s); redirects are not followed.") % {"status": code}
        return _("The receiver answered %(status)s.") % {"status": code}
    return ""
