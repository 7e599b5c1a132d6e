"""Providers of tracking: one small interface, one adapter each."""

from orders.carriers.base import (
    AccountStopped,
    CarrierAdapter,
    CarrierError,
    Credential,
    LockedOut,
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

__all__ = [
    "AccountStopped",
    "CarrierAdapter",
    "CarrierError",
    "Credential",
    "LockedOut",
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
