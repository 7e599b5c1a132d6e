from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Permission(StrEnum):
    """Name every right a member of staff can hold; roles in accounts.roles bundle them."""

    DESK_USE = "desk.use"

    TICKET_VIEW = "ticket.view"
    TICKET_REPLY = "ticket.reply"
    TICKET_NOTE = "ticket.note"
    TICKET_EDIT = "ticket.edit"  # subject, category, tags, priority
    TICKET_ASSIGN = "ticket.assign"  # to others; taking a ticket oneself needs ticket.reply
    TICKET_RESOLVE = "ticket.resolve"
    TICKET_MERGE = "ticket.merge"
    TICKET_BULK = "ticket.bulk"
    TICKET_REDACT = "ticket.redact"
    TICKET_BLOCK = "ticket.block"  # spam and block list
    CALL_LISTEN = "call.listen"  # recordings of calls; who listened is written down
    TASK_WORK = "task.work"  # what other departments ask of one's own, and what one asked of them
    AREA_VIEW = "area.view"  # what customers say about a department's area

    ORDER_VIEW = "order.view"
    ORDER_EDIT = "order.edit"
    ORDER_IMPORT = "order.import"
    ORDER_ADDRESS = "order.address"  # what follows is asked of the shop, which stays the order's master
    ORDER_HOLD = "order.hold"  # and release
    ORDER_CANCEL = "order.cancel"
    ORDER_SPLIT = "order.split"
    ORDER_RESEND = "order.resend"
    ORDER_ANSWER = "order.answer"  # say by hand what the shop did
    ORDER_NOTE = "order.note"
    ORDER_NOTIFY = "order.notify"  # send the customer a prepared notice again

    EXCEPTION_WORK = "exception.work"  # parcels something is wrong with

    INCIDENT_VIEW = "incident.view"
    INCIDENT_MANAGE = "incident.manage"  # declare, tell customers, end, review

    CUSTOMER_VIEW = "customer.view"
    CUSTOMER_EDIT = "customer.edit"
    CUSTOMER_MERGE = "customer.merge"
    CUSTOMER_ERASE = "customer.erase"
    PII_REVEAL = "pii.reveal"

    KNOWLEDGE_VIEW = "knowledge.view"
    KNOWLEDGE_EDIT = "knowledge.edit"

    VISIT_WORK = "visit.work"
    VISIT_MANAGE = "visit.manage"
    SURVEY_VIEW = "survey.view"
    SURVEY_MANAGE = "survey.manage"

    QUALITY_REVIEW = "quality.review"  # score others' conversations, decide appeals
    QUALITY_MANAGE = "quality.manage"  # rubrics, sampling plans, rules of the pre-check

    BOARD_VIEW = "board.view"
    BOARD_MANAGE = "board.manage"  # targets, alerts, dashboards
    EXPORT = "export"
    ARCHIVE_EXPORT = "archive.export"  # whole conversations, customers and orders in one file

    STAFF_VIEW = "staff.view"
    STAFF_MANAGE = "staff.manage"
    SETTINGS_MANAGE = "settings.manage"
    API_MANAGE = "api.manage"
    ACCESS_LOG_VIEW = "access_log.view"
    SYSTEM_VIEW = "system.view"
    SYSTEM_MANAGE = "system.manage"  # replay a quarantined job


class Reach(StrEnum):
    """Say how far a role sees: what was handed to its teams and their area, the rows of its teams, the company."""

    AREA = "area"
    TEAMS = "teams"
    COMPANY = "company"


class PresenceStatus(TextChoices):
    ONLINE = "online", _("Online")
    BUSY = "busy", _("Busy")
    BREAK = "break", _("On a break")
    AWAY = "away", _("Away")
    OFFLINE = "offline", _("Off shift")


class Language(TextChoices):
    ZH_HANS = "zh-hans", "简体中文"
    EN = "en", "English"


class Theme(TextChoices):
    AUTO = "auto", _("Same as my device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Skill(TextChoices):
    """What a category can ask of whoever answers; routing matches the codes."""

    PRESALES = "presales", _("Buying advice")
    LOGISTICS = "logistics", _("Parcels and delivery")
    RETURNS = "returns", _("Returns and refunds")
    TECHNICAL = "technical", _("Technical questions")
    COMPLAINTS = "complaints", _("Complaints")
    VIP = "vip", _("VIP customers")
    PHONE = "phone", _("Phone calls")


class ApiScope(TextChoices):
    ORDERS_READ = "orders.read", _("Read orders")
    ORDERS_WRITE = "orders.write", _("Send orders in")
    ORDERS_REQUESTS = "orders.requests", _("Read and answer requests about orders, with new addresses")
    TICKETS_READ = "tickets.read", _("Read tickets and messages")
    TICKETS_WRITE = "tickets.write", _("Open tickets and write messages")
    CUSTOMERS_READ = "customers.read", _("Read customers (masked)")
    EVENTS_READ = "events.read", _("Read the event log")


class RevealReason(TextChoices):
    """Why personal data is looked at in full."""

    CALL = "call", _("Call the customer back")
    DELIVERY = "delivery", _("Sort out a delivery with the carrier")
    IDENTITY = "identity", _("Check that it is the right person")
    CORRECTION = "correction", _("Correct a wrong entry")
    OTHER = "other", _("Something else")
