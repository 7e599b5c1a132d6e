"""Addresses of what incidents mean for conversations."""

from django.urls import path

from tickets.views import incident_tickets, incidents

urlpatterns = [
    path("desk/incidents/<int:incident_id>/updates/", incidents.telling, name="incident_updates"),
    path("desk/incidents/<int:incident_id>/updates/preview/", incidents.preview, name="incident_preview"),
    path("desk/incidents/<int:incident_id>/updates/<int:update_id>/", incidents.update, name="incident_update"),
    path("desk/incidents/<int:incident_id>/figures/", incidents.figures, name="incident_figures"),
    path("desk/incidents/<int:incident_id>/close/", incidents.close, name="incident_close"),
    path("desk/incidents/<int:incident_id>/tickets/", incident_tickets.tickets, name="incident_tickets"),
    path("desk/incidents/<int:incident_id>/tickets/resolve/", incident_tickets.resolve, name="incident_resolve"),
]
