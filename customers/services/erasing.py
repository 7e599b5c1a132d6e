"""Erase a person: every app blanks its own texts; ids and figures stay."""

from datetime import datetime

from django.db import transaction

from core import registry
from core.actors import Actor
from core.events import record
from customers.enums import IdentityKind
from customers.events import CustomersErased
from customers.models import ContactChoice, Customer, Identity, OneTimeCode
from customers.services.codes import target_index
from customers.services.locking import announce_customer, lock_customer

CODE_PURPOSES = ("tracking", "returns", "own_page")


@transaction.atomic
def erase_customer(*, customer_id: int, reason: str, actor: Actor, at: datetime) -> int:
    """Erase a person's texts in every app and return the number of rows changed; `reason` is a code.

    The event log keeps ids, codes and amounts only and is not touched. Erasing twice changes nothing more.
    Raises NotFound.
    """
    customer = lock_customer(customer_id, even_erased=True)
    if customer.erased_at is not None:
        return 0
    rows = sum(erase(customer_id) for _app, erase in sorted(registry.ERASURES.items()))
    customer.refresh_from_db()
    customer.erased_at = at
    customer.version += 1
    customer.save(update_fields=["erased_at", "version"])
    record("customer.erased", subject=customer, actor=actor, at=at, reason=reason, data=CustomersErased(rows=rows))
    announce_customer(customer)
    return rows


def erase_own_texts(customer_id: int) -> int:
    """Blank what this app holds about a person; registered with the core."""
    codes = [
        target_index(purpose, identity.value)
        for identity in Identity.objects.filter(customer_id=customer_id).exclude(kind=IdentityKind.VISITOR)
        for purpose in CODE_PURPOSES
    ]
    rows, _by_model = OneTimeCode.objects.filter(target_index__in=codes).delete()
    identities, _by_model = Identity.objects.filter(customer_id=customer_id).delete()
    choices = ContactChoice.objects.filter(customer_id=customer_id).update(source="erased")
    changed = Customer.objects.filter(pk=customer_id).update(name="", name_key="", note="", tags=[])
    return rows + identities + choices + changed
