"""Whether it stays solved, who had to come back, and what is left to do. Formulas as in kpis.md, Service."""

from django.utils.translation import gettext_lazy as _

from kpi.metrics.shapes import Metric, Shape, Stat

SOLVING = (
    Metric(
        "first_contact_resolution",
        _("Solved at first contact"),
        _("Is one contact enough?"),
        _(
            "Solved, never reopened, and no new ticket of the same customer and main category within 7 days ÷ resolved;"
            " resolutions that were reopened left out. Final after 7 days."
        ),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "contacts",
        target=75,
        at=_("resolved"),
    ),
    Metric(
        "repeat_contact_rate",
        _("Repeat contacts"),
        _("How many had to come back?"),
        _(
            "Tickets whose customer had opened another one of the same main category in the 7 days before"
            " ÷ tickets opened."
        ),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "contacts",
        is_lower_better=True,
        at=_("opened"),
    ),
    Metric(
        "resolution_rate",
        _("Really solved"),
        _("Do customers agree that it is solved?"),
        _("Closed tickets whose solution the customer did not contest within 7 days ÷ tickets closed."),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "tickets",
        at=_("closed"),
    ),
    Metric(
        "resolution_rate_joint",
        _("Really solved, with other departments"),
        _("Do we solve the hard ones too?"),
        _("The same of closed tickets that were escalated or had a task for another department."),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "tickets",
        at=_("closed"),
    ),
    Metric(
        "handle_time",
        _("Handling time per ticket, mean"),
        _("How much work does a ticket take?"),
        _(
            "Work on the ticket in the console, idle gaps over 2 minutes cut out, plus talk and wrap-up of its calls;"
            " per resolved ticket somebody worked on."
        ),
        Shape.DURATION,
        Stat.MEAN,
        "seconds",
        "tickets",
        at=_("resolved"),
    ),
    Metric(
        "backlog",
        _("Backlog"),
        _("How much is left to do?"),
        _("Tickets neither resolved nor closed at the end of the period, without spam and merged ones."),
        Shape.LEVEL,
        Stat.SUM,
        "count",
        "tickets",
        is_lower_better=True,
        at=_("end of the period"),
    ),
)
