"""Addresses customers use, and where files are served."""

from django.urls import path

from tickets.views import attachments, customer_panel, public, public_ticket, transcripts

urlpatterns = [
    path("contact/", public.contact, name="contact"),
    path("contact/done/<str:token>/", public.contact_done, name="contact_done"),
    path("contact/files/<str:draft>/<str:key>/", attachments.draft_file, name="contact_file"),
    path("t/<str:token>/", public_ticket.ticket_page, name="public_ticket"),
    path("t/<str:token>/transcript/", transcripts.send_to_me, name="public_transcript"),
    path("desk/t/<int:ticket_id>/transcript/", transcripts.send, name="transcript"),
    path("t/<str:token>/files/<str:key>/", attachments.customer_file, name="public_file"),
    path("desk/attachments/<str:key>/", attachments.staff_file, name="attachment"),
    path("desk/customers/<int:customer_id>/tickets/", customer_panel.tickets_of_customer, name="customer_tickets"),
    path("desk/customers/<int:customer_id>/tickets/facts/", customer_panel.customer_facts, name="customer_facts"),
]
