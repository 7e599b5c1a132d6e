"""Every write of the customers app, by noun; import from here."""

from customers.services.codes import check_code, request_code
from customers.services.contact_choices import set_contact_choice
from customers.services.erasing import erase_customer
from customers.services.identities import add_identity, find_or_add_customer
from customers.services.records import block_customer, edit_customer, unblock_customer

__all__ = [
    "add_identity",
    "block_customer",
    "check_code",
    "edit_customer",
    "erase_customer",
    "find_or_add_customer",
    "request_code",
    "set_contact_choice",
    "unblock_customer",
]
