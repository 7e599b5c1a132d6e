"""The door under the name other apps know; it stands in tickets.permissions."""

from tickets.permissions import customer_url, desk_url, get_ticket_by_link, get_ticket_for, tickets_visible_to

__all__ = ["customer_url", "desk_url", "get_ticket_by_link", "get_ticket_for", "tickets_visible_to"]
