"""Pages of connections to shop systems: made, shown, replayed, matched; by whom."""

import pytest
from django.urls import reverse
from django.utils import timezone

from core.actors import SYSTEM
from core.crypto import decrypt
from core.models import Event
from orders.models import Carrier, CarrierName, InboundHook, ShopConnection
from orders.services import sources
from tests.factories.accounts import make_staff
from tests.factories.orders import make_shop
from tests.orders.shop_messages import ORDER, SECRET, body_of, shopify_headers

pytestmark = pytest.mark.django_db


def signed_in(client, *roles):
    client.force_login(make_staff(roles=list(roles)))
    return client


def test_connect_a_shop_and_read_how(client):
    shop = make_shop()
    signed_in(client, "admin")
    told = {
        "shop": shop.pk,
        "platform": "shopify",
        "origin": "https://Cups.myshopify.com",
        "secret": SECRET,
        "is_active": "on",
    }
    answer = client.post(reverse("orders:source_new"), told)
    found = ShopConnection.objects.get()
    assert answer.headers["Location"] == reverse("orders:source_edit", args=[found.pk])
    assert (found.origin, decrypt(found.secret_enc)) == ("cups.myshopify.com", SECRET)
    page = client.get(answer.headers["Location"]).content.decode()
    assert f"/api/v1/hooks/shops/{found.token}/" in page
    assert "fulfillments/update" in page
    assert SECRET not in page
    kept = client.post(answer.headers["Location"], {"origin": "", "secret": "", "is_active": "on"})
    assert kept.status_code == 302
    found.refresh_from_db()
    assert (found.origin, decrypt(found.secret_enc)) == ("", SECRET)
    assert client.post(reverse("orders:source_new"), {**told, "secret": "", "origin": "x"}).status_code == 422
    assert client.post(reverse("orders:source_new"), {**told, "origin": ""}).status_code == 422


def test_messages_are_listed_with_reasons_and_replayed(client):
    shop = make_shop()
    draft = sources.ConnectionDraft("shopify", "", SECRET)
    found = sources.add_connection(shop_id=shop.pk, draft=draft, actor=SYSTEM, at=timezone.now())
    body = body_of({**ORDER, "line_items": []})
    url = f"/api/v1/hooks/shops/{found.token}/"
    client.post(url, body, content_type="application/json", headers=shopify_headers(body, "orders/create"))
    hook = InboundHook.objects.get()
    sources.apply_message(hook_id=hook.pk, at=timezone.now())
    signed_in(client, "supervisor")
    page = client.get(reverse("orders:messages") + "?state=refused", headers={"Accept-Language": "en"}).content.decode()
    assert "orders/create" in page
    assert "李小红" not in page
    answer = client.post(reverse("orders:message_replay", args=[hook.pk]))
    assert answer.status_code == 302
    hook.refresh_from_db()
    assert (hook.state, hook.replays) == ("stored", 1)
    assert Event.objects.filter(kind="shop_connection.hook_replayed", subject_id=hook.pk).exists()
    assert client.post(reverse("orders:message_replay", args=[hook.pk])).status_code == 409
    assert client.get(reverse("orders:source_new")).status_code == 403


def test_a_carriers_name_is_matched(client):
    name = CarrierName.objects.create(key="4px", name="4PX", first_at=timezone.now())
    signed_in(client, "supervisor")
    assert "4PX" in client.get(reverse("orders:sources")).content.decode()
    carrier = Carrier.objects.get(code="ems")
    assert client.post(reverse("orders:match_name", args=[name.pk]), {"carrier": carrier.pk}).status_code == 302
    name.refresh_from_db()
    assert name.carrier == carrier
    assert client.post(reverse("orders:match_name", args=[name.pk]), {"carrier": ""}).status_code == 422


def test_agents_see_none_of_it(client):
    signed_in(client, "agent")
    for page in ("sources", "messages", "source_new"):
        assert client.get(reverse(f"orders:{page}")).status_code == 403
