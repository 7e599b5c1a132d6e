"""Events of phone calls: ids, codes and seconds. Numbers and words stay with the call."""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class CallFact:
    """A call rang, was answered, ended, was missed or was wrapped up.

    `waited` is from the first ring to the answer or the end, `talked` from the answer to the end, `wrapped` from the
    end to the wrap-up; None where there was none.
    """

    direction: Code
    line_id: int
    team_id: int | None = None
    agent_id: int | None = None
    result: Code = Code("")
    waited: int | None = None
    talked: int | None = None
    wrapped: int | None = None
    disposition: Code = Code("")
    category: Code | None = None
    is_open_hours: bool = True


@dataclass(frozen=True)
class CallBackFact:
    """A call-back was owed or done."""

    line_id: int
    team_id: int | None = None
    agent_id: int | None = None
    tries: int = 0
    seconds: int | None = None


@dataclass(frozen=True)
class PhoneLineChanged:
    """A line's settings, secret or menu were changed; which parts (codes)."""

    fields: tuple[Code, ...] = ()
    plan_version: int = 0


declare("call.rang", CallFact)
declare("call.answered", CallFact)
declare("call.ended", CallFact)
declare("call.missed", CallFact)
declare("call.wrapped_up", CallFact)
declare("call_back.owed", CallBackFact)
declare("call_back.solved", CallBackFact)
declare("phone_line.changed", PhoneLineChanged)
