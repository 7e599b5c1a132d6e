"""Named states of what is told to an incident's customers."""

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict


class UpdateGoingOut(Conflict):
    """An earlier update is still on its way to customers."""

    code = "update_going_out"
    message = _("The last update is still going out. Wait for its end, or stop it first.")


class UpdateSentAlready(Conflict):
    """A colleague sent the prepared update a moment ago."""

    code = "update_sent_already"
    message = _("A colleague has just sent this update. Nobody was told twice.")


class NobodyToTell(Conflict):
    """The incident touches nobody yet."""

    code = "nobody_to_tell"
    message = _("No customer is affected yet. Find the affected orders first.")
