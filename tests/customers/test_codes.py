"""One-time codes: for whoever asked, once, soon, and never to be read by us."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.actors import SYSTEM
from core.crypto import hash_token
from core.errors import InvalidInput, RateLimited, Unavailable
from core.models import Job
from customers.models import Identity, OneTimeCode
from customers.services.codes import SEND, TEMPLATE, check_code, open_code, request_code
from notifications.channels import Outcome
from notifications.enums import DeliveryState
from notifications.errors import NotRetryable
from notifications.models import CaughtMail, Delivery
from notifications.services import save_provider_template
from notifications.services.deliveries import retry_delivery, unseal
from notifications.services.sending import claim_delivery, settle_delivery
from tests.factories.customers import make_customer
from tests.factories.feedback import run_jobs
from tests.factories.notices import make_account
from tests.providers import Provider, provider_server
from tests.racing import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    with provider_server() as started:
        yield started


def ask(target: str = "a@example.com", *, asker: str = "", place: str = "192.0.2.7", at: datetime | None = None) -> str:
    """Ask for a code as a browser does and let the job send it; return the browser's token."""
    at = at or timezone.now()
    token = request_code(purpose="tracking", target=target, asker=asker, place=place, language="zh-hans", at=at)
    run_jobs("customers.")
    return token


def sent_code() -> str:
    found = re.search(r"\b(\d{6})\b", unseal(Delivery.objects.latest("pk")).text)
    assert found is not None
    return found[1]


def check(asker: str, code: str, at: datetime | None = None, purpose: str = "tracking") -> Identity | None:
    return check_code(purpose=purpose, asker=asker, code=code, at=at or timezone.now())


def other(code: str) -> str:
    return "000000" if code != "000000" else "111111"


def test_a_code_works_once_within_ten_minutes() -> None:
    customer = make_customer(email="a@example.com")
    at = timezone.now()
    asker = ask("A@Example.com", at=at)
    code = sent_code()
    assert check(asker, code, at=at + timedelta(minutes=10)) is None
    assert check(asker, code, purpose="returns") is None
    proven = check(asker, f" {code[:3]} {code[3:]}", at=at + timedelta(minutes=9))
    assert proven is not None
    assert proven.customer_id == customer.pk
    assert check(asker, code, at=at + timedelta(minutes=9)) is None


def test_five_wrong_tries_use_a_code_up() -> None:
    make_customer(email="a@example.com")
    asker = ask()
    code = sent_code()
    for _n in range(5):
        assert check(asker, other(code)) is None
    assert check(asker, code) is None
    assert open_code(purpose="tracking", asker=asker, at=timezone.now()) is None
    assert OneTimeCode.objects.get().tries == 5


def test_a_new_code_replaces_the_browsers_old_one() -> None:
    make_customer(email="a@example.com")
    asker = ask()
    first = sent_code()
    assert ask(asker=asker) == asker
    assert first == sent_code() or check(asker, first) is None
    assert check(asker, sent_code()) is not None


def test_a_stranger_who_asks_for_her_takes_nothing_away() -> None:
    make_customer(email="a@example.com")
    hers = ask()
    code = sent_code()
    strangers = ask(place="198.51.100.9")
    for _n in range(6):
        assert check(strangers, other(sent_code())) is None
    assert check(strangers, code) is None or code == sent_code()
    assert check(hers, code) is not None


def test_unknown_targets_get_the_same_answer_and_no_message() -> None:
    make_customer(email="a@example.com")
    asked = []
    for target in ("nobody@example.com", "a@example.com"):
        with CaptureQueriesContext(connection) as queries:
            request_code(
                purpose="tracking", target=target, asker="", place="192.0.2.7", language="en", at=timezone.now()
            )
        asked.append(len(queries))
    assert asked[0] == asked[1], "the door does the same for whom we know and whom we do not"
    run_jobs("customers.")
    assert OneTimeCode.objects.count() == 2
    assert Delivery.objects.count() == 1
    nobodys = OneTimeCode.objects.order_by("pk")[0]
    assert (nobodys.code_hash, nobodys.identity_id, nobodys.target_enc) == (None, None, None)


