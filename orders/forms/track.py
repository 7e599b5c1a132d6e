"""What a customer types to find a parcel."""

from django import forms
from django.utils.translation import gettext_lazy as _


class TrackForm(forms.Form):
    """Order number and phone; whether they belong together is for the service to find out."""

    number = forms.CharField(
        label=_("Order number"),
        max_length=80,
        help_text=_("It stands in the confirmation of your order."),
        error_messages={"required": _("Please enter your order number.")},
    )
    phone = forms.CharField(
        label=_("Phone"),
        max_length=40,
        help_text=_("The last four digits are enough."),
        error_messages={"required": _("Please enter the phone number of the order, or its last four digits.")},
    )
