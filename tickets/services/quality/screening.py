"""Pre-check what agents wrote, keep what was found, learn from the reviewers' verdicts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from core.actors import Actor
from core.errors import InvalidInput, NotFound
from core.events import Code, record
from orders.models import Order
from tickets.enums import AuthorType, MessageKind
from tickets.models import Message, ScreenFinding, ScreenRule
from tickets.quality_enums import RULE_SEVERITY, WORD_RULES, Rule, Verdict
from tickets.quality_events import RuleChanged
from tickets.screening import Answer, screen
from tickets.screening.answer import language_of, order_like
from tickets.screening.default_words import DEFAULT_WORDS
from tickets.screening.words import lines_of
from tickets.services.settings_rows import lock_row

MONEY_LIMIT = Decimal(200)
LOOKED_BACK = 3


def rules_now() -> tuple[list[str], dict[str, dict[str, tuple[str, ...]]], Decimal]:
    """Return the rules that are on, the word lists, and what may be promised without the right, in one statement."""
    rows = {row.code: row for row in ScreenRule.objects.all()}
    is_on = [code.value for code in Rule if code not in rows or rows[code].is_on]
    words = dict(DEFAULT_WORDS)
    for code in WORD_RULES:
        own = rows[code].words if code in rows else None
        if own is not None:
            words[code] = {language: tuple(own.get(language, ())) for language in ("zh", "en")}
    limit = rows[Rule.REFUND].limit if Rule.REFUND in rows else None
    return is_on, words, MONEY_LIMIT if limit is None else limit


@transaction.atomic
def screen_message(*, message_id: int, at: datetime) -> int:
    """Check one public answer of a person; run again it adds nothing. Returns how many findings it has.

    Rules switched off later leave what they found. A message that was erased meanwhile has nothing to find.
    """
    message = Message.objects.select_related("ticket__customer", "ticket__order").filter(pk=message_id).first()
    if message is None or message.author_type != AuthorType.STAFF or message.author_id is None:
        return 0
    if message.kind == MessageKind.NOTE or not message.text.strip():
        return 0
    is_on, words, limit = rules_now()
    author = Staff.objects.filter(pk=message.author_id).first()
    found = screen(_answer(message, author, words, limit), is_on)
    ScreenFinding.objects.bulk_create(
        [
            ScreenFinding(
                ticket_id=message.ticket_id, message=message, agent_id=message.author_id, rule=one.rule,
                severity=RULE_SEVERITY[one.rule], start=one.start, end=one.end, found_at=at,
            )
            for one in found
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return len(found)


def _answer(message: Message, author: Staff | None, words: Any, limit: Decimal) -> Answer:
    ticket = message.ticket
    before = Message.objects.filter(ticket_id=ticket.pk, seq__lt=message.seq).exclude(kind=MessageKind.NOTE)
    asked = before.filter(author_type=AuthorType.CUSTOMER).order_by("-seq").values_list("text", flat=True)[:LOOKED_BACK]
    names = [ticket.customer.name if ticket.customer else "", ticket.order.recipient if ticket.order else ""]
    may_decide = author is not None and author.may(Permission.ORDER_EDIT)
    return Answer(
        text=message.text,
        is_first=not before.filter(author_type=AuthorType.STAFF, author_id__isnull=False).exists(),
        customer_language=language_of("\n".join(asked)),
        customer_names=tuple(name.strip() for name in names if name.strip()),
        foreign_orders=_foreign(message),
        order_total=ticket.order.total if ticket.order else None,
        money_limit=None if may_decide else limit,
        words=words,
    )


def _foreign(message: Message) -> frozenset[str]:
    """Return the numbers in a text that are orders, none of them the customer's own."""
    tokens = order_like(message.text)
    if not tokens or message.ticket.customer_id is None:
        return frozenset()
    owners: dict[str, set[int]] = {}
    for number, customer_id in Order.objects.filter(number__in=tokens).values_list("number", "customer_id"):
        owners.setdefault(number, set()).add(customer_id)
    own = message.ticket.order.number if message.ticket.order else ""
    return frozenset(n for n, people in owners.items() if n != own and message.ticket.customer_id not in people)


@transaction.atomic
def judge_finding(*, finding_id: int, verdict: str, actor: Actor, at: datetime) -> ScreenFinding:
    """Say whether a finding is right or a false alarm; "" takes it back. Raises NotFound, InvalidInput."""
    if verdict not in {"", *Verdict.values}:
        raise InvalidInput(fields={"verdict": [_("Choose right or false alarm.")]})
    row = ScreenFinding.objects.select_for_update(no_key=True).filter(pk=finding_id).first()
    if row is None:
        raise NotFound
    row.verdict = verdict
    row.judged_by_id, row.judged_at = (actor.id, at) if verdict else (None, None)
    row.save(update_fields=["verdict", "judged_by", "judged_at"])
    return row


@transaction.atomic
def save_rule(
    *,
    code: str,
    is_on: bool,
    words: dict[str, str] | None,
    limit: Decimal | None,
    actor: Actor,
    at: datetime,
    version: int,
) -> ScreenRule:
    """Switch a rule, or change its words (`words` are texts by language, None = the product's).

    Findings made before stay. Raises NotFound, StaleEdit, InvalidInput.
    """
    if code not in Rule.values:
        raise NotFound
    lists = {language: lines_of(text) for language, text in words.items()} if words and code in WORD_RULES else None
    if lists is not None and all(lists.get(name) == list(DEFAULT_WORDS[code][name]) for name in ("zh", "en")):
        lists = None
    if limit is not None and not 0 <= limit < 10**7:
        raise InvalidInput(fields={"limit": [_("Enter a number of zero or more.")]})
    ScreenRule.objects.get_or_create(code=code, defaults={"version": 0})
    pk = ScreenRule.objects.values_list("pk", flat=True).get(code=code)
    row = lock_row(ScreenRule, pk, version, {"is_on": is_on})
    row.is_on, row.words, row.limit = is_on, lists, limit if code == Rule.REFUND else None
    row.version += 1
    row.save(update_fields=["is_on", "words", "limit", "version"])
    record("screen_rule.changed", subject=row, actor=actor, at=at, data=RuleChanged(Code(code), is_on))
    return row
