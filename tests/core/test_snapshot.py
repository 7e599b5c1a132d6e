"""One moment for several reads, and nothing of it left behind."""

from __future__ import annotations

import threading

import pytest
from django.db import InternalError, connection, transaction

from core.models import Period
from core.snapshot import one_snapshot


def _elsewhere(name: str) -> None:
    def write() -> None:
        try:
            Period.objects.create(name=name, last_start="2026-11-20T00:00:00Z")
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()


def _settings() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')")
        level, read_only = cursor.fetchone()
    return level, read_only


@pytest.mark.django_db(transaction=True)
def test_what_others_commit_meanwhile_is_not_seen():
    with one_snapshot():
        before = Period.objects.count()
        _elsewhere("a")
        assert Period.objects.count() == before
    assert Period.objects.count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_it_reads_only_and_takes_no_transaction_id():
    with one_snapshot(), connection.cursor() as cursor:
        assert _settings() == ("repeatable read", "on")
        cursor.execute("SELECT pg_current_xact_id_if_assigned()")
        assert cursor.fetchone() == (None,)
    with pytest.raises(InternalError, match="read-only"), one_snapshot():
        Period.objects.update(name="b")
    assert _settings() == ("read committed", "off")


@pytest.mark.django_db(transaction=True)
def test_the_session_is_left_as_it_was_and_an_open_transaction_as_it_is():
    with one_snapshot():
        Period.objects.count()
    assert _settings() == ("read committed", "off")
    with one_snapshot(), one_snapshot():
        assert _settings() == ("repeatable read", "on")
    with transaction.atomic(), one_snapshot():
        assert _settings() == ("read committed", "off")


@pytest.mark.django_db(transaction=True)
def test_a_lost_session_is_made_anew_before_the_moment_is_fixed():
    Period.objects.count()
    connection.connection.close()
    connection.health_check_enabled, connection.health_check_done = True, False
    with one_snapshot():
        assert _settings() == ("repeatable read", "on")
