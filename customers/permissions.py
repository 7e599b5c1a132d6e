"""Who may see and change a customer: a customer belongs to the company, so the right alone decides."""

from accounts.models import Staff
from accounts.permissions import Permission, require
from core.errors import NotFound
from core.kept import Kept
from customers.models import Customer, root_of
from customers.slots import CUSTOMER


def get_customer_for(staff: Staff, customer_id: int, permission: Permission = Permission.CUSTOMER_VIEW) -> Customer:
    """Return a customer this person may open: of a joined record, the one that counts.

    Raises NotAllowed without the right, NotFound when there is none.
    """
    require(staff, Permission.CUSTOMER_VIEW)
    found = _known.instances(
        "root", lambda: Customer.objects.filter(pk=root_of(CUSTOMER.sample)).order_by("pk"), customer=customer_id
    )
    if not found:
        raise NotFound
    require(staff, permission)
    customer: Customer = found[0]
    return customer


_known = Kept(lambda: (CUSTOMER,))
