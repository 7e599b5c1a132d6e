"""Addresses of quality review: one's own reviews, the reviewers' queue, figures, settings."""

from django.urls import path

from tickets.views import quality_board, quality_more, quality_review, settings_quality

urlpatterns = [
    path("desk/quality/", quality_more.own_list, name="own_reviews"),
    path("desk/quality/<int:review_id>/", quality_more.own_review, name="own_review"),
    path("desk/reviews/", quality_review.review_list, name="reviews"),
    path("desk/reviews/<int:review_id>/", quality_review.review, name="review"),
    path("desk/reviews/<int:review_id>/draft/", quality_review.draft, name="review_draft"),
    path("desk/reviews/<int:review_id>/submit/", quality_review.submit, name="review_submit"),
    path("desk/reviews/<int:review_id>/hand/", quality_review.hand, name="review_hand"),
    path("desk/reviews/<int:review_id>/drop/", quality_review.drop, name="review_drop"),
    path("desk/reviews/findings/<int:finding_id>/", quality_review.judge, name="finding_judge"),
    path("desk/reviews/appeals/<int:appeal_id>/", quality_more.appeal, name="appeal"),
    path("desk/reviews/talks/<int:coaching_id>/", quality_more.coaching_done, name="coaching_done"),
    path("desk/reviews/calibration/<int:calibration_id>/", quality_more.calibration, name="calibration"),
    path("desk/t/<int:ticket_id>/quality/", quality_more.ticket_quality, name="ticket_quality"),
    path("desk/t/<int:ticket_id>/review/", quality_review.choose_by_hand, name="review_new"),
    path("desk/t/<int:ticket_id>/calibrate/", quality_more.calibrate, name="calibrate"),
    path("board/quality/", quality_board.board, name="quality_board"),
    path("board/quality/rows/", quality_board.rows, name="quality_rows"),
    path("settings/quality/", settings_quality.hub, name="settings_quality"),
    path("settings/quality/rubrics/new/", settings_quality.rubric_edit, name="settings_rubric_new"),
    path("settings/quality/rubrics/<int:pk>/", settings_quality.rubric_edit, name="settings_rubric"),
    path("settings/quality/plans/new/", settings_quality.plan_edit, name="settings_plan_new"),
    path("settings/quality/plans/<int:pk>/", settings_quality.plan_edit, name="settings_plan"),
    path("settings/quality/rules/", settings_quality.rules, name="settings_quality_rules"),
    path("settings/quality/rules/<slug:code>/", settings_quality.rule_save, name="settings_quality_rule"),
]
