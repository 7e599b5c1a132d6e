"""Every write of the customers app, by noun; import from here."""

from customers.services.contact_choices import set_contact_choice
from customers.services.duplicates import ask_for_duplicates, find_duplicates, propose_again, tell_apart
from customers.services.erasing import erase_customer
from customers.services.identities import add_identity, find_or_add_customer
from customers.services.merging import merge_customers, unmerge_customer
from customers.services.records import block_customer, edit_customer, unblock_customer

__all__ = [
    "add_identity",
    "ask_for_duplicates",
    "block_customer",
    "edit_customer",
    "erase_customer",
    "find_duplicates",
    "find_or_add_customer",
    "merge_customers",
    "propose_again",
    "set_contact_choice",
    "tell_apart",
    "unblock_customer",
    "unmerge_customer",
]
