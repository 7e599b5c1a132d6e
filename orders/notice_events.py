"""Events of order notices' settings."""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class NoticeRulesChanged:
    """Which steps are told otherwise than before (codes)."""

    steps: tuple[Code, ...]


declare("notice_rules.changed", NoticeRulesChanged)
