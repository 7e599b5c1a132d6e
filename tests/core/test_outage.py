"""A database that goes away is a 503 to come back from, wherever in the request it is met."""

from typing import Any

import psycopg
import pytest
from django.db import OperationalError
from django.test import Client

from accounts import middleware
from tests.factories.accounts import make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("place", ["middleware", "view"])
def test_a_lost_database_is_503_with_a_time_to_come_back(client: Client, monkeypatch: Any, place: str) -> None:
    client.force_login(make_staff(roles=["agent"]))
    client.raise_request_exception = False

    def lost(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("the connection is closed") from psycopg.OperationalError("the connection is closed")

    if place == "middleware":
        monkeypatch.setattr(middleware.SessionVersion, "__call__", lost)
    else:
        monkeypatch.setattr("tickets.views.desk_compose.open_ticket_page", lost)
    answer = client.post("/desk/t/1/reply/", {"text": "x"}, headers={"Accept": "application/json"})
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
