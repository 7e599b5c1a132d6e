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
    SMS = "sms", _("Text message")


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


class LinkKind(models.TextChoices):
    """How two tickets belong together."""

    RELATED = "related", _("Related")
    DUPLICATE = "duplicate", _("Duplicate")
    PARENT = "parent", _("Part of this")
    CHILD = "child", _("This is part of it")
    SPLIT = "split", _("Split off")


class Sorting(models.TextChoices):
    """In which order a list stands."""

    NEWEST = "newest", _("Newest message")
    WAITING = "waiting", _("Waiting longest")
    DUE = "due", _("Due first")
    PRIORITY = "priority", _("Most urgent")


class BulkAction(models.TextChoices):
    """What can be done to many tickets at once."""

    TAKE = "take", _("Assign to me")
    ASSIGN = "assign", _("Assign to a colleague")
    TEAM = "team", _("Move to a team")
    STATUS = "status", _("Set the status")
    PRIORITY = "priority", _("Set the priority")
    CATEGORY = "category", _("Set the category")
    ADD_TAGS = "add_tags", _("Add tags")
    REMOVE_TAGS = "remove_tags", _("Remove tags")
    SPAM = "spam", _("Mark as spam")
    RESOLVE = "resolve", _("Resolve")


class BulkState(models.TextChoices):
    """How far a change to many tickets has come."""

    RUNNING = "running", _("Under way")
    DONE = "done", _("Done")
    UNDOING = "undoing", _("Being undone")
    UNDONE = "undone", _("Undone")


class BulkItemState(models.TextChoices):
    """What became of one ticket of a run; kept = it could not be restored."""

    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Done")
    REFUSED = "refused", _("Left alone")
    UNDONE = "undone", _("Undone")
    KEPT = "kept", _("Not restored")


class ClockKind(models.TextChoices):
    """What a clock on a ticket measures; the three are never mixed."""

    FIRST_RESPONSE = "first_response", _("First reply")
    NEXT_RESPONSE = "next_response", _("Next reply")
    RESOLUTION = "resolution", _("Solution")


class ClockState(models.TextChoices):
    """Where a clock stands; running and paused ones are open."""

    RUNNING = "running", pgettext_lazy("clock", "running")
    PAUSED = "paused", pgettext_lazy("clock", "paused")
    MET = "met", pgettext_lazy("clock", "stopped")
    DROPPED = "dropped", pgettext_lazy("clock", "dropped")


class BreachMove(models.TextChoices):
    """Where a ticket goes when a deadline passes."""

    KEEP = "keep", _("Stays with its agent")
    QUEUE = "queue", _("Back to its team's queue")
    TEAM = "team", _("To another team's queue")


OPEN_CLOCKS = (ClockState.RUNNING, ClockState.PAUSED)
