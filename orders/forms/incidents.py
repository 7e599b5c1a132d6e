"""Forms of incidents: what happened, which orders, the review."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.permissions import shop_scope
from accounts.selectors import staff_with
from orders.enums import OrderStatus, ParcelStatus
from orders.incident_enums import IncidentKind, IncidentSeverity
from orders.models import Incident
from orders.permissions import shops_visible_to
from orders.selectors import carriers
from orders.selectors.affected import CODES, MOMENTS, WORDS
from orders.services.incidents import IncidentDraft, Review

LOCAL = "%Y-%m-%dT%H:%M"


class MomentField(forms.DateTimeField):
    """A time in the person's own zone, shown by the browser's picker."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(format=LOCAL, attrs={"type": "datetime-local"})
        super().__init__(widget=widget, input_formats=[LOCAL, "%Y-%m-%dT%H:%M:%S"], required=False, **kwargs)


class IncidentForm(forms.Form):
    """What is said of an incident."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    client_id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    title = forms.CharField(label=_("Title"), max_length=120, help_text=_("Customers read this title in the updates."))
    kind = forms.ChoiceField(label=_("Kind"), choices=IncidentKind)
    severity = forms.TypedChoiceField(
        label=_("Severity"), choices=IncidentSeverity, coerce=int, initial=IncidentSeverity.MAJOR
    )
    what = forms.CharField(
        label=_("What happened"), max_length=4000, required=False, widget=forms.Textarea,
        help_text=_("For colleagues; customers never see it."),
    )  # fmt: skip
    owner = forms.TypedChoiceField(label=_("Owner"), coerce=int)
    shops = forms.TypedMultipleChoiceField(
        label=_("Shops"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, staff: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_limited = shop_scope(staff) is not None
        owner: Any = self.fields["owner"]
        people = staff_with(Permission.INCIDENT_VIEW).order_by("display_name", "pk")[:300]
        owner.choices = [(one.pk, one.display_name) for one in people]
        shops: Any = self.fields["shops"]
        shops.choices = [(shop.pk, shop.name) for shop in shops_visible_to(staff)]
        shops.required = self.is_limited
        if not self.is_limited:
            shops.help_text = _("Choose none for every shop.")
        shops.error_messages["required"] = _("Choose at least one shop.")

    def draft(self) -> IncidentDraft:
        """Return what was typed."""
        data = self.cleaned_data
        return IncidentDraft(
            data["title"], data["kind"], data["owner"], data["what"], data["severity"], list(data["shops"])
        )


def initial_of(incident: Incident) -> dict[str, Any]:
    """Return an incident as the form shows it."""
    return {
        "version": incident.version, "title": incident.title, "kind": incident.kind, "severity": incident.severity,
        "what": incident.what, "owner": incident.owner_id, "shops": incident.shop_ids,
    }  # fmt: skip


class FindForm(forms.Form):
    """Which orders an incident touches. What is left empty does not narrow."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    client_id = forms.UUIDField(widget=forms.HiddenInput)
    shops = forms.TypedMultipleChoiceField(
        label=_("Shop"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    placed_from = MomentField(label=_("Placed from"))
    placed_to = MomentField(label=_("Placed until"))
    paid_from = MomentField(label=_("Paid from"))
    paid_to = MomentField(label=_("Paid until"))
    shipped_from = MomentField(label=_("Shipped from"))
    shipped_to = MomentField(label=_("Shipped until"))
    statuses = forms.MultipleChoiceField(
        label=_("Order status"), required=False, choices=OrderStatus.choices, widget=forms.CheckboxSelectMultiple
    )
    parcel_statuses = forms.MultipleChoiceField(
        label=_("Parcel status"), required=False, choices=ParcelStatus.choices, widget=forms.CheckboxSelectMultiple
    )
    carriers = forms.TypedMultipleChoiceField(
        label=_("Carrier"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    region = forms.CharField(
        label=_("Region contains"), required=False, max_length=60, help_text=_("Province, city or district.")
    )
    product = forms.CharField(label=_("Item or SKU contains"), required=False, max_length=80)
    place = forms.CharField(label=_("Last seen at a place that contains"), required=False, max_length=60)
    silent_since = MomentField(
        label=_("Parcel not heard of since"), help_text=_("Still under way, and no scan after this time.")
    )
    numbers = forms.CharField(
        label=_("Order or tracking numbers"), required=False, max_length=400_000, widget=forms.Textarea,
        help_text=_("One a line, or straight from a spreadsheet's column. Up to 5,000."),
    )  # fmt: skip

    def __init__(self, *args: Any, incident: Incident, staff: Staff, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shops: Any = self.fields["shops"]
        rows = shops_visible_to(staff)
        rows = rows.filter(pk__in=incident.shop_ids) if incident.shop_ids else rows
        shops.choices = [(shop.pk, shop.name) for shop in rows]
        field: Any = self.fields["carriers"]
        field.choices = [(one.pk, one.name) for one in carriers() if one.is_active]

    def clean(self) -> dict[str, Any]:
        """An end cannot stand before its beginning."""
        data = super().clean() or {}
        for name in MOMENTS:
            since, until = data.get(f"{name}_from"), data.get(f"{name}_to")
            if since and until and until < since:
                self.add_error(f"{name}_to", _("This is before the beginning."))
        return data

    @property
    def conditions(self) -> dict[str, Any]:
        """Return what was asked as the stored JSON; empty parts are left out."""
        data = self.cleaned_data
        told: dict[str, Any] = {name: data[name] for name in CODES if data.get(name)}
        told |= {name: " ".join(data[name].split()) for name in WORDS if data.get(name, "").strip()}
        moments = [f"{name}_{end}" for name in MOMENTS for end in ("from", "to")] + ["silent_since"]
        told |= {name: data[name].isoformat() for name in moments if isinstance(data.get(name), datetime)}
        return told


class ReviewForm(forms.Form):
    """What is written after an incident."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    what = forms.CharField(label=_("What happened"), max_length=4000, widget=forms.Textarea)
    cause = forms.CharField(label=_("What caused it"), max_length=4000, widget=forms.Textarea)
    helped = forms.CharField(label=_("What helped"), max_length=4000, widget=forms.Textarea)
    changes = forms.CharField(label=_("What we change"), max_length=4000, widget=forms.Textarea)
    cost = forms.DecimalField(
        label=_("Cost, estimated"), required=False, min_value=0, max_digits=12, decimal_places=2,
        help_text=_("Compensation, reshipping, extra work. Leave empty when nobody knows."),
    )  # fmt: skip

    def review(self, currency: str) -> Review:
        """Return what was typed."""
        data = self.cleaned_data
        return Review(data["what"], data["cause"], data["helped"], data["changes"], data["cost"], currency)
