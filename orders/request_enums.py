"""What agents ask shops to do with an order, and how far a request came."""

from django.db import models
from django.utils.translation import pgettext_lazy

from accounts.enums import Permission


class RequestKind(models.TextChoices):
    """What the shop is asked to do."""

    ADDRESS = "address", pgettext_lazy("order request", "Change the address")
    HOLD = "hold", pgettext_lazy("order request", "Hold the order")
    RELEASE = "release", pgettext_lazy("order request", "Release the order")
    CANCEL = "cancel", pgettext_lazy("order request", "Cancel the order")
    SPLIT = "split", pgettext_lazy("order request", "Send a part first")
    RESEND = "resend", pgettext_lazy("order request", "Send items again")


BEFORE_SENT = tuple(kind for kind in RequestKind if kind != RequestKind.RESEND)
"""What a parcel on its way makes impossible: asked no more, and refused when it is open."""

ONE_OPEN = (RequestKind.ADDRESS, RequestKind.HOLD, RequestKind.RELEASE, RequestKind.CANCEL)
"""Of these an order has one open at a time; of hold and release, one of the two."""

WITH_LINES = (RequestKind.SPLIT, RequestKind.RESEND)

KIND_RIGHTS: dict[str, Permission] = {
    RequestKind.ADDRESS: Permission.ORDER_ADDRESS,
    RequestKind.HOLD: Permission.ORDER_HOLD,
    RequestKind.RELEASE: Permission.ORDER_HOLD,
    RequestKind.CANCEL: Permission.ORDER_CANCEL,
    RequestKind.SPLIT: Permission.ORDER_SPLIT,
    RequestKind.RESEND: Permission.ORDER_RESEND,
}


class RequestState(models.TextChoices):
    """The life of a request."""

    ASKED = "asked", pgettext_lazy("order request", "Asked")
    ACCEPTED = "accepted", pgettext_lazy("order request", "The shop is at it")
    DONE = "done", pgettext_lazy("order request", "Done")
    REFUSED = "refused", pgettext_lazy("order request", "Refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("order request", "Withdrawn")


REQUEST_TRANSITIONS: dict[str, frozenset[str]] = {
    RequestState.ASKED: frozenset({"accepted", "done", "refused", "withdrawn"}),
    RequestState.ACCEPTED: frozenset({"done", "refused"}),
    RequestState.DONE: frozenset(),
    RequestState.REFUSED: frozenset(),
    RequestState.WITHDRAWN: frozenset(),
}
REQUEST_OPEN = (RequestState.ASKED, RequestState.ACCEPTED)
ANSWERS = (RequestState.ACCEPTED, RequestState.DONE, RequestState.REFUSED)


class AnswerReason(models.TextChoices):
    """Why a request came to its end as it did. The shop says one of the first, the others are found out."""

    PACKED = "packed", pgettext_lazy("order request", "It is packed already")
    OUT_OF_STOCK = "out_of_stock", pgettext_lazy("order request", "Not in stock")
    NOT_SERVED = "not_served", pgettext_lazy("order request", "No delivery to this address")
    AGAINST_RULES = "against_rules", pgettext_lazy("order request", "The shop's rules do not allow it")
    OTHER = "other", pgettext_lazy("order request", "Another reason")
    SENT = "sent", pgettext_lazy("order request", "The parcel was sent meanwhile")
    CANCELLED = "cancelled", pgettext_lazy("order request", "The order was cancelled meanwhile")
    ERASED = "erased", pgettext_lazy("order request", "The customer's data were erased")


SAID_BY_SHOP = (
    AnswerReason.PACKED,
    AnswerReason.OUT_OF_STOCK,
    AnswerReason.NOT_SERVED,
    AnswerReason.AGAINST_RULES,
    AnswerReason.OTHER,
)


class AnswerWay(models.TextChoices):
    """How we know of an answer."""

    API = "api", pgettext_lazy("order request", "the shop's system")
    STAFF = "staff", pgettext_lazy("order request", "by hand")
    ORDER = "order", pgettext_lazy("order request", "the order itself")


class AskReason(models.TextChoices):
    """Why an agent asks."""

    CUSTOMER = "customer", pgettext_lazy("order request", "The customer asked for it")
    MISTAKE = "mistake", pgettext_lazy("order request", "A mistake in the order")
    LOST = "lost", pgettext_lazy("order request", "Lost on the way")
    DAMAGED = "damaged", pgettext_lazy("order request", "Arrived damaged")
    MISSING = "missing", pgettext_lazy("order request", "Missing from the parcel")
    STOCK = "stock", pgettext_lazy("order request", "A part is not in stock")
    DOUBT = "doubt", pgettext_lazy("order request", "Something has to be cleared up first")


ASK_REASONS: dict[str, tuple[AskReason, ...]] = {
    RequestKind.ADDRESS: (AskReason.CUSTOMER, AskReason.MISTAKE),
    RequestKind.HOLD: (AskReason.CUSTOMER, AskReason.DOUBT, AskReason.STOCK),
    RequestKind.RELEASE: (AskReason.CUSTOMER, AskReason.DOUBT),
    RequestKind.CANCEL: (AskReason.CUSTOMER, AskReason.MISTAKE, AskReason.STOCK),
    RequestKind.SPLIT: (AskReason.STOCK, AskReason.CUSTOMER),
    RequestKind.RESEND: (AskReason.LOST, AskReason.DAMAGED, AskReason.MISSING, AskReason.MISTAKE),
}
