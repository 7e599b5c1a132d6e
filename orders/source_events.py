"""Events of what shop systems tell: codes, ids, amounts."""

from dataclasses import dataclass
from decimal import Decimal

from core.events import Code, declare


@dataclass(frozen=True)
class OrderRefunded:
    """The shop told us of a refund."""

    amount: Decimal
    currency: Code


@dataclass(frozen=True)
class ConnectionChanged:
    """A connection to a shop system changed; which fields (codes)."""

    fields: tuple[Code, ...]


@dataclass(frozen=True)
class HookReplayed:
    """A person let a kept message be applied once more."""

    hook_id: int
    before: Code


@dataclass(frozen=True)
class CarrierMatched:
    """A carrier's foreign name was matched to one of ours."""

    name_id: int


@dataclass(frozen=True)
class PromotionSaved:
    """A promotion was added or changed."""

    promotion_id: int
    is_new: bool


declare("order.refunded", OrderRefunded)
declare("shop_connection.added")
declare("shop_connection.changed", ConnectionChanged)
declare("shop_connection.hook_replayed", HookReplayed)
declare("carrier.name_matched", CarrierMatched)
declare("shop.promotion_saved", PromotionSaved)
