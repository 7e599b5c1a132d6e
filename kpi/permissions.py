"""Who may see which figures beyond the board's own permission."""

from accounts.models import Staff
from accounts.permissions import shop_scope


def sees_carriers(staff: Staff) -> bool:
    """Say whether a person sees carriers judged: by all shops' parcels, so not who sees some shops only."""
    return shop_scope(staff) is None
