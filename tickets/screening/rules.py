"""Run the rules over an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tickets.quality_enums import Rule
from tickets.screening.answer import Answer, Found, language_of
from tickets.screening.privacy import contacts, foreign_names, foreign_orders, personal_numbers
from tickets.screening.promises import guarantees, money
from tickets.screening.words import find_words

Check = Callable[[Answer], Iterable[tuple[int, int]]]
GREETING_WITHIN = 60
MOST_PER_RULE = 5


def _words(rule: str) -> Check:
    def check(answer: Answer) -> Iterator[tuple[int, int]]:
        lists = answer.words.get(rule, {})
        yield from find_words(answer.own, (*lists.get("zh", ()), *lists.get("en", ())))

    return check


def _greeting(answer: Answer) -> Iterator[tuple[int, int]]:
    begin = answer.sent[:GREETING_WITHIN]
    if not answer.is_first or not begin.strip("\x00 \n\t"):
        return
    lists = answer.words.get(Rule.GREETING, {})
    if next(find_words(begin, (*lists.get("zh", ()), *lists.get("en", ()))), None) is None:
        yield 0, 0


def _language(answer: Answer) -> Iterator[tuple[int, int]]:
    written = language_of(answer.own.replace("\x00", " "))
    if written and answer.customer_language and written != answer.customer_language:
        yield 0, 0


CHECKS: dict[str, Check] = {
    Rule.RUDE: _words(Rule.RUDE),
    Rule.DISMISSIVE: _words(Rule.DISMISSIVE),
    Rule.OVERPROMISE: guarantees,
    Rule.REFUND: money,
    Rule.CONTACT: contacts,
    Rule.GREETING: _greeting,
    Rule.PERSONAL: personal_numbers,
    Rule.LANGUAGE: _language,
    Rule.WRONG_ORDER: foreign_orders,
    Rule.WRONG_NAME: foreign_names,
}


def screen(answer: Answer, rules: Iterable[str] = tuple(Rule)) -> list[Found]:
    """Return what the rules find in an answer, in the order of the text; overlapping places of a rule count once."""
    found: list[Found] = []
    for rule in rules:
        kept: list[Found] = []
        for start, end in sorted(CHECKS[rule](answer), key=lambda span: (span[0], -span[1])):
            if (not kept or start >= kept[-1].end) and len(kept) < MOST_PER_RULE:
                kept.append(Found(rule, start, end))
        found += kept
    return sorted(found, key=lambda one: (one.start, one.rule))
