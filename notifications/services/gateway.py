"""The trial's stand-in of the providers: what customers' phones would show. Nothing leaves the machine."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from core import posting
from core.crypto import blind_index
from core.inserting import insert_once
from core.jobs import schedule
from core.live import announce
from notifications.channels import read_reference, webpush
from notifications.models import CaughtNote, Delivery
from notifications.selectors.providers import credentials_of, find_account
from notifications.services.deliveries import unseal

RECEIPT = "notifications.trial_receipt"
KEPT = 2000
LATER = timedelta(seconds=3)


@transaction.atomic
def catch_note(*, channel: str, recipient: str, reference: str, at: datetime) -> CaughtNote:
    """Keep what a stand-in took, once for each reference; a text message's receipt follows in some seconds."""
    delivery = Delivery.objects.filter(pk=read_reference(reference) or 0).first()
    if delivery is not None:
        unseal(delivery)
    note = CaughtNote(
        channel=channel,
        recipient=recipient[:320],
        title=delivery.subject[:200] if delivery else "",
        text=delivery.text if delivery else "",
        url=str(delivery.params.get("url", ""))[:2000] if delivery else "",
        reference=reference[:64],
        customer_id=delivery.customer_id if delivery else None,
        caught_at=at,
    )
    if not insert_once(note):
        CaughtNote.objects.filter(channel=channel, reference=reference[:64]).update(times=F("times") + 1)
        return CaughtNote.objects.get(channel=channel, reference=reference[:64])
    announce("mail", "caught", note.pk)
    if channel == "sms":
        schedule(RECEIPT, key=str(note.pk), due_at=at + LATER, payload={"note_id": note.pk})
    past = CaughtNote.objects.order_by("-pk").values_list("pk", flat=True)[KEPT : KEPT + 1]
    CaughtNote.objects.filter(pk__lte=next(iter(past), 0)).delete()
    return note


def report_note(*, note_id: int, at: datetime) -> None:
    """Post the receipt of a caught text message to our own door, as the provider does."""
    note = CaughtNote.objects.filter(pk=note_id).first()
    key = credentials_of(find_account("sms")).get("hook_key")
    if note is None or not key or not settings.TRIAL:
        return
    now = at.strftime("%Y-%m-%d %H:%M:%S")
    row = {
        "phone_number": note.recipient, "send_time": now, "report_time": now, "success": True, "err_code": "DELIVERED",
        "biz_id": f"{note.pk}^0", "out_id": note.reference,
    }  # fmt: skip
    url = f"{settings.PUBLIC_URL.rstrip('/')}/hooks/sms/{key}/reports/"
    posting.post(url, json.dumps([row]).encode(), {"Content-Type": "application/json"})


def trial_browser(device: str) -> tuple[str, bytes]:
    """Return the key (base64url) and the secret of a made-up browser: the same for the same device."""
    seed = blind_index(device, "trial.browser")
    return webpush.base64url(seed), blind_index(device, "trial.browser.auth")[:16]


def trial_subscription(device: str) -> str:
    """Return the subscription of a made-up browser whose push service is this installation."""
    key, auth = trial_browser(device)
    public = webpush.public_text(webpush.private_key(key))
    endpoint = f"{settings.PUBLIC_URL.rstrip('/')}/mail/gateway/push/{device}/"
    return json.dumps({"endpoint": endpoint, "keys": {"p256dh": public, "auth": webpush.base64url(auth)}})
