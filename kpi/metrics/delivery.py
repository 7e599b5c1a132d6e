"""The figures of delivery. Formulas as in kpis.md, Orders and logistics."""

from django.utils.translation import gettext_lazy as _

from kpi.metrics.shapes import Metric, Shape, Stat

DELIVERY = (
    Metric(
        "confirmation_reach",
        _("Confirmations that reached"),
        _("Does every customer hear that the order is confirmed?"),
        _(
            "Orders with a confirmation that went out on at least one channel and did not come back ÷ orders placed;"
            " imported history left out."
        ),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "deliveries",
        target=100,
        at=_("placed"),
    ),
    Metric(
        "on_time_rate",
        _("Orders on time"),
        _("Do orders arrive when promised?"),
        _(
            "Orders whose last parcel was delivered by the promise ÷ orders delivered plus orders whose promise passed"
            " undelivered."
        ),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "deliveries",
        target=98,
        at=_("delivered, or the promise's passing"),
    ),
    Metric(
        "parcel_on_time_rate",
        _("Parcels on time"),
        _("Do parcels arrive when promised?"),
        _("Parcels delivered by their order's promise ÷ parcels delivered plus parcels under way when it passed."),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "deliveries",
        target=98,
        at=_("delivered, or the promise's passing"),
    ),
    Metric(
        "delivery_days",
        _("Time to delivery"),
        _("How long do customers wait for their goods?"),
        _("From placing the order to the delivery of its last parcel."),
        Shape.DURATION,
        Stat.P90,
        "seconds",
        "deliveries",
        is_lower_better=True,
        at=_("delivered"),
    ),
)
