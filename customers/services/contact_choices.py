"""What customers allow us to send them, with its history."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput
from core.events import Code, record
from customers.enums import ContactPurpose
from customers.events import ContactChoiceMade
from customers.models import ContactChoice
from customers.services.locking import announce_customer, lock_customer


@transaction.atomic
def set_contact_choice(
    *, customer_id: int, channel: str, purpose: str, is_allowed: bool, source: str, actor: Actor, at: datetime
) -> ContactChoice:
    """Write down a yes or no; the same word twice is one row. Raises InvalidInput for service messages."""
    if purpose not in ContactPurpose.values or purpose == ContactPurpose.SERVICE:
        raise InvalidInput(fields={"purpose": [_("Messages about your own request cannot be switched off.")]})
    customer = lock_customer(customer_id)
    current = ContactChoice.objects.filter(customer=customer, channel=channel, purpose=purpose, is_current=True)
    before = current.first()
    if before is not None and before.is_allowed == is_allowed:
        return before
    current.update(is_current=False)
    choice = ContactChoice.objects.create(
        customer=customer, channel=channel, purpose=purpose, is_allowed=is_allowed, source=source, at=at
    )
    customer.version += 1
    customer.save(update_fields=["version"])
    data = ContactChoiceMade(channel=Code(channel), purpose=Code(purpose), is_allowed=is_allowed)
    record("customer.contact_choice_made", subject=customer, actor=actor, at=at, data=data)
    announce_customer(customer)
    return choice
