"""Every write to incidents, by step; import from here."""

from orders.services.incidents.attaching import (
    ATTACH_JOB,
    attach_all,
    attach_by_job,
    put_back_order,
    start_attaching,
    stop_attaching,
    take_out_orders,
)
from orders.services.incidents.declaring import IncidentDraft, change_incident, declare_incident, lock_incident
from orders.services.incidents.moving import (
    REVIEW_JOB,
    Review,
    end_incident,
    remind_of_review,
    reopen_incident,
    review_incident,
    start_incident,
)

__all__ = [
    "ATTACH_JOB",
    "REVIEW_JOB",
    "IncidentDraft",
    "Review",
    "attach_all",
    "attach_by_job",
    "change_incident",
    "declare_incident",
    "end_incident",
    "lock_incident",
    "put_back_order",
    "remind_of_review",
    "reopen_incident",
    "review_incident",
    "start_attaching",
    "start_incident",
    "stop_attaching",
    "take_out_orders",
]
