"""Tickets and their messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from random import Random

from bench.seeding.loading import Connection, copy_rows
from bench.seeding.people import Crowd
from bench.seeding.words import ACKNOWLEDGEMENT, ANSWERS, FOLLOW_UPS, NOTES, OPENINGS, sentence, topic
from bench.seeding.world import SHOP_WEIGHTS, World

TICKET = (
    "id", "shop_id", "customer_id", "order_id", "category_id", "team_id", "assignee_id", "channel", "status",
    "priority",
    "language", "subject", "preview", "tags", "order_given", "is_spam", "policy_id", "opened_at",
    "first_response_due_at",
    "first_response_at", "resolution_due_at", "resolved_at", "closed_at", "waiting_since", "waiting_seconds",
    "customer_turn_at", "last_message_at", "last_message_by", "last_seq", "last_public_seq", "reopen_count", "version",
)  # fmt: skip
MESSAGE = (
    "ticket_id", "seq", "public_seq", "kind", "author_type", "author_id", "channel", "text", "html", "quoted",
    "mail_id", "at",
)  # fmt: skip
LENGTHS, LENGTH_WEIGHTS = (2, 3, 4, 5, 6, 8, 12), (20, 25, 25, 15, 8, 5, 2)  # 4 on average
CHANNELS, CHANNEL_WEIGHTS = ("email", "form", "chat", "api", "phone"), (45, 30, 15, 6, 4)
PRIORITIES, PRIORITY_WEIGHTS = (10, 20, 30, 40), (8, 75, 13, 4)
ACTIVE, ACTIVE_WEIGHTS = ("open", "waiting_customer", "new", "waiting_department"), (60, 25, 10, 5)
LONGEST = 500  # messages of the one long ticket
SPAN = 400  # days of history
PORTION = 50_000  # tickets held in memory at once
# What the clocks of an open ticket come to: the nearest deadline, and the warning a fifth of its time before.
NEXT_DUE = """
UPDATE tickets_ticket t SET next_due_at = d.due, warn_at = d.due - (d.due - t.opened_at) / 5
  FROM (SELECT id, CASE WHEN first_response_at IS NULL THEN least(first_response_due_at, resolution_due_at)
                        ELSE resolution_due_at END AS due FROM tickets_ticket) d
 WHERE d.id = t.id AND t.status IN ('new', 'open', 'waiting_department') AND NOT t.is_spam
