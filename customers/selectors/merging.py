"""What is joined with what, and what came by whose contact meanwhile."""

from __future__ import annotations

from collections.abc import Collection

from core.errors import Text
from customers.arrivals import ARRIVALS, Came
from customers.models import CustomerMerge, Identity


def descendants(source_id: int, target_id: int) -> set[int]:
    """Return what had been joined into the source before it was joined itself; it points to the target now."""
    steps = CustomerMerge.objects.filter(source__merged_into_id=target_id, undone_at=None)
    of: dict[int, list[int]] = {}
    for child, parent in steps.values_list("source_id", "target_id"):
        of.setdefault(parent, []).append(child)
    found: set[int] = set()
    waiting = [source_id]
    while waiting:
        for child in of.get(waiting.pop(), []):
            found.add(child)
            waiting.append(child)
    return found


def came_by(merge: CustomerMerge, parts: Collection[int]) -> Came:
    """Return where to look for what reached the target by a contact of the source or of the records joined into it."""
    rows = Identity.objects.filter(customer_id__in=[merge.source_id, *parts])
    digests = frozenset(bytes(index) for index in rows.values_list("value_index", flat=True))
    return Came(merge.target_id, merge.merged_at, digests)


def joined_with(customer_id: int) -> list[CustomerMerge]:
    """Return the joinings a customer's record holds, the newest first, with the joined records."""
    rows = CustomerMerge.objects.filter(source__merged_into_id=customer_id, undone_at=None)
    return list(rows.select_related("source", "merged_by").order_by("-merged_at", "-pk"))


def find_joining(source_id: int) -> CustomerMerge | None:
    """Return how a record was joined, None when it stands alone."""
    rows = CustomerMerge.objects.filter(source_id=source_id, undone_at=None)
    return rows.select_related("source", "target", "merged_by").first()


def arrivals_of(merge: CustomerMerge) -> list[tuple[Text, int]]:
    """Return what would go with the source: (name of the kind, how many)."""
    came = came_by(merge, descendants(merge.source_id, merge.target_id))
    return [(app.label, len(app.find(came))) for _name, app in sorted(ARRIVALS.items())]
