"""What the KPI app adds to the shell: folds, the board's place in the rail, live upkeep."""

from django.utils.translation import gettext_lazy as _

from core.registry import (
    register_command,
    register_health,
    register_live_group,
    register_nav,
    register_settings_page,
)
from kpi.folds.calls import CALLS
from kpi.folds.contacts import CONTACTS
from kpi.folds.deliveries import DELIVERIES
from kpi.folds.feedback import SURVEYS, VISITS
from kpi.folds.quality import QUALITY
from kpi.folds.tasks import TASKS
from kpi.folds.tickets import TICKETS
from kpi.permissions import sees_carriers
from kpi.services import fold_health

for fold in (TICKETS, CONTACTS, CALLS, TASKS, DELIVERIES, SURVEYS, VISITS, QUALITY):
    fold.register()

register_nav("board", _("Board"), "chart-bar", "kpi:board", 40, permission="board.view", shortcut="g b")
register_command("board", _("Open the board"), "chart-bar", "kpi:board", permission="board.view", keywords="KPI")
register_command(
    "carrier_scorecard", _("Carrier scorecard"), "truck-delivery", "kpi:carriers", permission="board.view",
    keywords="kuaidi pingfen kdpf zhunshi scorecard eta", is_for=sees_carriers,
)  # fmt: skip
register_settings_page(
    "targets",
    _("Targets"),
    _("What the board measures against."),
    "target",
    "kpi:targets",
    60,
    permission="board.manage",
    group="rules",
)
register_live_group("board", lambda staff, number: number is None and staff.may("board.view"))
register_health("folds", fold_health)
