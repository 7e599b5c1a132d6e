"""Erase a person: every app blanks its own texts; ids and figures stay."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from core import registry
from core.actors import Actor
from core.events import record
from customers.enums import IdentityKind
from customers.events import CustomersErased
from customers.models import ContactChoice, Customer, CustomerMerge, DuplicatePair, Identity, OneTimeCode
from customers.services.codes import PURPOSES, target_index
from customers.services.locking import announce_customer, lock_customer


@transaction.atomic
def erase_customer(*, customer_id: int, reason: str, actor: Actor, at: datetime) -> int:
    """Erase a person's texts in every app and return the number of rows changed; `reason` is a code.

    All records joined with this one are the same person and are erased with it; they stay joined. The event log keeps
    ids, codes and amounts only and is not touched. Erasing twice changes nothing more. Raises NotFound.
    """
    customer = lock_customer(customer_id, even_erased=True)
    if customer.erased_at is not None:
        return 0
    family = Customer.objects.filter(Q(pk=customer.pk) | Q(merged_into=customer)).order_by("pk")
    total = 0
    for one in family:
        rows = sum(erase(one.pk) for _app, erase in sorted(registry.ERASURES.items()))
        one.refresh_from_db()
        one.erased_at = at
        one.version += 1
        one.save(update_fields=["erased_at", "version"])
        record("customer.erased", subject=one, actor=actor, at=at, reason=reason, data=CustomersErased(rows=rows))
        announce_customer(one)
        total += rows
    return total


def erase_own_texts(customer_id: int) -> int:
    """Blank what this app holds about a person; registered with the core."""
    codes = [
        target_index(purpose, identity.value)
        for identity in Identity.objects.filter(customer_id=customer_id).exclude(kind=IdentityKind.VISITOR)
        for purpose in PURPOSES
    ]
    rows, _by_model = OneTimeCode.objects.filter(target_index__in=codes).delete()
    identities, _by_model = Identity.objects.filter(customer_id=customer_id).delete()
    choices = ContactChoice.objects.filter(customer_id=customer_id).update(source="erased")
    DuplicatePair.objects.filter(Q(low_id=customer_id) | Q(high_id=customer_id)).delete()
    # What was taken over from this record stands in the joinings: names and tags among it are words too.
    CustomerMerge.objects.filter(Q(source_id=customer_id) | Q(target_id=customer_id)).update(taken={})
    changed = Customer.objects.filter(pk=customer_id).update(name="", name_key="", note="", tags=[])
    return rows + identities + choices + changed
