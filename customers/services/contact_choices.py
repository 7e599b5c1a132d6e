"""What customers allow us to send them, with its history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput
from core.events import Code, record
from customers.enums import ContactPurpose
from customers.events import ContactChoiceMade
from customers.models import ContactChoice, Customer, CustomerMerge
from customers.services.locking import announce_customer, lock_customer, lock_own

type Pair = tuple[str, str]


@transaction.atomic
def set_contact_choice(
    *, customer_id: int, channel: str, purpose: str, is_allowed: bool, source: str, actor: Actor, at: datetime
) -> ContactChoice:
    """Write down a yes or no; the same word twice is one row. Raises InvalidInput for service messages.

    Said through a joined record's link it stands there and counts for the person at once.
    """
    if purpose not in ContactPurpose.values or purpose == ContactPurpose.SERVICE:
        raise InvalidInput(fields={"purpose": [_("Messages about your own request cannot be switched off.")]})
    customer, own = lock_customer(customer_id), lock_own(customer_id)
    current = ContactChoice.objects.filter(channel=channel, purpose=purpose, is_current=True)
    said = {choice.customer_id: choice for choice in current.filter(customer__in=[customer, own])}
    if all(pk in said and said[pk].is_allowed == is_allowed for pk in (customer.pk, own.pk)):
        return said[customer.pk]
    current.filter(customer=own).update(is_current=False)
    choice = ContactChoice.objects.create(
        customer=own, channel=channel, purpose=purpose, is_allowed=is_allowed, source=source, at=at
    )
    if own.pk != customer.pk:
        settle_choices(customer, pairs={(channel, purpose)}, at=at)
    customer.version += 1
    customer.save(update_fields=["version"])
    data = ContactChoiceMade(channel=Code(channel), purpose=Code(purpose), is_allowed=is_allowed)
    record("customer.contact_choice_made", subject=customer, actor=actor, at=at, data=data)
    announce_customer(customer)
    return choice


def settle_choices(customer: Customer, *, at: datetime, pairs: Iterable[Pair] | None = None) -> None:
    """Make what counts for a person follow from the choices of all joined records; call with the family locked.

    Joining takes the stricter of two words; what is said afterwards, by whichever contact, counts as the newest word.
    Nothing of the joined records is changed, so that taking one out again and settling anew restores what was.
    """
    own = ContactChoice.objects.filter(customer=customer)
    merges = list(CustomerMerge.objects.filter(source__merged_into=customer, undone_at__isnull=True).order_by("pk"))
    rows = list(ContactChoice.objects.filter(customer_id__in=[customer.pk, *(m.source_id for m in merges)], via=None))
    joined_at = {merge.source_id: merge.merged_at for merge in merges}
    concerned = set(pairs) if pairs is not None else {(r.channel, r.purpose) for r in rows} | _derived(customer)
    for channel, purpose in sorted(concerned):
        said = [row for row in rows if (row.channel, row.purpose) == (channel, purpose)]
        winner = _winner(customer.pk, said, joined_at)
        pair = own.filter(channel=channel, purpose=purpose)
        pair.filter(is_current=True).update(is_current=False)
        if winner is None:
            continue
        if winner.customer_id == customer.pk:
            ContactChoice.objects.filter(pk=winner.pk).update(is_current=True)
            continue
        ContactChoice.objects.create(
            customer=customer, channel=channel, purpose=purpose, is_allowed=winner.is_allowed,
            source=winner.source, at=winner.at, via_id=winner.customer_id,
        )  # fmt: skip


def _derived(customer: Customer) -> set[Pair]:
    rows = ContactChoice.objects.filter(customer=customer, via__isnull=False, is_current=True)
    return set(rows.values_list("channel", "purpose"))


def _winner(customer_id: int, said: list[ContactChoice], joined_at: dict[int, datetime]) -> ContactChoice | None:
    """Replay the choices about one pair: words in their order, each joining taking the stricter of both."""
    steps: list[tuple[datetime, int, int, int]] = []  # at, words before joinings, row id, joined record
    newest: dict[int, ContactChoice] = {}
    by_id = {row.pk: row for row in said}
    for row in said:
        joined = joined_at.get(row.customer_id)
        if joined is None or row.at > joined:
            steps.append((row.at, 0, row.pk, 0))
        elif row.customer_id not in newest or (row.at, row.pk) > _age(newest[row.customer_id]):
            newest[row.customer_id] = row
    steps += [(joined_at[pk], 1, row.pk, pk) for pk, row in newest.items()]
    state: ContactChoice | None = None
    for _at, is_joining, row_id, _alias in sorted(steps):
        row = by_id[row_id]
        if not is_joining or state is None or (state.is_allowed and not row.is_allowed):
            state = row
    return state


def _age(row: ContactChoice) -> tuple[datetime, int]:
    return row.at, row.pk
