"""Guessing at the tracking page: limits that hold under many hands, one link under many callers."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from orders.models import TrackingLink, TrackingLookup
from orders.selectors.track import tracking_lookup_rate
from orders.services.tracking_links import tracking_url
from tests.factories.orders import make_order


def post(client: Client, number: str, phone: str, place: str = "10.0.0.1", **extra: Any) -> Any:
    return client.post("/track/", {"number": number, "phone": phone}, REMOTE_ADDR=place, **extra)


@pytest.mark.django_db
def test_guessing_one_order_from_many_places_is_stopped_and_the_right_pair_too(client: Client) -> None:
    order = make_order(phone="13912345678")
    answers = [post(client, order.number, f"{n:04}", f"10.0.{n}.1") for n in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert post(client, order.number, "5678", "10.9.9.9").status_code == 429  # the cool-down tells nothing either
    link = "/track/" + tracking_url(order_id=order.pk).split("/track/")[1]
    assert client.get(link, REMOTE_ADDR="10.0.0.1").status_code == 200  # and harms nobody who has the link
    another = make_order(phone="13912340000")
    assert post(client, another.number, "0000", "10.9.9.9").status_code == 303


@pytest.mark.django_db
def test_walking_through_numbers_from_one_place_is_stopped(client: Client) -> None:
    answers = [post(client, f"A{n}", "0000") for n in range(21)]
    assert [answer.status_code for answer in answers] == [422] * 20 + [429]
    order = make_order(phone="13912345678")
    assert post(client, order.number, "5678").status_code == 429
    assert post(client, order.number, "5678", "10.0.0.2").status_code == 303


@pytest.mark.django_db
def test_a_forged_sender_is_the_same_place(client: Client) -> None:
    answers = [post(client, f"A{n}", "0000", HTTP_X_FORWARDED_FOR=f"8.8.{n}.8") for n in range(21)]
    assert answers[-1].status_code == 429
    sixes = [post(client, f"B{n}", "0000", place=f"2001:db8:1:1::{n:x}") for n in range(1, 22)]
    assert sixes[-1].status_code == 429


@pytest.mark.django_db
def test_right_pairs_cost_nothing(client: Client) -> None:
    order = make_order(phone="13912345678")
    assert {post(client, order.number, "5678").status_code for _ in range(25)} == {303}


@pytest.mark.django_db
def test_guessing_links_is_stopped_and_counted_apart(client: Client) -> None:
    from datetime import timedelta

    from django.utils import timezone

    statuses = [client.get(f"/track/{'x' * 30}{n:02}/", REMOTE_ADDR="10.3.3.3").status_code for n in range(32)]
    assert statuses == [410] * 30 + [429] * 2
    order = make_order()
    link = "/track/" + tracking_url(order_id=order.pk).split("/track/")[1]
    assert client.get(link, REMOTE_ADDR="10.3.3.3").status_code == 429
    assert client.get(link, REMOTE_ADDR="10.3.3.4").status_code == 200
    now = timezone.now()
    rate = tracking_lookup_rate(now - timedelta(minutes=1), now + timedelta(minutes=1))
    assert (rate.total, rate.found) == (31, 1)


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Let `count` threads begin at once, each on a connection of its own."""
    start, found = threading.Barrier(count), [None] * count

    def run(index: int) -> None:
        try:
            start.wait(10)
            found[index] = work(index)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[index]) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


@pytest.mark.django_db(transaction=True)
def test_many_guesses_at_once_are_no_more_than_one_after_the_other() -> None:
    order = make_order(phone="13912345678")
    answers = together(16, lambda n: post(Client(), order.number, f"{n:04}", f"10.7.{n}.1").status_code)
    assert sorted(answers) == [422] * 10 + [429] * 6
    assert TrackingLookup.objects.filter(outcome="other_phone").count() == 10


@pytest.mark.django_db(transaction=True)
def test_messages_at_once_name_one_link() -> None:
    order = make_order()
    urls = together(8, lambda _n: tracking_url(order_id=order.pk))
    assert len(set(urls)) == 1
    assert TrackingLink.objects.count() == 1
