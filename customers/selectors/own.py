"""Who looks at her own page, and what she proved by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.crypto import hash_token
from core.models import Event
from core.text import mask_email, mask_phone
from customers.enums import UNPROVEN_SOURCES
from customers.models import Identity, OwnSession


@dataclass(frozen=True)
class Proof:
    """A proven phone ("phone", E.164) or mail address ("email") and the customer it leads to.

    `is_whole`: everything of the customer is hers. Otherwise only what names this very phone or address: anybody can
    write another person's phone beside her own address into a form or a mail, and the records of both are then one.
    """

    customer_id: int
    kind: str
    value: str
    is_whole: bool

    @property
    def hint(self) -> str:
        """The phone or address with its middle hidden: somebody may look over her shoulder."""
        return mask_phone(self.value) if self.kind == "phone" else mask_email(self.value)


def find_proof(token: str, at: datetime) -> Proof | None:
    """Return what the browser with this token proved; None without one, after its end and for an erased person."""
    rows = OwnSession.objects.select_related("identity__customer__merged_into")
    found = rows.filter(token_hash=hash_token(token), ended_at__isnull=True, ends_at__gt=at).first()
    if found is None or found.identity.customer.erased_at is not None:
        return None
    identity = found.identity
    return Proof(identity.customer.root_id, identity.kind, identity.value, _is_whole(identity))


def _is_whole(identity: Identity) -> bool:
    """Tell whether the shop itself named this phone or address when it told us of the customer."""
    if identity.is_claimed or not (identity.is_primary or identity.verified_at):
        return False
    added = Event.objects.filter(customer_id=identity.customer_id, kind="customer.added").order_by("id")
    source = added.values_list("data__source", flat=True).first()
    return source is not None and source not in UNPROVEN_SOURCES
