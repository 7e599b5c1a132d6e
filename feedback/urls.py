"""Addresses of the feedback app."""

from django.urls import path

from feedback.views import answers, area, follow_ups, survey, surveys, visits

app_name = "feedback"
urlpatterns = [
    path("s/<str:token>", survey.survey, name="survey"),
    path("s/<str:token>/progress", survey.progress, name="survey_progress"),
    path("s/<str:token>/thanks", survey.thanks, name="thanks"),
    path("desk/visits/", visits.visit_list, name="visits"),
    path("desk/visits/<int:visit_id>/", visits.visit_page_view, name="visit"),
    path("desk/visits/<int:visit_id>/claim/", visits.claim, name="visit_claim"),
    path("desk/visits/<int:visit_id>/release/", visits.release, name="visit_release"),
    path("desk/visits/<int:visit_id>/attempt/", visits.attempt, name="visit_attempt"),
    path("desk/visits/<int:visit_id>/skip/", visits.skip, name="visit_skip"),
    path("desk/feedback/", answers.answer_list, name="answers"),
    path("desk/area/answers/", area.area_answers, name="area_answers"),
    path("desk/feedback/<int:answer_id>/judge/", answers.judge, name="answer_judge"),
    path("desk/feedback/panel/customer/<int:customer_id>/", answers.customer_panel, name="customer_panel"),
    path("settings/surveys/", surveys.survey_list, name="surveys"),
    path("settings/surveys/<int:survey_id>/", surveys.survey_edit, name="survey_edit"),
    path("settings/surveys/<int:survey_id>/questions/", surveys.survey_questions, name="survey_questions"),
    path("settings/surveys/<int:survey_id>/preview/", surveys.survey_preview, name="survey_preview"),
    path("settings/follow-ups/", follow_ups.plan_list, name="plans"),
    path("settings/follow-ups/new/", follow_ups.plan_new, name="plan_new"),
    path("settings/follow-ups/<int:plan_id>/", follow_ups.plan_edit, name="plan_edit"),
]
