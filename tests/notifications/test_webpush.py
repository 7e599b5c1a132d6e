"""Web push against the example of RFC 8291, appendix A, and against the browser's own key."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from notifications.channels import webpush
from notifications.channels.aliyun import SmsAccount, signed_headers

PLAIN = b"When I grow up, I want to be a watermelon"
OWN = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
BROWSER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
BROWSER_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
    "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def place() -> webpush.PushPlace:
    return webpush.PushPlace("https://push.example/x", webpush.unbase64(BROWSER_PUBLIC), webpush.unbase64(AUTH))


def test_the_example_of_the_standard_comes_out_byte_for_byte() -> None:
    made = webpush.encrypted(PLAIN, place(), salt=webpush.unbase64(SALT), own=webpush.private_key(OWN))
    assert webpush.base64url(made) == SEALED


def test_only_the_browser_reads_it_and_no_two_messages_are_alike() -> None:
    one, two = webpush.encrypted(PLAIN, place()), webpush.encrypted(PLAIN, place())
    assert one != two
    assert webpush.opened(one, webpush.private_key(BROWSER), webpush.unbase64(AUTH)) == PLAIN
    with pytest.raises(InvalidTag):
        webpush.opened(one, webpush.private_key(OWN), webpush.unbase64(AUTH))


def test_the_token_names_the_push_service_and_is_signed_with_our_key() -> None:
    key = webpush.private_key(webpush.new_private_key())
    now = datetime(2026, 11, 23, tzinfo=UTC)
    header = webpush.authorization(key, "https://push.example:8443/abc", "mailto:a@b.example", now=now)
    token, public = header.removeprefix("vapid t=").split(", k=")
    head, body, signature = token.split(".")
    raw = webpush.unbase64(signature)
    whole = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    webpush.public_key(webpush.unbase64(public)).verify(whole, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    claims = json.loads(webpush.unbase64(body))
    assert claims == {
        "aud": "https://push.example:8443", "exp": int(now.timestamp()) + 12 * 3600, "sub": "mailto:a@b.example",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"endpoint": "https://p.example", "keys": {"p256dh": "AAAA", "auth": "AAAA"}}',
        json.dumps({"endpoint": "https://p.example", "keys": {"p256dh": BROWSER_PUBLIC, "auth": "AAAA"}}),
    ],
)
def test_a_false_subscription_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        webpush.read_place(text)


def test_the_signature_is_that_of_the_providers_own_example() -> None:
    account = SmsAccount("YourAccessKeyId", "YourAccessKeySecret", "x")
    headers = signed_headers(
        account,
        "RunInstances",
        "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
        host="ecs.cn-shanghai.aliyuncs.com",
        path="/",
        now=datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
        nonce="3156853299f313e23d1673dc12e1703d",
        version="2014-05-26",
    )
    signature = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    assert headers["Authorization"].endswith(f"Signature={signature}")
