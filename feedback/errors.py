"""Named states of the feedback world."""

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, Expired


class SurveyClosed(Expired):
    """The link is unknown, used or too old; nobody can tell which."""

    code = "survey_closed"
    message = _("This survey is closed.")


class VisitTaken(Conflict):
    """A colleague is making this visit."""

    code = "visit_taken"
    message = _("A colleague is on this visit. Nothing you typed is lost.")


class VisitDone(Conflict):
    """The visit has ended."""

    code = "visit_done"
    message = _("This visit is finished already.")
