"""Events of promotions: ids, no words and no prices."""

from dataclasses import dataclass

from core.events import declare


@dataclass(frozen=True)
class PromotionEnded:
    """A person ended a promotion before its time, or called it off before it began."""

    promotion_id: int
    version: int


declare("shop.promotion_ended", PromotionEnded)
