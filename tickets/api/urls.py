"""Addresses of the tickets API under /api/v1/."""

from django.urls import path

from tickets.api.calls import CallList
from tickets.api.views import MessageList, TicketDetail, TicketList

urlpatterns = [
    path("calls/", CallList.as_view(), name="api-calls"),
    path("tickets/", TicketList.as_view(), name="api-tickets"),
    path("tickets/<int:ticket_id>/", TicketDetail.as_view(), name="api-ticket"),
    path("tickets/<int:ticket_id>/messages/", MessageList.as_view(), name="api-messages"),
]
