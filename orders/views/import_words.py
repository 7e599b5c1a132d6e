"""What the page of an import calls the things of its file."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders.enums import ImportKind
from orders.models import ImportRun


@dataclass(frozen=True)
class Words:
    """The sentences of one kind of file, in the reader's language."""

    needed: str
    progress: str
    new: str
    done: str
    called_off: str
    stays_out: str
    home: str
    home_label: str


def words_of(run: ImportRun) -> Words:
    """Return the words for a run's kind with its own numbers in them."""
    told = {"new": run.orders_new, "changed": run.orders_changed, "same": run.orders_same}
    done, bad = {"done": run.orders_done}, run.orders_bad
    if run.kind == ImportKind.PRODUCTS:
        return Words(
            _("Needed is the article number. One row is one product; what a column leaves empty stays as it is."),
            _("Products imported"), _("New products"),
            _("%(new)s new products, %(changed)s changed, %(same)s as they were.") % told,
            _("%(done)s products had gone in before.") % done, _rows_out(bad), "orders:products", _("Open products"),
        )  # fmt: skip
    if run.kind == ImportKind.PROMOTIONS:
        return Words(
            _(
                "Needed are the number, the title, the start, and a price or a discount. Rows with one number are one"
                " promotion with the items of them all."
            ),
            _("Promotions imported"), _("New promotions"),
            _("%(new)s new promotions, %(changed)s changed, %(same)s as they were.") % told,
            _("%(done)s promotions had gone in before.") % done, _rows_out(bad), "orders:promotions",
            _("Open promotions"),
        )  # fmt: skip
    if run.kind == ImportKind.CUSTOMERS:
        return Words(
            _(
                "Needed is the account, the phone or the email. One row is one customer; tags are added, and a note is"
                " written only where there is none."
            ),
            _("Customers imported"), _("New customers"),
            _("%(new)s new customers, %(changed)s changed, %(same)s as they were.") % told,
            _("%(done)s customers had gone in before.") % done, _rows_out(bad), "customers:list", _("Open customers"),
        )  # fmt: skip
    if run.kind == ImportKind.PARCELS:
        return _part_words(
            run, _("Needed are the order number, the carrier and the tracking number. One row is one parcel; the"
                   " orders have to be here already."),
            _("First parcels"),
        )  # fmt: skip
    if run.kind == ImportKind.ITEMS:
        return _part_words(
            run, _("Needed are the order number and the item. One row is one line; the rows of an order are all its"
                   " lines, and the order has to be here already."),
            _("First lines"),
        )  # fmt: skip
    return Words(
        _(
            "Needed are the order number, when it was placed, and the item. One row is one item or one order; rows of"
            " one order may stand anywhere in the file."
        ),
        _("Orders imported"), _("New orders"),
        _("%(new)s new orders, %(changed)s changed, %(same)s as they were.") % told,
        _("%(done)s orders had gone in before.") % done, _orders_out(bad), "orders:list", _("Open orders"),
    )  # fmt: skip


def _part_words(run: ImportRun, needed: str, new: str) -> Words:
    told = {"new": run.orders_new, "changed": run.orders_changed, "same": run.orders_same}
    return Words(
        needed, _("Orders brought up to date"), new,
        _("%(new)s orders told for the first time, %(changed)s changed, %(same)s as they were.") % told,
        _("%(done)s orders had gone in before.") % {"done": run.orders_done}, _orders_out(run.orders_bad),
        "orders:list", _("Open orders"),
    )  # fmt: skip


def _orders_out(bad: int) -> str:
    return ngettext(
        "%(n)s order stays out whole. Mend its rows in the download and import that file.",
        "%(n)s orders stay out whole. Mend their rows in the download and import that file.",
        bad,
    ) % {"n": bad}


def _rows_out(bad: int) -> str:
    return ngettext(
        "%(n)s row stays out. Mend it in the download and import that file.",
        "%(n)s rows stay out. Mend them in the download and import that file.",
        bad,
    ) % {"n": bad}
