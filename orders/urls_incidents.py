"""Addresses of incidents."""

from django.urls import path

from orders.views import incident_orders, incidents

urlpatterns = [
    path("desk/incidents/", incidents.incident_list, name="incidents"),
    path("desk/incidents/new/", incidents.declare, name="incident_declare"),
    path("desk/incidents/<int:incident_id>/", incidents.incident, name="incident"),
    path("desk/incidents/<int:incident_id>/edit/", incidents.edit, name="incident_edit"),
    path("desk/incidents/<int:incident_id>/start/", incidents.start, name="incident_start"),
    path("desk/incidents/<int:incident_id>/dismiss/", incidents.dismiss, name="incident_dismiss"),
    path("desk/incidents/<int:incident_id>/reopen/", incidents.reopen, name="incident_reopen"),
    path("desk/incidents/<int:incident_id>/review/", incidents.review, name="incident_review"),
    path("desk/incidents/<int:incident_id>/find/", incident_orders.find, name="incident_find"),
    path("desk/incidents/<int:incident_id>/orders/", incident_orders.orders, name="incident_orders"),
    path("desk/incidents/<int:incident_id>/orders/out/", incident_orders.take_out, name="incident_take_out"),
    path("desk/incidents/<int:incident_id>/orders/stop/", incident_orders.stop, name="incident_stop"),
]
