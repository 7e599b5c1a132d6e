"""Events of the customers app."""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class CustomerAdded:
    """How we first met: the source channel."""

    source: Code


@dataclass(frozen=True)
class IdentityAdded:
    """A new way a customer is known."""

    kind: Code
    source: Code


@dataclass(frozen=True)
class ContactChoiceMade:
    """A customer allowed or refused a channel for a purpose."""

    channel: Code
    purpose: Code
    is_allowed: bool


@dataclass(frozen=True)
class CustomersErased:
    """A person's texts were erased; how many rows changed."""

    rows: int


declare("customer.added", CustomerAdded)
declare("customer.identity_added", IdentityAdded)
declare("customer.contact_choice_made", ContactChoiceMade)
declare("customer.erased", CustomersErased)


@dataclass(frozen=True)
class CustomerChanged:
    """Staff corrected the record; which fields (codes)."""

    fields: tuple[Code, ...]


declare("customer.changed", CustomerChanged)
declare("customer.blocked")
declare("customer.unblocked")


@dataclass(frozen=True)
class CustomersJoined:
    """Two records were joined or taken apart: the other one's id."""

    other_id: int


@dataclass(frozen=True)
class CustomersParted:
    """A record was taken out again: the other one's id, and how many tickets and orders went with it."""

    other_id: int
    moved: int = 0


declare("customer.merged", CustomersJoined)
declare("customer.took_in", CustomersJoined)
declare("customer.unmerged", CustomersParted)
declare("customer.let_go", CustomersParted)
declare("customer.told_apart", CustomersJoined)
