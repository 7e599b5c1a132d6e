"""Events of estimates."""

from dataclasses import dataclass
from datetime import datetime

from core.events import Code, declare


@dataclass(frozen=True)
class LateRisk:
    """A parcel came to a higher level of risk to miss its promise; `chance` is in per cent, as known then."""

    carrier_id: int
    carrier: Code
    level: Code
    chance: int
    promised_at: datetime
    expected_at: datetime


@dataclass(frozen=True)
class DelayExpected:
    """An order will most likely come after its promise; told once, before it is late."""

    parcel_id: int
    chance: int
    promised_at: datetime
    expected_at: datetime


declare("parcel.late_risk", LateRisk)
declare("order.delay_expected", DelayExpected)