def test_codes_are_rate_limited_per_target_and_per_place() -> None:
    for n in range(3):
        ask("x@example.com", place=f"192.0.2.{n}")
    with pytest.raises(RateLimited):
        ask("x@example.com", place="192.0.2.99")
    for n in range(19):
        ask(f"y{n}@example.com", place="198.51.100.1")
    ask("z@example.com", place="198.51.100.1")
    with pytest.raises(RateLimited):
        ask("another@example.com", place="198.51.100.1")


@pytest.mark.parametrize("target", ["no address", "a@", "12", "138001380001380013800", ""])
def test_what_is_no_phone_and_no_address_is_refused(target: str) -> None:
    with pytest.raises(InvalidInput):
        ask(target)


def test_a_phone_needs_text_messages() -> None:
    with pytest.raises(Unavailable):
        ask("13800138000")
    assert not OneTimeCode.objects.exists()


def test_a_code_by_text_message_goes_out_through_the_providers_template(provider: Provider) -> None:
    make_customer(phone="13800138000")
    make_account("sms", provider)
    save_provider_template(
        channel="sms", key=TEMPLATE, language="zh-hans", code="SMS_1001", fields="", version=0, actor=SYSTEM,
        at=timezone.now(),
    )  # fmt: skip
    asker = ask("138 0013 8000")
    code = sent_code()
    run_jobs("notifications.")
    assert code in provider.sms[-1]["TemplateParam"]
    row = Delivery.objects.get()
    assert (row.state, row.sealed) == (DeliveryState.SENT, None)
    assert code not in f"{row.text}{row.subject}{row.params}"
    assert check(asker, code) is not None


def test_nobody_reads_the_code_afterwards() -> None:
    make_customer(email="a@example.com")
    ask()
    row = Delivery.objects.get()
    code = sent_code()
    assert code.encode() not in bytes(row.sealed or b"")
    assert code not in f"{row.subject}{row.text}{row.html}{row.params}"
    assert code not in "".join(str(job.payload) for job in Job.objects.all())
    assert row.expires_at is not None
    claimed = claim_delivery(delivery_id=row.pk, at=timezone.now())
    assert claimed is not None
    assert code in unseal(claimed).text, "who sends it knows it"
    settle_delivery(
        delivery_id=row.pk, outcome=Outcome(is_accepted=True, code="250"), is_last_try=False, at=timezone.now()
    )
    row.refresh_from_db()
    assert (row.state, row.sealed) == (DeliveryState.SENT, None)
    stored = OneTimeCode.objects.get()
    assert code.encode() not in bytes(stored.code_hash or b"")
    assert stored.target_enc is None


def test_a_code_that_could_not_go_out_is_not_sent_again() -> None:
    make_customer(email="a@example.com")
    ask()
    row = Delivery.objects.get()
    Delivery.objects.filter(pk=row.pk).update(
        state="failed", failed_at=timezone.now(), provider_code="refused", sealed=None
    )
    with pytest.raises(NotRetryable):
        retry_delivery(delivery_id=row.pk, actor=SYSTEM, at=timezone.now())


def test_the_database_forgets_secrets_with_the_sending() -> None:
    make_customer(email="a@example.com")
    ask()
    with pytest.raises(IntegrityError, match="delivery_secrets_forgotten"), transaction.atomic():
        Delivery.objects.update(state="sent", sent_at=timezone.now())


def test_a_late_job_sends_nothing() -> None:
    make_customer(email="a@example.com")
    long_ago = timezone.now() - timedelta(minutes=11)
    ask(at=long_ago)
    assert not Delivery.objects.exists()
    assert OneTimeCode.objects.get().target_enc is None


@pytest.mark.django_db(transaction=True)
def test_a_double_click_is_one_code() -> None:
    make_customer(email="a@example.com")
    first = partial(
        request_code, purpose="tracking", target="a@example.com", asker="one-browser", place="192.0.2.7",
        language="en", at=timezone.now(),
    )  # fmt: skip
    assert together(first, first) == ["one-browser", "one-browser"]
    open_ones = OneTimeCode.objects.filter(asker_hash=hash_token("one-browser"), used_at__isnull=True)
    assert open_ones.count() == 1
    assert Job.objects.filter(name=SEND).count() == OneTimeCode.objects.count()
    assert not CaughtMail.objects.exists()
