"""Roles as code: what each may do, in one sentence a person understands."""

from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission as P
from accounts.enums import Reach

DESK = frozenset({P.DESK_USE, P.KNOWLEDGE_VIEW})
READ = DESK | {P.TICKET_VIEW, P.ORDER_VIEW, P.CUSTOMER_VIEW, P.INCIDENT_VIEW}
SERVE = READ | {
    P.TICKET_REPLY, P.TICKET_NOTE, P.TICKET_EDIT, P.TICKET_RESOLVE, P.VISIT_WORK, P.TASK_WORK, P.EXCEPTION_WORK,
    P.ORDER_NOTE, P.ORDER_NOTIFY,
}  # fmt: skip


class Role:
    """One role; subclasses are found through ROLES by code."""

    code: ClassVar[str]
    title: ClassVar[Promise]
    sentence: ClassVar[Promise]
    permissions: ClassVar[frozenset[P]]
    reach: ClassVar[Reach] = Reach.TEAMS


class JuniorAgent(Role):
    code = "agent_junior"
    title = _("Junior agent")
    sentence = _("Answers customers and resolves tickets of the own teams; sees phone numbers and addresses masked.")
    permissions = SERVE


class Agent(Role):
    code = "agent"
    title = _("Agent")
    sentence = _(
        "Answers customers, resolves and merges tickets, and may reveal a phone number or address with a reason."
    )
    permissions = JuniorAgent.permissions | {
        P.PII_REVEAL, P.TICKET_MERGE, P.CUSTOMER_EDIT, P.TICKET_BLOCK, P.CALL_LISTEN,
        P.ORDER_ADDRESS, P.ORDER_HOLD, P.ORDER_CANCEL, P.ORDER_SPLIT, P.ORDER_RESEND,
    }  # fmt: skip


class SeniorAgent(Role):
    code = "agent_senior"
    title = _("Senior agent")
    sentence = _("Does all an agent does, hands tickets to others, corrects orders and changes many tickets at once.")
    permissions = Agent.permissions | {
        P.TICKET_ASSIGN, P.ORDER_EDIT, P.ORDER_ANSWER, P.TICKET_BULK, P.SURVEY_VIEW,
    }  # fmt: skip


class LeadAgent(Role):
    code = "agent_lead"
    title = _("Lead agent")
    sentence = _("Leads a shift: does all a senior agent does, plans visits and sees the board of the own teams.")
    permissions = SeniorAgent.permissions | {P.BOARD_VIEW, P.VISIT_MANAGE, P.STAFF_VIEW, P.TICKET_REDACT}


class TechnicalSupport(Role):
    code = "tech_support"
    title = _("Technical support")
    sentence = _(
        "Solves technical questions: answers and resolves tickets and writes the articles that help next time."
    )
    permissions = SERVE | {P.KNOWLEDGE_EDIT, P.PII_REVEAL, P.CALL_LISTEN}


class CrmSpecialist(Role):
    code = "crm_specialist"
    title = _("CRM specialist")
    sentence = _("Looks after customers: keeps their records, merges doubles, runs visits and surveys.")
    permissions = READ | {
        P.TICKET_NOTE, P.CUSTOMER_EDIT, P.CUSTOMER_MERGE, P.PII_REVEAL,
        P.VISIT_WORK, P.VISIT_MANAGE, P.SURVEY_VIEW, P.SURVEY_MANAGE, P.EXPORT,
    }  # fmt: skip
    reach = Reach.COMPANY


class Trainer(Role):
    code = "trainer"
    title = _("Trainer")
    sentence = _("Trains newcomers: reads tickets and writes articles and courses, without answering customers.")
    permissions = READ | {P.KNOWLEDGE_EDIT, P.BOARD_VIEW, P.STAFF_VIEW}
    reach = Reach.COMPANY


class Quality(Role):
    code = "quality"
    title = _("Quality reviewer")
    sentence = _("Reviews finished conversations of every team and writes notes; never answers customers.")
    permissions = READ | {P.TICKET_NOTE, P.BOARD_VIEW, P.SURVEY_VIEW, P.STAFF_VIEW, P.CALL_LISTEN, P.QUALITY_REVIEW}
    reach = Reach.COMPANY


class Warehouse(Role):
    code = "warehouse"
    title = _("Warehouse")
    sentence = _("Receives and checks goods: sees orders and parcels and writes notes on tickets about them.")
    permissions = DESK | {
        P.ORDER_VIEW, P.ORDER_ANSWER, P.ORDER_NOTE, P.INCIDENT_VIEW, P.TICKET_VIEW, P.TICKET_NOTE, P.PII_REVEAL,
        P.TASK_WORK,
    }  # fmt: skip


class DepartmentMember(Role):
    code = "department"
    title = _("Department member")
    sentence = _(
        "Works in another department: does the tasks handed to it, and only reads the tickets, orders and answers "
        "of its area."
    )
    permissions = DESK | {P.TASK_WORK, P.AREA_VIEW, P.TICKET_VIEW, P.ORDER_VIEW}
    reach = Reach.AREA


class Analyst(Role):
    code = "analyst"
    title = _("Analyst")
    sentence = _("Reads every figure and exports it; sees customers masked and changes nothing.")
    permissions = READ | {P.BOARD_VIEW, P.SURVEY_VIEW, P.EXPORT}
    reach = Reach.COMPANY


class Supervisor(Role):
    code = "supervisor"
    title = _("Supervisor")
    sentence = _("Steers the own teams: assigns work, watches the board, imports orders and sets the rules of service.")
    permissions = LeadAgent.permissions | {
        P.BOARD_MANAGE, P.ORDER_IMPORT, P.INCIDENT_MANAGE, P.SETTINGS_MANAGE, P.SURVEY_MANAGE, P.KNOWLEDGE_EDIT,
        P.EXPORT, P.ARCHIVE_EXPORT, P.CUSTOMER_MERGE, P.ACCESS_LOG_VIEW, P.SYSTEM_VIEW, P.QUALITY_REVIEW,
        P.QUALITY_MANAGE,
    }  # fmt: skip


class Manager(Role):
    code = "manager"
    title = _("Manager")
    sentence = _("Runs the service centre: does all a supervisor does for every team and shop, and invites staff.")
    permissions = Supervisor.permissions | {P.STAFF_MANAGE, P.CUSTOMER_ERASE}
    reach = Reach.COMPANY


class Admin(Role):
    code = "admin"
    title = _("Administrator")
    sentence = _("May do everything, including API keys, the system page and other administrators.")
    permissions = frozenset(P)
    reach = Reach.COMPANY


ROLES: dict[str, type[Role]] = {
    role.code: role
    for role in (
        JuniorAgent, Agent, SeniorAgent, LeadAgent, TechnicalSupport, CrmSpecialist, Trainer, Quality,
        Warehouse, DepartmentMember, Analyst, Supervisor, Manager, Admin,
    )
}  # fmt: skip


def permissions_of(codes: Iterable[str]) -> frozenset[P]:
    """Return the union of the rights of these roles; an unknown code gives nothing."""
    return _union(tuple(codes))


@lru_cache(maxsize=512)
def _union(codes: tuple[str, ...]) -> frozenset[P]:
    return frozenset().union(*(ROLES[code].permissions for code in codes if code in ROLES))


def reach_of(codes: Iterable[str]) -> Reach:
    """Return the widest reach among these roles."""
    found = {ROLES[code].reach for code in codes if code in ROLES}
    return next((reach for reach in (Reach.COMPANY, Reach.TEAMS, Reach.AREA) if reach in found), Reach.TEAMS)
