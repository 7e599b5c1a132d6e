"""How an incident's customers can be told: in their open conversation, by mail, or not at all and why.

The same look-up counts before sending and decides at sending, so that the counts are true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import BigIntegerField, F, Q
from django.db.models.functions import Coalesce

from core.crypto import CannotDecrypt, decrypt
from customers.enums import IdentityKind
from customers.models import Customer, Identity
from notifications.enums import Channel
from notifications.models import Suppression
from notifications.services.deliveries import address_index
from orders.models import AffectedOrder
from tickets.enums import ACTIVE_STATUSES
from tickets.incident_enums import NoticeChannel, Reason
from tickets.models import IncidentTicket

ACTIVE = [status.value for status in ACTIVE_STATUSES]
PART = 1000
ROOT = Coalesce("customer__merged_into_id", "customer_id", output_field=BigIntegerField())


@dataclass(frozen=True)
class Way:
    """How one customer is told. `order_id` is the newest affected order; no channel = not reachable for `reason`.

    `is_silent`: the answer stands in the conversation, but no mail can point to it.
    """

    customer_id: int
    order_id: int | None
    language: str
    channel: str = ""
    reason: str = ""
    ticket_id: int | None = None
    address: str = field(default="", repr=False)
    is_silent: bool = False


def affected_customers(incident_id: int) -> dict[int, int]:
    """Return canonical customer → newest affected order."""
    rows = AffectedOrder.objects.filter(incident_id=incident_id, removed_at__isnull=True)
    return dict(rows.annotate(root=ROOT).order_by("order_id").values_list("root", "order_id"))


def ways_to(incident_id: int, customer_ids: Iterable[int]) -> dict[int, Way]:
    """Return how each of these (canonical) customers can be told; five statements, however many there are."""
    ids = list(customer_ids)
    orders: dict[int, int] = {}
    inside = AffectedOrder.objects.filter(incident_id=incident_id, removed_at__isnull=True).annotate(root=ROOT)
    for root, order_id in inside.filter(root__in=ids).order_by("order_id").values_list("root", "order_id"):
        orders[root] = order_id
    people = {pk: (language, erased) for pk, language, erased in _people(ids)}
    mails = _addresses([pk for pk in ids if pk in people])
    tickets = _open_tickets(incident_id, ids, orders, mails)
    return {
        pk: _way(pk, orders.get(pk), people[pk], tickets.get(pk), mails.get(pk, ("", ""))) for pk in ids if pk in people
    }


def _way(
    pk: int,
    order_id: int | None,
    person: tuple[str, bool],
    ticket: tuple[int, bool] | None,
    mail: tuple[str, str],
) -> Way:
    language, is_erased = person
    address, refusal = mail
    if is_erased:
        return Way(pk, order_id, language, reason=Reason.ERASED)
    if order_id is None:
        return Way(pk, None, language, reason=Reason.TAKEN_OUT)
    if ticket is not None:
        ticket_id, has_contact = ticket
        is_silent = not has_contact and (not address or bool(refusal))
        return Way(pk, order_id, language, NoticeChannel.TICKET, ticket_id=ticket_id, is_silent=is_silent)
    if not address:
        return Way(pk, order_id, language, reason=Reason.NO_ADDRESS)
    if refusal:
        return Way(pk, order_id, language, reason=refusal)
    return Way(pk, order_id, language, NoticeChannel.EMAIL, address=address)


def _people(ids: list[int]) -> Iterable[tuple[int, str, bool]]:
    rows = Customer.objects.filter(pk__in=ids).values_list("pk", "language", "erased_at")
    return [(pk, language, erased_at is not None) for pk, language, erased_at in rows]


def _open_tickets(
    incident_id: int, ids: list[int], orders: dict[int, int], mails: dict[int, tuple[str, str]]
) -> dict[int, tuple[int, bool]]:
    """Return customer → (open linked ticket, whether it has an address of its own): about the order first, then new.

    A ticket that names no order counts only when its answers go nowhere or to an address known as the customer's:
    whoever writes in under somebody's phone number must not read what happened to her order.
    """
    rows = IncidentTicket.objects.filter(
        incident_id=incident_id, removed_at__isnull=True, ticket__status__in=ACTIVE, ticket__is_spam=False,
        ticket__merged_into__isnull=True,
    )  # fmt: skip
    root = Coalesce("ticket__customer__merged_into_id", "ticket__customer_id", output_field=BigIntegerField())
    found: dict[int, tuple[int, bool]] = {}
    told = rows.annotate(root=root).filter(root__in=ids).order_by("ticket_id")
    best: dict[int, bool] = {}
    for customer, ticket_id, order_id, contact in told.values_list(
        "root", "ticket_id", "ticket__order_id", "ticket__contact_enc"
    ):
        fits = order_id is not None and order_id == orders.get(customer)
        if order_id is None and contact and not _is_hers(bytes(contact), mails.get(customer, ("", ""))[0]):
            continue
        if fits >= best.get(customer, False):
            found[customer], best[customer] = (ticket_id, bool(contact)), fits
    return found


def _is_hers(contact: bytes, address: str) -> bool:
    try:
        return bool(address) and address_index(decrypt(contact)) == address_index(address)
    except CannotDecrypt:
        return False


def _addresses(ids: list[int]) -> dict[int, tuple[str, str]]:
    """Return customer → (mail address, why it refuses ours or ""), chosen as customers' primary_address is."""
    root = Coalesce("customer__merged_into_id", "customer_id", output_field=BigIntegerField())
    rows = Identity.objects.filter(Q(is_primary=True) | Q(verified_at__isnull=False), kind=IdentityKind.EMAIL)
    rows = rows.annotate(root=root, is_own=Q(customer_id=F("root"))).filter(root__in=ids)
    chosen: dict[int, str] = {}
    for identity in rows.order_by("-is_claimed", "is_own", "is_primary", "pk"):  # the best one comes last and stays
        try:
            chosen[identity.root] = identity.value  # type: ignore[attr-defined]
        except CannotDecrypt:  # one unreadable address must not hold back everybody else's news
            continue
    digests = {pk: address_index(address) for pk, address in chosen.items()}
    stopped = Suppression.objects.filter(
        address_index__in=list(digests.values()), channel=Channel.EMAIL, purpose=""
    ).values_list("address_index", "reason")
    refusals = {bytes(digest): reason for digest, reason in stopped}
    return {pk: (address, refusals.get(digests[pk], "")) for pk, address in chosen.items()}


@dataclass(frozen=True)
class Reach:
    """Who can be told how, counted before anything is sent."""

    customers: int
    by_ticket: int
    silent: int
    by_mail: int
    unreachable: list[tuple[str, int]]
    languages: dict[str, int]

    @property
    def reachable(self) -> int:
        """Return how many can be told."""
        return self.by_ticket + self.by_mail

    @property
    def lost(self) -> int:
        """Return how many cannot be told."""
        return self.customers - self.reachable


def reach_of(incident_id: int) -> Reach:
    """Count how an incident's customers can be told, and why some cannot, in bounded statements per thousand."""
    ids = list(affected_customers(incident_id))
    channels: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    silent = 0
    for start in range(0, len(ids), PART):
        for way in ways_to(incident_id, ids[start : start + PART]).values():
            channels[way.channel] += 1
            silent += way.is_silent
            if way.channel:
                languages["en" if way.language.startswith("en") else "zh-hans"] += 1
            else:
                reasons[way.reason] += 1
    return Reach(
        customers=len(ids),
        by_ticket=channels[NoticeChannel.TICKET],
        silent=silent,
        by_mail=channels[NoticeChannel.EMAIL],
        unreachable=reasons.most_common(),
        languages=dict(languages),
    )
