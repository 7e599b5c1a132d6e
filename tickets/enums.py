"""States of tickets and messages."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Channel(models.TextChoices):
    """Where a ticket came from."""

    FORM = "form", _("Online form")
    EMAIL = "email", pgettext_lazy("channel", "Email")
    CHAT = "chat", _("Live chat")
    PHONE = "phone", pgettext_lazy("channel", "Phone")
    API = "api", _("API")
    STAFF = "staff", _("Opened by staff")
    SURVEY = "survey", _("Survey")


class TicketStatus(models.TextChoices):
    """The life of a ticket."""

    NEW = "new", _("New")
    OPEN = "open", _("Open")
    WAITING_CUSTOMER = "waiting_customer", _("Waiting for the customer")
    WAITING_DEPARTMENT = "waiting_department", _("Waiting for a department")
    RESOLVED = "resolved", _("Resolved")
    CLOSED = "closed", _("Closed")


TICKET_TRANSITIONS: dict[str, frozenset[str]] = {
    TicketStatus.NEW: frozenset({"open", "waiting_customer", "waiting_department", "resolved"}),
    TicketStatus.OPEN: frozenset({"waiting_customer", "waiting_department", "resolved"}),
    TicketStatus.WAITING_CUSTOMER: frozenset({"open", "waiting_department", "resolved"}),
    TicketStatus.WAITING_DEPARTMENT: frozenset({"open", "waiting_customer", "resolved"}),
    TicketStatus.RESOLVED: frozenset({"open", "closed"}),
    TicketStatus.CLOSED: frozenset({"open"}),
}
ACTIVE_STATUSES = (
    TicketStatus.NEW,
    TicketStatus.OPEN,
    TicketStatus.WAITING_CUSTOMER,
    TicketStatus.WAITING_DEPARTMENT,
)


class Priority(models.IntegerChoices):
    """How urgent; higher is more."""

    LOW = 10, _("Low")
    NORMAL = 20, _("Normal")
    HIGH = 30, _("High")
    URGENT = 40, _("Urgent")


class MessageKind(models.TextChoices):
    """Who may see a message and what it is."""

    PUBLIC = "public", _("Message")
    NOTE = "note", _("Internal note")
    AUTO = "auto", _("Automatic message")


class AuthorType(models.TextChoices):
    """Who wrote a message."""

    CUSTOMER = "customer", _("Customer")
    STAFF = "staff", _("Staff")
    SYSTEM = "system", _("System")
    BOT = "bot", _("Assistant")


class Stage(models.TextChoices):
    """Which part of the customer's way a category belongs to."""

    PRE_SALE = "pre_sale", _("Before the order")
    IN_SALE = "in_sale", _("Order and delivery")
    AFTER_SALE = "after_sale", _("After the sale")


class HeldState(models.TextChoices):
    """Where an answer is that was pressed and has not gone."""

    HELD = "held", _("Waiting to go")
    STOPPED = "stopped", _("Stopped")
    SENT = "sent", _("Sent")
    CANCELLED = "cancelled", _("Taken back")


class HeldReason(models.TextChoices):
    """Why an answer waits."""

    UNDO = "undo", _("Can still be taken back")
    SCHEDULED = "scheduled", _("Planned for later")


class MacroAssign(models.TextChoices):
    """Whom a macro gives the ticket to."""

    KEEP = "keep", _("Leave it where it is")
    ME = "me", _("Whoever uses the macro")
    PERSON = "person", _("A certain colleague")
    QUEUE = "queue", _("The team's queue")


class FieldKind(models.TextChoices):
    """What a custom field holds."""

    TEXT = "text", _("Text")
    NUMBER = "number", pgettext_lazy("kind of field", "Number")
    CHOICE = "choice", _("Choice from a list")
    DATE = "date", _("Date")
    YESNO = "yesno", _("Yes or no")
