"""Orders that shop systems tell of by their own webhooks: connected, received, folded, mirrored."""

from orders.services.sources.connecting import (
    ConnectionDraft,
    add_connection,
    change_connection,
    match_carrier_name,
    note_forged,
)
from orders.services.sources.mirroring import mirror_news, mirror_waiting_names
from orders.services.sources.receiving import apply_message, receive_message, replay_hook

__all__ = [
    "ConnectionDraft",
    "add_connection",
    "apply_message",
    "change_connection",
    "match_carrier_name",
    "mirror_news",
    "mirror_waiting_names",
    "note_forged",
    "receive_message",
    "replay_hook",
]
