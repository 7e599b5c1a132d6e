"""The throw-away servers of the suite."""

import socket

import pytest
from django.core.cache import cache
from django.db import connection, transaction

from tests import servers
from tests.conftest import SNAPSHOT, OutsideWorld


def _names() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("select current_database()")
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db
def test_database_is_this_workers_own() -> None:
    assert _names() == {servers.database_name()}


@pytest.mark.django_db
def test_chinese_is_lower_cased_and_cut_into_trigrams() -> None:
    with connection.cursor() as cursor:
        cursor.execute("create extension if not exists pg_trgm")
        cursor.execute("select lower('ÄÉ'), show_trgm('退货退款') <> '{}'")
        assert cursor.fetchone() == ("äé", True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", [1, 2])
def test_commits_of_one_test_are_unknown_to_the_next(round_: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("create table left_over (id int)")


def test_the_outside_is_refused() -> None:
    with pytest.raises(OutsideWorld), socket.socket() as outside:
        outside.connect(("192.0.2.1", 80))


def test_cache_works() -> None:
    cache.set("a", 1)
    assert cache.get("a") == 1


def _state() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("select count(*), min(id), max(id) from django_content_type")
        rows = cursor.fetchall()
        cursor.execute("select last_value from pg_sequences where sequencename = 'django_content_type_id_seq'")
        return [*rows, *cursor.fetchall()]


@pytest.mark.django_db(transaction=True)
def test_rows_and_sequences_are_rewound_and_what_migrations_wrote_is_back() -> None:
    before = _state()
    with connection.cursor() as cursor:
        cursor.execute(
            "update django_content_type set model = 'changed' where id = (select min(id) from django_content_type)"
        )
        cursor.execute("insert into django_content_type (app_label, model) values ('a', 'b')")
        cursor.execute("insert into django_session values ('k', 'd', now())")
    assert _state() != before
    connection.close()
    assert SNAPSHOT.restore()
    assert _state() == before
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from django_session")
        assert cursor.fetchone() == (0,)
