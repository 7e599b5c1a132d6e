"""Which mail address of a customer is used when nobody chose one: an address that was only claimed comes last.

The rule. Whoever fills in a public form or the chat's first page can write anybody's phone beside an address of her
own. Such an address is a claim: it finds its writer again and gets the answers to her own ticket, and it is the
customer's primary one only as long as nothing better is known. As soon as the shop names another address for the same
person (an order, an import, the API, a colleague), or one was proven by a code, that one is primary; what names orders,
and news about them, goes there. The same address named by the shop or proven is a claim no longer. No claim ever takes
the place of an address that is none.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from customers.enums import CLAIMING_SOURCES, UNPROVEN_SOURCES, IdentityKind
from customers.models import Identity


def is_claim(kind: str, source: str) -> bool:
    """Say whether an identity that comes in by this door is only claimed."""
    return kind == IdentityKind.EMAIL and source in CLAIMING_SOURCES


def confirms(source: str) -> bool:
    """Say whether a door confirms what was claimed before: the shop's own systems and people do."""
    return source not in UNPROVEN_SOURCES


def make_room(customer_ids: Iterable[int], kind: str) -> int:
    """Take the primary mark off claimed identities of these customers; return how many. Something better follows."""
    rows = Identity.objects.filter(customer_id__in=list(customer_ids), kind=kind, is_primary=True, is_claimed=True)
    return rows.update(is_primary=False)


def confirm_claims(identity_ids: Iterable[int]) -> int:
    """Turn claims into addresses like any other, primary where only claims were; return how many.

    Call it with the customers locked, or be ready to repeat on a unique violation.
    """
    named = Identity.objects.filter(pk__in=list(identity_ids), is_claimed=True)
    ids = list(named.values_list("pk", flat=True))
    if not ids:
        return 0
    rows: QuerySet[Identity] = Identity.objects.filter(pk__in=ids)
    rows.update(is_claimed=False)
    make_room(set(rows.values_list("customer_id", flat=True)), IdentityKind.EMAIL)
    has_one = Identity.objects.filter(customer=OuterRef("customer"), kind=OuterRef("kind"), is_primary=True)
    first = (
        rows.filter(~Exists(has_one)).order_by("customer_id", "pk").distinct("customer_id").values_list("pk", flat=True)
    )
    Identity.objects.filter(pk__in=list(first)).update(is_primary=True)
    return len(ids)
