"""Addresses of promised delivery."""

from django.urls import path

from orders.views import promises

urlpatterns = [
    path("settings/promises/", promises.promise_list, name="promises"),
    path("settings/promises/progress/", promises.promise_progress, name="promise_progress"),
    path("settings/promises/new/", promises.promise_new, name="promise_new"),
    path("settings/promises/<int:rule_id>/", promises.promise_edit, name="promise_edit"),
    path("settings/promises/<int:rule_id>/move/", promises.promise_move, name="promise_move"),
]
