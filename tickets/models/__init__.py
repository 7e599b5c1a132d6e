"""Models of the tickets app."""

from tickets.models.archive import Archive
from tickets.models.bulk import BulkItem, BulkRun
from tickets.models.call import Call, CallBack, PhoneEvent, PhoneLine, PhonePlan, PhoneSeat
from tickets.models.clock import SlaClock
from tickets.models.custom_field import CustomField, FieldValue
from tickets.models.desk import (
    BlockedSender,
    CannedReply,
    Category,
    Draft,
    TicketRead,
)
from tickets.models.incident import IncidentNotice, IncidentTicket, IncidentUpdate
from tickets.models.link import MovedMessage, TicketLink, TicketMerge
from tickets.models.macro import Macro
from tickets.models.message import Attachment, Message, StoredBytes
from tickets.models.migration import FormerAgent, Migration, MigrationPerson, MigrationProblem
from tickets.models.outbox import HeldMessage
from tickets.models.promise import Commitment
from tickets.models.quality import Calibration, QualityReview, Rubric, RubricVersion, SampleDraw, SamplingPlan
from tickets.models.quality_after import Appeal, Coaching, QualityTerms, ScreenFinding, ScreenRule
from tickets.models.routing import CategorySkill, DedicatedAgent, GivenBack, RoutingMode, TeamRouting
from tickets.models.rule import Rule, RuleRun, RuleTimer, RuleTrial, RuleTrialHit, RuleVersion
from tickets.models.saved_view import SavedView
from tickets.models.sla import RepriceRun, SlaPolicy
from tickets.models.standard import ServiceStandard, StandardVersion, TicketStep
from tickets.models.task import Department, DepartmentTask, JointResponse, ProductDefect
from tickets.models.ticket import Ticket

__all__ = [
    "Appeal",
    "Archive",
    "Attachment",
    "BlockedSender",
    "BulkItem",
    "BulkRun",
    "Calibration",
    "Call",
    "CallBack",
    "CannedReply",
    "Category",
    "CategorySkill",
    "Coaching",
    "Commitment",
    "CustomField",
    "DedicatedAgent",
    "Department",
    "DepartmentTask",
    "Draft",
    "FieldValue",
    "FormerAgent",
    "GivenBack",
    "HeldMessage",
    "IncidentNotice",
    "IncidentTicket",
    "IncidentUpdate",
    "JointResponse",
    "Macro",
    "Message",
    "Migration",
    "MigrationPerson",
    "MigrationProblem",
    "MovedMessage",
    "PhoneEvent",
    "PhoneLine",
    "PhonePlan",
    "PhoneSeat",
    "ProductDefect",
    "QualityReview",
    "QualityTerms",
    "RepriceRun",
    "RoutingMode",
    "Rubric",
    "RubricVersion",
    "Rule",
    "RuleRun",
    "RuleTimer",
    "RuleTrial",
    "RuleTrialHit",
    "RuleVersion",
    "SampleDraw",
    "SamplingPlan",
    "SavedView",
    "ScreenFinding",
    "ScreenRule",
    "ServiceStandard",
    "SlaClock",
    "SlaPolicy",
    "StandardVersion",
    "StoredBytes",
    "TeamRouting",
    "Ticket",
    "TicketLink",
    "TicketMerge",
    "TicketRead",
    "TicketStep",
]
