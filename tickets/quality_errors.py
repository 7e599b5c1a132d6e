"""Named states of quality review."""

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, NotAllowed, TransitionNotAllowed


class ReviewDone(TransitionNotAllowed):
    """A submitted review is final."""

    code = "review_done"
    message = _("This review is submitted already and is final.")


class OwnConversation(NotAllowed):
    """Nobody reviews a conversation she answered in."""

    code = "own_conversation"
    message = _("You answered in this conversation yourself. Somebody else reviews it.")


class AppealTooLate(Conflict):
    """The days to appeal are over."""

    code = "appeal_too_late"
    message = _("The time to appeal is over.")


class AppealMade(Conflict):
    """One appeal per review."""

    code = "appeal_made"
    message = _("There is an appeal to this review already.")


class AppealDecided(Conflict):
    """Two deciders met; the first one counts."""

    code = "appeal_decided"
    message = _("A colleague has decided this appeal already. Your text is kept; look at the decision first.")


class NothingToReview(Conflict):
    """Nobody answered in public."""

    code = "nothing_to_review"
    message = _("Nobody has answered in this conversation yet, so there is nothing to review.")
