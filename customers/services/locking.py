"""Take a customer's row before writing to it."""

from core.errors import NotFound
from core.live import announce
from customers.errors import AlreadyErased
from customers.models import Customer


def lock_customer(customer_id: int, *, even_erased: bool = False) -> Customer:
    """Lock and return a customer. Raises NotFound, AlreadyErased."""
    customer = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id).first()
    if customer is None:
        raise NotFound
    if customer.erased_at is not None and not even_erased:
        raise AlreadyErased
    return customer


def announce_customer(customer: Customer) -> None:
    """After commit, have pages that show this customer look again."""
    announce(f"customer.{customer.pk}", "customer", customer.pk, customer.version)
