"""Events of parcel exceptions: codes, ids and times."""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class ExceptionOpened:
    """Something is wrong with a parcel; `owner_id` deals with it."""

    parcel_id: int
    carrier_id: int
    kind: Code
    owner_id: int | None = None


@dataclass(frozen=True)
class ExceptionTaken:
    """Somebody works on it now, or it was handed to another; `before_id` owned it."""

    kind: Code
    owner_id: int
    before_id: int | None = None


@dataclass(frozen=True)
class ExceptionClosed:
    """It is over; `seconds` since it was opened."""

    parcel_id: int
    carrier_id: int
    kind: Code
    why: Code
    seconds: int


declare("exception.opened", ExceptionOpened)
declare("exception.taken", ExceptionTaken)
declare("exception.handed_over", ExceptionTaken)
declare("exception.closed", ExceptionClosed)
