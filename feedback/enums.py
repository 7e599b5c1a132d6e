"""States of invitations and visits, and which step may follow which."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Touchpoint(models.TextChoices):
    """After what a survey is sent."""

    TICKET = "ticket", _("After a ticket")
    ORDER = "order", _("After an order")
    MANUAL = "manual", _("Only by hand")


class QuestionType(models.TextChoices):
    """How a question is answered."""

    CSAT = "csat", _("Satisfaction (five faces)")
    NPS = "nps", _("Recommendation (0 to 10)")
    CES = "ces", _("Effort (1 to 7)")
    SCALE = "scale", _("Scale (1 to 5)")
    SINGLE = "single", _("One of several")
    MULTIPLE = "multiple", _("Several of several")
    TEXT = "text", _("Own words")


class InvitationState(models.TextChoices):
    """How far an invitation has come."""

    INVITED = "invited", _("Invited")
    DELIVERED = "delivered", _("Delivered")
    OPENED = "opened", _("Begun")
    ANSWERED = "answered", _("Answered")
    EXPIRED = "expired", _("Expired")


INVITATION_TRANSITIONS: dict[str, frozenset[str]] = {
    InvitationState.INVITED: frozenset({"delivered", "opened", "answered", "expired"}),
    InvitationState.DELIVERED: frozenset({"opened", "answered", "expired"}),
    InvitationState.OPENED: frozenset({"answered", "expired"}),
    InvitationState.ANSWERED: frozenset(),
    InvitationState.EXPIRED: frozenset(),
}
UNANSWERED = (InvitationState.INVITED, InvitationState.DELIVERED, InvitationState.OPENED)


class InvalidReason(models.TextChoices):
    """Why an answer is set aside; it is kept and never deleted."""

    TOO_FAST = "too_fast", _("Filled in too fast")
    STRAIGHT_LINED = "straight_lined", _("The same answer everywhere")
    DUPLICATE = "duplicate", _("Answered twice")
    BY_HAND = "by_hand", _("Set aside by hand")


class VisitChannel(models.TextChoices):
    """How a follow-up visit is made."""

    PHONE = "phone", pgettext_lazy("channel", "Phone")
    SMS = "sms", _("Text message")
    WECHAT = "wechat", _("WeChat")
    EMAIL = "email", pgettext_lazy("channel", "Email")


class VisitState(models.TextChoices):
    """The life of a follow-up visit."""

    PLANNED = "planned", _("Planned")
    DUE = "due", pgettext_lazy("visit", "Due")
    ATTEMPTED = "attempted", _("Tried")
    ANSWERED = "answered", _("Answered")
    UNREACHABLE = "unreachable", _("Not reached")
    DECLINED = "declined", _("Declined")
    SKIPPED = "skipped", _("Skipped")


_ENDS = frozenset({"answered", "unreachable", "declined", "skipped"})
VISIT_TRANSITIONS: dict[str, frozenset[str]] = {
    VisitState.PLANNED: _ENDS | {"due", "attempted"},
    VisitState.DUE: _ENDS | {"attempted"},
    VisitState.ATTEMPTED: _ENDS | {"attempted"},
    VisitState.ANSWERED: frozenset(),
    VisitState.UNREACHABLE: frozenset(),
    VisitState.DECLINED: frozenset(),
    VisitState.SKIPPED: frozenset(),
}
OPEN_VISITS = (VisitState.PLANNED, VisitState.DUE, VisitState.ATTEMPTED)


class Outcome(models.TextChoices):
    """What came of one attempt."""

    ANSWERED = "answered", _("Answered")
    NO_ANSWER = "no_answer", _("No answer")
    CALL_BACK = "call_back", _("Call back later")
    WRONG_NUMBER = "wrong_number", _("Wrong number")
    DECLINED = "declined", _("Does not want to talk")


class SkipReason(models.TextChoices):
    """Why a visit is not made."""

    NO_CONTACT = "no_contact", _("No way to reach the customer")
    REFUSED_CONTACT = "refused_contact", _("The customer wants no visits")
    ALREADY_SPOKEN = "already_spoken", _("We spoke about this order already")
    NOT_SUITABLE = "not_suitable", _("Not suitable now")
