"""What the product asks of a provider of tracking, whatever its wire looks like.

An adapter reads and speaks one provider's format. It writes nothing: what it read it hands over as traces, and what the
provider refused as one of the errors here. Nothing of this runs inside a transaction except `read_push`, which is pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from core.crypto import decrypt
from core.errors import Text
from orders.scan_data import ScanData

if TYPE_CHECKING:
    from orders.models import CarrierAccount


@dataclass(frozen=True, slots=True)
class Trace:
    """What a provider tells of one number: all its scans, as far as they are known.

    `over`: the provider will tell no more. `corrected_company`: the company is another one from now on.
    """

    company: str
    tracking_number: str
    scans: tuple[ScanData, ...]
    over: bool = False
    corrected_company: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number to be followed: the provider's name for its company, and the recipient's phone where it is asked for."""

    company: str
    tracking_number: str
    phone: str = ""
    callback_url: str = ""


class CarrierError(Exception):
    """The provider did not do what was asked; `code` says why (a code of ours, or the provider's number)."""

    def __init__(self, code: str) -> None:
        self.code = code[:40]
        super().__init__(self.code)


class Transient(CarrierError):
    """It may go well later: the wire, their server, too many requests (`wait` is their own word on how long)."""

    def __init__(self, code: str, wait: timedelta | None = None) -> None:
        super().__init__(code)
        self.wait = wait


class AccountStopped(CarrierError):
    """The account itself is refused (key, balance, rights): ask nothing more until a person looked."""


class NumberRefused(CarrierError):
    """This number will never be taken as it is."""


class NotFollowed(CarrierError):
    """The provider does not follow the number (any more): subscribe it again."""


class NothingYet(CarrierError):
    """The provider knows the number and has nothing to tell: a good answer, only empty."""


class LockedOut(CarrierError):
    """The number was asked about too often; nothing may be asked before `until`."""

    def __init__(self, code: str, until: datetime) -> None:
        super().__init__(code)
        self.until = until


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing an account needs to know, for the settings form; all are kept encrypted and never shown again."""

    name: str
    label: Text
    help_text: Text = ""


class CarrierAdapter(Protocol):
    """One provider's wire."""

    @property
    def label(self) -> Text:
        """Return the provider's name."""

    @property
    def base_url(self) -> str:
        """Return where it usually stands."""

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """Return what an account has to know."""

    @property
    def query_gap(self) -> timedelta:
        """Return the time in which a number may be queried once."""

    @property
    def company_help(self) -> Text:
        """Return where its names of carriers are found."""

    def verify_push(self, account: CarrierAccount, headers: Mapping[str, str], body: bytes) -> None:
        """Check that a push is the provider's; header names are in lower case. Raises NotSignedIn."""

    def message_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return what names this push, at most 64 characters: the event's id, else a digest of what it says."""

    def read_push(self, body: str) -> list[Trace]:
        """Read a stored push; pure. Raises InvalidInput with a code."""

    def push_answer(self, ok: bool) -> tuple[int, str]:
        """Return the HTTP status and JSON with which the provider takes a push as told (or tells it again)."""

    def subscribe(self, account: CarrierAccount, number: Number) -> None:
        """Ask to be told of a number. Doing it twice is no error. Raises CarrierError."""

    def query(self, account: CarrierAccount, number: Number) -> Trace:
        """Ask for a number's trace now. Raises CarrierError."""

    def probe(self, account: CarrierAccount) -> None:
        """Find out whether the account is taken, without following a number. Raises CarrierError."""


def credentials_of(account: CarrierAccount) -> dict[str, str]:
    """Return what the account knows. Raises CannotDecrypt."""
    told: dict[str, str] = json.loads(decrypt(account.credentials_enc) or "{}")
    return told


def digest_of(told: Any) -> str:
    """Return 64 characters that name what a body says, however its JSON is spaced and ordered."""
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_ADAPTERS: dict[str, CarrierAdapter] = {}


def register_carrier_adapter(provider: str, adapter: CarrierAdapter) -> None:
    """Speak to accounts of this provider through the adapter."""
    _ADAPTERS[provider] = adapter


def adapter_for(provider: str) -> CarrierAdapter:
    """Return a provider's adapter. Raises LookupError."""
    return _ADAPTERS[provider]


def adapters() -> dict[str, CarrierAdapter]:
    """Return all adapters by provider code."""
    return dict(_ADAPTERS)
