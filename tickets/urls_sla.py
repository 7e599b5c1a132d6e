"""Addresses of reply times: their settings, and why a ticket is due when it is; joined into the app's."""

from django.urls import path

from tickets.views import desk_clocks, settings_sla

urlpatterns = [
    path("desk/t/<int:ticket_id>/clocks/", desk_clocks.clocks, name="clocks"),
    path("settings/sla/", settings_sla.policy_list, name="settings_sla"),
    path("settings/sla/new/", settings_sla.policy_edit, name="settings_sla_new"),
    path("settings/sla/progress/", settings_sla.progress, name="settings_sla_progress"),
    path("settings/sla/<int:pk>/", settings_sla.policy_edit, name="settings_sla_edit"),
    path("settings/sla/<int:pk>/move/", settings_sla.policy_move, name="settings_sla_move"),
]
