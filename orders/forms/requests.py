"""What an agent types to ask a shop for something, to answer for it, and to keep a note."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.models import Order, OrderItem, OrderNotice
from orders.request_enums import ANSWERS, ASK_REASONS, SAID_BY_SHOP, WITH_LINES, RequestKind
from orders.services.requests import Asked, seen_of
from orders.services.requests.noting import LONGEST
from orders.services.requests.wording import Told


class AskForm(forms.Form):
    """One request: why, what its kind needs, words to the shop, and what was seen of the order."""

    seen = forms.CharField(max_length=80, widget=forms.HiddenInput)
    key = forms.UUIDField(widget=forms.HiddenInput)
    why = forms.ChoiceField(
        label=pgettext_lazy("order request", "Why?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose why.")},
    )
    note = forms.CharField(
        label=_("Words to the shop"), required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, data: Any = None, *, order: Order, kind: str, items: list[OrderItem]) -> None:
        start: dict[str, Any] = {"key": uuid4(), "why": ASK_REASONS[kind][0]}
        if data is None:
            start |= {"seen": seen_of(order), "region": order.region}
        super().__init__(data, initial=start)
        self.kind, self.items = kind, items
        self.fields["why"].choices = [(one.value, one.label) for one in ASK_REASONS[kind]]  # type: ignore[attr-defined]
        if kind == RequestKind.ADDRESS:
            self._add_address()
        for item in items if kind in WITH_LINES else ():
            self.fields[f"line_{item.line}"] = forms.IntegerField(
                label=item.title, required=False, min_value=0, max_value=item.quantity, initial=0,
                widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "input"}),
            )  # fmt: skip

    def _add_address(self) -> None:
        keep = _("Empty: stays as it is.")
        self.fields["region"] = forms.CharField(label=_("Province, city, district"), max_length=120)
        self.fields["street"] = forms.CharField(label=_("Street and house number"), max_length=300)
        self.fields["recipient"] = forms.CharField(label=_("Recipient"), max_length=120, required=False, help_text=keep)
        self.fields["phone"] = forms.CharField(
            label=_("Phone"), max_length=40, required=False, help_text=keep,
            widget=forms.TextInput(attrs={"inputmode": "tel"}),
        )  # fmt: skip
        for name in ("region", "street", "recipient", "phone"):
            self.fields[name].widget.attrs["autocomplete"] = "off"

    @property
    def line_fields(self) -> list[tuple[OrderItem, Any]]:
        """Return the fields of the items with their lines."""
        return [(item, self[f"line_{item.line}"]) for item in self.items if f"line_{item.line}" in self.fields]

    def asked(self) -> Asked:
        """Return what is asked."""
        told = self.cleaned_data
        names = ("recipient", "phone", "region", "street", "note")
        lines = tuple((item.line, told.get(f"line_{item.line}") or 0) for item in self.items)
        return Asked(self.kind, told["why"], Told(**{name: told.get(name, "") for name in names}), lines)


class AnswerForm(forms.Form):
    """What the shop did, told by hand."""

    state = forms.ChoiceField(
        label=_("What did the shop do?"),
        choices=[
            ("done", pgettext_lazy("order request", "It is done in the shop's system")),
            ("accepted", pgettext_lazy("order request", "The shop is at it")),
            ("refused", pgettext_lazy("order request", "It cannot be done")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Say accepted, done or refused.")},
    )
    reason = forms.ChoiceField(
        label=_("Why not?"),
        choices=[("", "–"), *((one.value, one.label) for one in SAID_BY_SHOP)],
        required=False,
        help_text=_("Only when it cannot be done."),
    )
    answer = forms.CharField(label=_("Note"), required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 2}))

    def clean(self) -> dict[str, Any]:
        """A reason goes with a refusal, and only with it."""
        told = super().clean() or {}
        if told.get("state") == "refused" and not told.get("reason"):
            self.add_error("reason", _("Choose why it was refused."))
        elif told.get("state") in ANSWERS and told.get("state") != "refused":
            told["reason"] = ""
        return told


class AgainForm(forms.Form):
    """Which of an order's notices is sent again."""

    key = forms.UUIDField()
    notice = forms.ModelChoiceField(OrderNotice.objects.none())

    def __init__(self, data: Any, *, order: Order) -> None:
        super().__init__(data)
        self.fields["notice"].queryset = OrderNotice.objects.filter(order=order)  # type: ignore[attr-defined]


class NoteForm(forms.Form):
    """A note for colleagues."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("Note for colleagues"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write something first.")},
    )  # fmt: skip

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"key": uuid4()})
