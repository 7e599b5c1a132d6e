"""The words our scripts say, handed over by the template so that no script holds a sentence."""

from django.utils.translation import gettext

from .icons import sprite_url


def script_words() -> dict[str, str]:
    """Return name → sentence in the active language; %(n)s-like places are filled by the script."""
    return {
        "sprite": sprite_url(),
        "justNow": gettext("just now"),
        "soon": gettext("in a moment"),
        "minAgo": gettext("%(n)d min ago"),
        "hoursAgo": gettext("%(n)d h ago"),
        "inMin": gettext("in %(n)d min"),
        "inHours": gettext("in %(n)d h"),
        "d": gettext("%(n)d d"),
        "h": gettext("%(n)d h"),
        "min": gettext("%(n)d min"),
        "s": gettext("%(n)d s"),
        "left": gettext("%(span)s left"),
        "over": gettext("over by %(span)s"),
        "copied": gettext("Copied"),
        "copyFailed": gettext("Your browser did not allow copying. Select the text and press Ctrl C."),
        "close": gettext("Close"),
        "undo": gettext("Undo"),
        "retry": gettext("Try again"),
        "cancel": gettext("Cancel"),
        "confirm": gettext("Continue"),
        "confirmTitle": gettext("Are you sure?"),
        "leave": gettext("What you typed is not sent yet. Leave anyway?"),
        "draftKept": gettext("We kept your unsent draft."),
        "failed": gettext("That did not work. Nothing is lost; please try again."),
        "unreachable": gettext("We cannot reach the server. Nothing is lost; please try again in a moment."),
        "notAllowed": gettext("You may not do this."),
        "signedOut": gettext("You are signed out. Sign in again to go on; your draft is kept."),
        "offline": gettext("You are offline. You can keep reading; what you send waits."),
        "queued": gettext("%(n)d waiting to be sent"),
        "live": gettext("Live"),
        "connecting": gettext("Connecting"),
        "polling": gettext("Connection lost; looking for news every 15 seconds"),
        "showPassword": gettext("Show password"),
        "hidePassword": gettext("Hide password"),
        "then": gettext("then"),
        "helpOther": gettext("This page"),
        "resize": gettext("Resize the pane"),
        "noResults": gettext("Nothing found"),
        "removeFile": gettext("Remove %(name)s"),
    }
