"""What can be wrong with an order, in words: one table for forms, API and the refused rows of an import."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, InvalidInput, Text


class Problem(NamedTuple):
    """One thing wrong: field path (`items[0].quantity`), code of PROBLEMS, values for its sentence."""

    field: str
    code: str
    params: dict[str, Any] = {}


PROBLEMS: dict[str, Text] = {
    "missing": _("This is missing."),
    "too_long": _("This is longer than %(max)s characters."),
    "not_amount": _("“%(value)s” is not an amount."),
    "negative": _("An amount cannot be negative."),
    "too_large": _("This amount is too large."),
    "decimals": _("An amount has at most two decimal places."),
    "not_quantity": _("“%(value)s” is not a quantity; whole numbers from 1 to 100,000 are."),
    "not_date": _("“%(value)s” is not a date and time we can read."),
    "date_range": _("This date lies before the year 2000 or in the future."),
    "not_phone": _("This is not a phone number: digits, blanks, dashes and +86 are fine, letters are not."),
    "not_email": _("This is not an email address."),
    "not_currency": _("“%(value)s” is not a currency code such as CNY."),
    "not_status": _("“%(value)s” is not a status we know."),
    "not_number": _("An order number has 1 to 64 letters, digits or signs."),
    "not_tracking": _("A tracking number has 5 to 64 letters and digits."),
    "unknown_carrier": _("We do not know a carrier “%(value)s”. Add it under Settings, Carriers."),
    "no_items": _("An order needs at least one item."),
    "too_many_items": _("An order has at most %(max)s items."),
    "not_zero": _("A payment is more than zero."),
    "twice": _("This stands twice in one order."),
    "differs": _("The rows of one order tell different things here: “%(one)s” and “%(two)s”."),
    "cell_too_long": _("The cell holds more than %(max)s characters."),
    "too_many_cells": _("The row has more cells than there are headings."),
    "open_quote": _("A quotation mark is opened and never closed."),
    "order_refused": _("Another row of the same order is wrong, so the whole order stays out."),
    "promotion_refused": _("Another row of the same promotion is wrong, so the whole promotion stays out."),
    "rounded": _("Excel has rounded this number (%(value)s). Format the column as text and export again."),
    "unreadable": _("The row holds characters that cannot be stored."),
    "too_far_apart": _("The rows of this order lie too far apart. Sort the file by order number and try again."),
    "unknown_order": _("We do not know this order of the shop. Import the orders first."),
    "no_parcels": _("There is no tracking number."),
    "not_stock": _("“%(value)s” is not a stock; a whole number is."),
    "not_tier": _("“%(value)s” is not a tier we know: standard, silver, gold or VIP."),
    "not_yes_no": _("“%(value)s” is neither yes nor no."),
    "not_percent": _("“%(value)s” is not a discount; 20%% or 20%% off is."),
    "price_or_percent": _("Give either a price or a discount, not both."),
    "price_needs_skus": _("A fixed price needs the items it is for."),
    "ends_too_early": _("It has to end after it starts."),
    "differs_from_row": _("Row %(row)s of the same promotion says “%(other)s” here."),
    "masked_phone": _("This phone is masked; it takes the whole number to recognise somebody."),
    "nobody": _("Without an account, a phone or an email nobody can be recognised."),
    "twice_in_file": _("Row %(row)s of this file tells of the same already."),
    "not_taken": _("This could not be taken in as it stands."),
    "unknown_shop": _("There is no shop with this code."),
}


def say(problem: Problem) -> Text:
    """Return the sentence for a problem in the reader's language."""
    from django.utils.text import format_lazy

    text = PROBLEMS[problem.code]
    return text % problem.params if problem.params else format_lazy("{}", text)


class InvalidOrder(InvalidInput):
    """The order cannot be taken as told; `problems` says why, `fields` in words."""

    code = "invalid_order"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        fields: dict[str, list[Text]] = {}
        for problem in self.problems:
            fields.setdefault(problem.field, []).append(say(problem))
        super().__init__(_("The order cannot be taken as it is."), fields=fields)


class ImportRefused(InvalidInput):
    """A file cannot be imported at all; code and sentence say why."""

    code = "import_refused"


class ImportBusy(Conflict):
    """The import is in a state in which this is not possible."""

    code = "import_busy"
    message = _("This import has moved on meanwhile. Look at its present state.")
