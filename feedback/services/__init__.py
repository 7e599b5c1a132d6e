"""Every write of the feedback app, by noun; import from here."""

from feedback.services.answering import Submission, save_partial, submit_answer
from feedback.services.inviting import invite
from feedback.services.judging import judge_answer
from feedback.services.planning import close_window, make_visit_due, plan_visit
from feedback.services.plans import PlanDraft, save_plan
from feedback.services.recovering import recover_answer, recover_visit
from feedback.services.sending import expire_invitation, note_delivered, remind_invitation
from feedback.services.surveys import SurveyDraft, save_questions, save_survey
from feedback.services.visits import Attempt, claim_visit, record_attempt, release_visit, skip_visit

__all__ = [
    "Attempt",
    "PlanDraft",
    "Submission",
    "SurveyDraft",
    "claim_visit",
    "close_window",
    "expire_invitation",
    "invite",
    "judge_answer",
    "make_visit_due",
    "note_delivered",
    "plan_visit",
    "record_attempt",
    "recover_answer",
    "recover_visit",
    "release_visit",
    "remind_invitation",
    "save_partial",
    "save_plan",
    "save_questions",
    "save_survey",
    "skip_visit",
    "submit_answer",
]
