"""Promise rules and plans for tests, made by the services that make them in life."""

import itertools
from datetime import datetime
from typing import Any

from core.actors import SYSTEM
from orders.models import PromiseRule
from orders.services.promising.ruling import RuleDraft, save_promise_rule
from tests.factories.orders import AT

_number = itertools.count(1)


def make_rule(*, at: datetime = AT, **fields: Any) -> PromiseRule:
    """Make a rule: a day to dispatch and three on the way unless told otherwise."""
    told = {"name": f"规则 {next(_number)}", "dispatch_days": 1, "is_dispatch_working": False, **fields}
    rule, _run = save_promise_rule(rule_id=None, draft=RuleDraft(**told), version=None, actor=SYSTEM, at=at)
    return rule
