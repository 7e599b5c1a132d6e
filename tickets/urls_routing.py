"""Addresses of routing: the next ticket, handing on and over, settings."""

from django.urls import path

from tickets.views import handing_over, routing, settings_routing

urlpatterns = [
    path("desk/next/", routing.take_next, name="next"),
    path("desk/hand-over/", handing_over.hand_over, name="hand_over"),
    path("desk/hand-over/<int:staff_id>/", handing_over.hand_over, name="hand_over_for"),
    path("desk/t/<int:ticket_id>/transfer/", routing.transfer, name="transfer"),
    path("desk/t/<int:ticket_id>/give-back/", routing.give_back, name="give_back"),
    path("desk/customers/<int:customer_id>/agent/", routing.dedicated_agent, name="dedicated_agent"),
    path("settings/routing/", settings_routing.overview, name="settings_routing"),
    path("settings/routing/teams/<int:team_id>/", settings_routing.team_edit, name="settings_routing_team"),
    path("settings/routing/skills/", settings_routing.skills, name="settings_routing_skills"),
]
