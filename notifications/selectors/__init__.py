"""Reads of the notifications app."""

from notifications.selectors.inbound import get_parsed_mail
from notifications.selectors.mailboxes import find_mailbox_for_shop, get_mailbox

__all__ = ["find_mailbox_for_shop", "get_mailbox", "get_parsed_mail"]
