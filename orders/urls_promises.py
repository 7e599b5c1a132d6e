"""Addresses of promised delivery."""

from django.urls import path

from orders.views import plans, promises

urlpatterns = [
    path("settings/promises/", promises.promise_list, name="promises"),
    path("settings/promises/progress/", promises.promise_progress, name="promise_progress"),
    path("settings/promises/new/", promises.promise_new, name="promise_new"),
    path("settings/promises/<int:rule_id>/", promises.promise_edit, name="promise_edit"),
    path("settings/promises/<int:rule_id>/move/", promises.promise_move, name="promise_move"),
    path("settings/plans/", plans.plan_list, name="plans"),
    path("settings/plans/new/", plans.plan_new, name="plan_new"),
    path("settings/plans/<int:plan_id>/", plans.plan_page, name="plan"),
    path("settings/plans/<int:plan_id>/edit/", plans.plan_edit, name="plan_edit"),
    path("settings/plans/<int:plan_id>/move/", plans.plan_move, name="plan_move"),
]
