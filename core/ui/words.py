"""The words our scripts say, handed over by the template so that no script holds a sentence."""

from django.utils.translation import gettext, gettext_noop, ngettext_lazy

from .icons import sprite_url

# Django's own words for a field that needs another look. Named here so that they stand in our catalogue, which goes
# before the framework's: customers read 请填写此项, not 该字段是必填项.
FIELD_WORDS = (
    gettext_noop("This field is required."),
    gettext_noop("Enter a valid email address."),
    gettext_noop("Enter a whole number."),
    gettext_noop("Enter a number."),
    gettext_noop("Enter a valid date."),
    gettext_noop("Enter a valid date/time."),
    gettext_noop("Enter a valid URL."),
    gettext_noop("Select a valid choice. That choice is not one of the available choices."),
    gettext_noop("Select a valid choice. %(value)s is not one of the available choices."),
    gettext_noop("Ensure this value is less than or equal to %(limit_value)s."),
    gettext_noop("Ensure this value is greater than or equal to %(limit_value)s."),
    gettext_noop("The submitted file is empty."),
    ngettext_lazy(
        "Ensure this value has at most %(limit_value)d character (it has %(show_value)d).",
        "Ensure this value has at most %(limit_value)d characters (it has %(show_value)d).",
        "limit_value",
    ),
)


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
