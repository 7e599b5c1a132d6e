"""What tickets know about people: whose a ticket is when records are taken apart, and the comparison."""

from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from core import registry
from customers.arrivals import register_arrivals
from tickets.services.same_person import give_tickets, tickets_that_came

register_arrivals("tickets", _("Tickets"), find=tickets_that_came, give=give_tickets)
registry.register_panel(
    "compare", "customer", "tickets", _("Tickets"), "tickets:customer_facts", 20, Permission.TICKET_VIEW
)
