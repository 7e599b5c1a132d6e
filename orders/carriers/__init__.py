"""Providers of tracking: one small interface, one adapter each."""

from orders.carriers.aftership import AfterShip
from orders.carriers.base import (
    AccountStopped,
    CarrierAdapter,
    CarrierError,
    Credential,
    LockedOut,
    NotFollowed,
    NothingYet,
    Number,
    NumberRefused,
    Trace,
    Transient,
    adapter_for,
    adapters,
    credentials_of,
    register_carrier_adapter,
)
from orders.carriers.kuaidi100 import Kuaidi100

__all__ = [
    "AccountStopped",
    "CarrierAdapter",
    "CarrierError",
    "Credential",
    "LockedOut",
    "NotFollowed",
    "NothingYet",
    "Number",
    "NumberRefused",
    "Trace",
    "Transient",
    "adapter_for",
    "adapters",
    "credentials_of",
    "register_carrier_adapter",
]

register_carrier_adapter("kuaidi100", Kuaidi100())
register_carrier_adapter("aftership", AfterShip())
