"""Models of the feedback app."""

from feedback.models.survey import Answer, Invitation, Survey, SurveyVersion
from feedback.models.visit import FollowUpPlan, Visit, VisitAttempt

__all__ = ["Answer", "FollowUpPlan", "Invitation", "Survey", "SurveyVersion", "Visit", "VisitAttempt"]