"""


@dataclass
class Plan:
    """How many tickets there are of each sort."""

    size: int
    busy: int = 0
    others: int = 0
    recent: int = 0
    long_ticket: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Two thousand open ones for the busy agent, 6 % open elsewhere, all among the newest."""
        self.busy = min(2000, self.size // 5)
        self.others = self.size * 6 // 100
        self.recent = max(self.size * 12 // 100, (self.busy + self.others) * 13 // 10)


def seed_tickets(
    connection: Connection,
    size: int,
    world: World,
    crowd: Crowd,
    owned: dict[int, list[int]],
    at: datetime,
    pick: Random,
) -> Plan:
    """Write tickets, oldest first, and their messages. The long ticket is the busy agent's."""
    plan = Plan(size)
    roles = _roles(plan, pick)
    messages: list[tuple[object, ...]] = []
    for tickets in batched(_tickets(plan, roles, world, crowd, owned, at, pick, messages), PORTION):
        copy_rows(connection, "tickets_ticket", TICKET, tickets)
        copy_rows(connection, "tickets_message", MESSAGE, messages)
        messages.clear()
    connection.execute(NEXT_DUE)
    return plan


def _roles(plan: Plan, pick: Random) -> dict[int, str]:
    """Return which of the newest tickets are open and whose."""
    newest = list(range(plan.size - plan.recent + 1, plan.size + 1))
    pick.shuffle(newest)
    roles = dict.fromkeys(newest[: plan.busy], "busy")
    plan.long_ticket = newest[0]
    roles |= dict.fromkeys(newest[plan.busy : plan.busy + plan.others], "other")
    roles[newest[plan.busy + plan.others]] = "one"
    return roles


def _tickets(
    plan: Plan, roles: dict[int, str], world: World, crowd: Crowd, owned: dict[int, list[int]], at: datetime,
    pick: Random,
    messages: list[tuple[object, ...]],
) -> Iterator[tuple[object, ...]]:  # fmt: skip
    shops = pick.choices(world.shops, SHOP_WEIGHTS, k=plan.size)
    for number, (customer, shop) in enumerate(zip(crowd.draw(plan.size), shops, strict=True), start=1):
        role = roles.get(number, "")
        opened = at - timedelta(days=SPAN * (1 - (number - 1) / plan.size), seconds=1200 + pick.randrange(600))
        team = world.teams[0] if role in {"busy", "one"} else pick.choices(world.teams, (50, 30, 20))[0]
        status = (
            pick.choices(ACTIVE, ACTIVE_WEIGHTS)[0] if role else "resolved" if number > plan.size * 0.98 else "closed"
        )
        agent: int | None = {"busy": world.busy, "one": world.one}.get(role) or pick.choice(world.team_agents[team])
        if role == "other" and pick.random() < 0.2:
            agent, status = None, "new"
        orders = owned.get(customer)
        length = LONGEST if number == plan.long_ticket else pick.choices(LENGTHS, LENGTH_WEIGHTS)[0]
        if number == plan.long_ticket:
            status = "open"
        elif status == "new":
            length = 2
        channel = pick.choices(CHANNELS, CHANNEL_WEIGHTS)[0]
        talk = _talk(number, length, status, channel, customer, agent, opened, at, pick)
        messages += talk.rows
        done = status in {"resolved", "closed"}
        solved = talk.last_at + timedelta(minutes=5) if done else None
        yield (
            number, shop, customer, pick.choice(orders) if orders and pick.random() < 0.8 else None,
            pick.choice(world.categories),
            team if role != "other" or pick.random() < 0.9 else None, agent, channel, status,
            pick.choices(PRIORITIES, PRIORITY_WEIGHTS)[0], "zh-hans", talk.first[:60], talk.preview[:160], [], "",
            role == "" and pick.random() < 0.01, 1, opened, opened + timedelta(hours=2), talk.first_answer,
            opened + timedelta(days=2), solved,
            solved + timedelta(minutes=1) if solved and status == "closed" else None,
            talk.last_at if status == "waiting_customer" else None, 0,
            talk.last_at if talk.last_by == "customer" else None,
            talk.last_at, talk.last_by, length, talk.public, 0, length + 1,
        )  # fmt: skip


@dataclass
class Talk:
    """The messages of one ticket and what its row says of them."""

    rows: list[tuple[object, ...]]
    first: str = ""
    preview: str = ""
    first_answer: datetime | None = None
    last_at: datetime = datetime.max  # noqa: DTZ901 - replaced by the first message
    last_by: str = "customer"
    public: int = 0


def _talk(
    number: int,
    length: int,
    status: str,
    channel: str,
    customer: int,
    agent: int | None,
    opened: datetime,
    at: datetime,
    pick: Random,
) -> Talk:
    """Return question, acknowledgement, answers and questions in turn, a note here and there."""
    talk, when, answers = Talk([]), opened, True
    ends_with_us = status not in {"new", "open"} or (status == "open" and pick.random() < 0.5 and length > 2)
    room = (at - opened) / (length + 1)
    for seq in range(1, length + 1):
        who: int | None = customer
        kind, author = "public", "customer"
        if seq == 2:
            kind, author, who, text = "auto", "system", None, ACKNOWLEDGEMENT
        elif seq == 1:
            text = sentence(pick, OPENINGS)
        elif (answers if seq < length else ends_with_us) and agent is not None:
            is_note = seq < length and pick.random() < 0.1
            kind, author, who = ("note" if is_note else "public"), "staff", agent
            text = pick.choice(NOTES).format(topic=topic(pick)) if is_note else sentence(pick, ANSWERS)
            answers = is_note
        else:
            text, answers = sentence(pick, FOLLOW_UPS), True
        if seq > 1:
            when += min(room, timedelta(minutes=pick.randrange(1, 300))) if kind != "auto" else timedelta(seconds=2)
        if kind != "note":
            talk.public += 1
        if kind == "public":
            talk.preview, talk.last_at, talk.last_by = text, when, author
        if author == "staff" and kind == "public" and talk.first_answer is None:
            talk.first_answer = when
        talk.rows.append(
            (number, seq, None if kind == "note" else talk.public, kind, author, who, channel, text, "", "", "", when)
        )
    talk.first = str(talk.rows[0][7])
    return talk
