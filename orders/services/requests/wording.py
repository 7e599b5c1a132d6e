"""What is personal in a request and in an address: kept encrypted, compared here."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from core.crypto import CannotDecrypt, decrypt, encrypt
from orders.models import Order, OrderRequest


@dataclass(frozen=True, slots=True)
class Told:
    """The new address (empty parts stay as they are) and words to the shop."""

    recipient: str = ""
    phone: str = ""
    region: str = ""
    street: str = ""
    note: str = ""

    @property
    def whole(self) -> str:
        """Return the address in one line."""
        return self.street if self.street.startswith(self.region) else f"{self.region}{self.street}"


def seal(told: Told) -> bytes | None:
    """Return it encrypted, None when nothing was said."""
    said = {name: value for name, value in asdict(told).items() if value}
    return encrypt(json.dumps(said, ensure_ascii=False)) if said else None


def told_in(request: OrderRequest) -> Told:
    """Return what a request says; empty when it was erased or cannot be read any more."""
    if not request.told_enc:
        return Told()
    try:
        return Told(**json.loads(decrypt(request.told_enc)))
    except CannotDecrypt:
        return Told()


def address_of(order: Order) -> Told:
    """Return where an order goes as we know it."""

    def plain(value: bytes | memoryview | None) -> str:
        try:
            return decrypt(value) if value else ""
        except CannotDecrypt:
            return ""

    return Told(order.recipient, plain(order.phone_enc), order.region, plain(order.street_enc))


def goes_there(order: Order, told: Told) -> bool:
    """Say whether an order goes where a request wanted it; blanks do not count."""
    now = address_of(order)

    def bare(text: str) -> str:
        return "".join(text.split())

    if told.recipient and bare(told.recipient) != bare(now.recipient):
        return False
    if told.phone and told.phone[-4:] != now.phone[-4:]:
        return False
    return bare(told.whole) in {bare(now.whole), bare(now.street)} and bool(told.street)
