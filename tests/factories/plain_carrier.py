"""Accounts at a provider and its pushes, in a plain format of our own: what batches do does not hang on the wire."""

import itertools
import json
from datetime import datetime
from typing import Any

from core.crypto import encrypt
from core.errors import InvalidInput
from orders.carriers import Trace, register_carrier_adapter
from orders.models import CarrierAccount, CarrierCompany, CarrierPush
from orders.scan_data import ScanData
from orders.selectors import carrier_ids
from tests.factories.orders import AT

_number = itertools.count(1)


class PlainAdapter:
    """A provider whose pushes are a JSON list of traces."""

    label = "Plain"
    base_url = "https://plain.example"
    credentials = ()

    def read_push(self, body: str) -> list[Trace]:
        """Read a push."""
        told = json.loads(body)
        if not isinstance(told, list):
            raise InvalidInput(code="push_not_list")
        return [
            Trace(
                one["company"], one["number"],
                tuple(ScanData(datetime.fromisoformat(scan[0]), *scan[1:]) for scan in one["scans"]),
                one.get("over", False), one.get("corrected", ""),
            )
            for one in told
        ]  # fmt: skip


register_carrier_adapter("plain", PlainAdapter())  # type: ignore[arg-type]


def make_account(**fields: Any) -> CarrierAccount:
    """Make an account that follows Shunfeng's parcels under the name sf."""
    n = next(_number)
    told = {"provider": "plain", "name": f"Plain {n}", "base_url": "https://plain.example", "credentials_enc": b""}
    account = CarrierAccount.objects.create(**{**told, "push_token": f"{n:032d}", **fields})
    CarrierCompany.objects.create(account=account, carrier_id=carrier_ids()["shunfeng"], code="sf")
    return account


def trace_of(number: str, scans: list[ScanData], *, company: str = "sf", **more: Any) -> dict[str, Any]:
    """Return a trace as the provider tells it."""
    rows = [[scan.at.isoformat(), scan.status, scan.code, scan.text, scan.place] for scan in scans]
    return {"company": company, "number": number, "scans": rows, **more}


def make_push(account: CarrierAccount, *traces: dict[str, Any], at: datetime = AT, body: str = "") -> CarrierPush:
    """Store a push as its door does."""
    sealed = encrypt(body or json.dumps(traces))
    return CarrierPush.objects.create(account=account, message_key=f"m{next(_number)}", body_enc=sealed, received_at=at)
