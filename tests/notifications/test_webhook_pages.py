"""The settings of outgoing webhooks: who may, what is shown once, what a colleague of another shop sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from notifications.models import Webhook, WebhookSent
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import make_shop
from tests.factories.webhooks import make_sent, make_webhook
from tests.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db
GOOD = {"name": "ERP", "url": "https://erp.example/hook", "kinds_0": ["order.placed"], "version": "1"}


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_staff(roles=["manager"]))
    return client


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    with receiving() as one:
        yield one


@pytest.mark.parametrize("name", ["webhooks", "webhook_new"])
def test_pages_are_for_those_who_manage_settings(name: str, client: Client) -> None:
    url = reverse(f"notifications:{name}")
    assert client.get(url).status_code == 302
    client.force_login(make_staff(roles=["agent"]))
    assert client.get(url).status_code == 403
    client.force_login(make_staff(roles=["manager"]))
    assert client.get(url).status_code == 200


def test_secret_is_shown_once(staff: Client) -> None:
    made = staff.post(reverse("notifications:webhook_new"), GOOD)
    assert made.status_code == 200
    secret = made.context["secret"]
    assert secret.startswith("whsec_")
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    webhook = Webhook.objects.get()
    page = staff.get(reverse("notifications:webhook", args=[webhook.pk]))
    assert secret not in page.content.decode()
    rotated = staff.post(reverse("notifications:webhook_rotate", args=[webhook.pk]))
    assert rotated.context["secret"] != secret
    assert rotated.context["secret"] in rotated.content.decode()


@pytest.mark.parametrize(
    "change",
    [{"url": "http://10.0.0.1/#x"}, {"url": "javascript:alert(1)"}, {"name": ""}, {"kinds_0": []}, {"kinds_0": ["x"]}],
)
def test_what_cannot_be_saved_is_said_and_kept(staff: Client, change: dict[str, Any]) -> None:
    answer = staff.post(reverse("notifications:webhook_new"), GOOD | change)
    assert answer.status_code == 422
    assert not Webhook.objects.exists()
    if "name" not in change:
        assert 'value="ERP"' in answer.content.decode()


def test_edit_tells_of_a_newer_version(staff: Client) -> None:
    webhook, _secret = make_webhook()
    url = reverse("notifications:webhook", args=[webhook.pk])
    assert staff.post(url, GOOD | {"name": "Other"}).status_code == 302
    assert staff.post(url, GOOD | {"name": "Third"}).status_code == 409
    assert Webhook.objects.get().name == "Other"


def test_page_takes_the_same_queries_for_one_message_and_many(staff: Client, django_assert_num_queries: Any) -> None:
    webhook, _secret = make_webhook()
    url = reverse("notifications:webhook", args=[webhook.pk])
    counts = []
    for number in range(3):
        make_sent(webhook, event_id=number + 1)
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as seen:
            staff.get(url)
        counts.append(len(seen))
    assert counts[1] == counts[2]


def test_message_page_shows_tries_escaped_and_sends_again(staff: Client) -> None:
    webhook, _secret = make_webhook()
    sent = make_sent(webhook)
    page = staff.get(reverse("notifications:webhook_message", args=[sent.pk])).content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img src=x" not in page
    assert "<script>alert(1)" not in page
    replay = reverse("notifications:webhook_message_replay", args=[sent.pk])
    assert staff.get(replay).status_code == 405
    assert staff.post(replay).status_code == 302
    sent.refresh_from_db()
    assert (sent.state, sent.tries_left) == ("queued", 10)
    assert staff.post(replay).status_code == 409 or staff.post(replay).status_code == 400


def test_test_message_pause_resume_replay_delete(staff: Client, receiver: Receiver) -> None:
    webhook, secret = make_webhook(receiver.url)
    answer = staff.post(reverse("notifications:webhook_test", args=[webhook.pk]))
    assert answer.status_code == 302
    assert receiver.heard[0].is_signed_with(secret)
    state = reverse("notifications:webhook_state", args=[webhook.pk])
    staff.post(state, {"to": "paused"})
    assert Webhook.objects.get().state == "paused"
    staff.post(state, {"to": "active"})
    assert Webhook.objects.get().state == "active"
    make_sent(webhook)
    staff.post(reverse("notifications:webhook_replay", args=[webhook.pk]))
    assert WebhookSent.objects.filter(state="queued").count() == 1
    staff.post(reverse("notifications:webhook_delete", args=[webhook.pk]))
    assert not Webhook.objects.exists()
    assert not WebhookSent.objects.exists()


def test_who_serves_one_shop_steers_its_webhooks_alone(client: Client) -> None:
    own, far = make_shop("own"), make_shop("far")
    supervisor = make_staff(roles=["supervisor"], teams=[make_team("T", shop_ids=[own.pk])])
    mine, _ = make_webhook(shop_ids=[own.pk], name="mine")
    for shops in ([far.pk], [own.pk, far.pk], []):
        other, _ = make_webhook(shop_ids=shops, name=f"other {shops}")
        sent = make_sent(other, event_id=other.pk)
        client.force_login(supervisor)
        assert client.get(reverse("notifications:webhook", args=[other.pk])).status_code == 404
        for name in ("test", "rotate", "state", "delete", "replay"):
            assert client.post(reverse(f"notifications:webhook_{name}", args=[other.pk])).status_code == 404
        assert client.get(reverse("notifications:webhook_message", args=[sent.pk])).status_code == 404
        assert client.post(reverse("notifications:webhook_message_replay", args=[sent.pk])).status_code == 404
    page = client.get(reverse("notifications:webhooks")).content.decode()
    assert "mine" in page
    assert "other" not in page
    assert client.get(reverse("notifications:webhook", args=[mine.pk])).status_code == 200
    new = reverse("notifications:webhook_new")
    assert client.post(new, GOOD).status_code == 422  # all shops is not hers to give
    assert client.post(new, GOOD | {"shop_ids": [far.pk]}).status_code == 422
    assert client.post(new, GOOD | {"shop_ids": [own.pk]}).status_code == 200
