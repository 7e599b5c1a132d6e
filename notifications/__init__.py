"""Messages out, mail in. The signed reply address stands here: every app that writes to a customer needs it."""

from notifications.addresses import read_reply_address, read_thread_id, reply_address

__all__ = ["read_reply_address", "read_thread_id", "reply_address"]
