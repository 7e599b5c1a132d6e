"""Blank what calls hold about a person who is erased."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from customers.enums import IdentityKind
from customers.models import Identity
from tickets.calls_enums import CallBackEnd, CallBackState
from tickets.models import Call, CallBack, PhoneEvent


def erase_calls(customer_id: int) -> int:
    """Blank numbers, recordings and raw messages of a customer's calls, also of those nobody recognised.

    Must run before the customer's own identities go (see calls_registrations): they say which numbers were theirs.
    """
    mine = Call.objects.filter(customer_id=customer_id)
    known = {bytes(one) for one in mine.values_list("number_index", flat=True) if one is not None}
    phones = Identity.objects.filter(customer_id=customer_id, kind=IdentityKind.PHONE)
    known |= {bytes(one) for one in phones.values_list("value_index", flat=True)}
    calls = Call.objects.filter(Q(customer_id=customer_id) | Q(number_index__in=known, customer__isnull=True))
    places = list(calls.values_list("pk", "line_id", "ref"))
    rows = 0
    for _pk, line_id, ref in places:
        rows += PhoneEvent.objects.filter(line_id=line_id, call_ref=ref, body_enc__isnull=False).update(body_enc=None)
    ids = [pk for pk, _line, _ref in places]
    owed = CallBack.objects.filter(Q(customer_id=customer_id) | Q(number_index__in=known) | Q(call_id__in=ids))
    rows += owed.exclude(state=CallBackState.SOLVED).update(
        state=CallBackState.SOLVED, end=CallBackEnd.NOT_NEEDED, solved_at=timezone.now()
    )
    owed.update(number_index=b"")
    return rows + Call.objects.filter(pk__in=ids).update(
        number_enc=None, number_index=None, last4_index=None, recording_enc=None, recording_seconds=None
    )
