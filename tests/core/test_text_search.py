"""Search in PostgreSQL: what is in a text is found, by two Chinese signs or a word, whatever the text."""

import random
from importlib import import_module
from typing import Any

import pytest
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import connection
from django.db.models import F, TextField, Value
from django.db.models.functions import Cast
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.calendar.models import CalendarDefinition
from core.text import index_terms, search_terms
from core.text.lookups import Tokens
from core.text.searching import MAX_TEXT

pytestmark = pytest.mark.django_db

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
MIXED = st.text(
    st.one_of(
        HAN, st.sampled_from("abcXYZ0129 ，。！-_./&|!:*()'\"\\<>😀ＡＢ１é々ー한"), st.characters(max_codepoint=0x24F)
    ),
    max_size=60,
).map(lambda text: text.replace("\x00", ""))
# one transaction for all examples: the functions write nothing
many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)


def ask(sql: str, *params: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql}", params)
        return cursor.fetchone()[0]


def tokens(text: str | None) -> set[str]:
    return set(ask("tsvector_to_array(cs_tokens(%s))", text))


def finds(text: str, query: str) -> bool:
    return bool(ask("cs_tokens(%s) @@ cs_query(%s)", text, query))


@given(MIXED, st.data())
@many
def test_every_two_chinese_signs_of_a_text_are_found(text: str, data: st.DataObject) -> None:
    han = [text[i : i + 2] for i in range(len(text) - 1) if all("一" <= c <= "鿿" for c in text[i : i + 2])]
    if han:
        assert finds(text, data.draw(st.sampled_from(han)))


@given(MIXED)
@many
def test_the_python_twin_has_the_same_tokens(text: str) -> None:
    assert index_terms(text) == tokens(text)


@given(st.text().map(lambda text: "".join(c for c in text if c != "\x00" and not "\ud800" <= c <= "\udfff")))
@many
def test_a_text_is_found_by_itself_whatever_it_is(text: str) -> None:
    found = ask("cs_tokens(%s) @@ cs_query(%s)", text, text)
    if len(text) <= 50 and ask("numnode(cs_query(%s))", text):
        assert found


@pytest.mark.parametrize(
    ("query", "parsed"),
    [
        ("没收到货", "'没收' & '收到' & '到货'"),
        ("货", "'货'"),
        ("iPhone 手机壳", "'iphone' & '手机' & '机壳'"),
        ("refun", "'refun':*"),
        ("refund ", "'refund'"),
        ("Ｘ１", "'x1':*"),
        ("a", "'a'"),
        ("SF-1234 56", "'sf' & '1234' & '56':*"),
        ("' & | ! ( ) : * \\ <->", ""),
        ("😀", ""),
        ("", ""),
    ],
)
def test_queries(query: str, parsed: str) -> None:
    assert ask("cs_query(%s)::text", query) == parsed
    assert search_terms(query) == [term.strip("'") for term in parsed.replace(":*", "").split(" & ") if term]


def test_nothing_finds_nothing() -> None:
    assert tokens(None) == tokens("") == tokens("！？ 😀") == set()
    assert ask("cs_query(NULL)::text") == ""
    assert not finds("好", "")
    assert not finds("", "好")


def test_words_and_signs_next_to_each_other_stay_apart() -> None:
    assert tokens("买iPhone手机") == {"买", "手", "机", "手机", "iphone"}
    assert not finds("收 到", "收到")
    assert finds("收\u200b到", "收到")


def test_the_first_two_letters_find_a_word_while_it_is_typed() -> None:
    assert finds("Refund requested", "re")
    assert not finds("Refund requested", "re ")
    assert not finds("Refund requested", "efund")


@pytest.mark.parametrize(
    "text",
    [
        "好" * 200_000,
        "a" * 200_000,
        "\ufdfa" * 100_000,  # becomes 18 letters each
        "x y " * 50_000,
        "".join(chr(random.Random(1).randint(0x20000, 0x2A000)) for _ in range(200_000)),
        "".join(chr(0x20000 + i % 40_000) + chr(0x20000 + i * 7 % 41_000) for i in range(100_000)),
        "\u0301" * 100_000,
    ],
    ids=["one sign", "one word", "expanding", "short words", "rare signs", "rare pairs", "accents"],
)
def test_no_text_is_too_long(text: str) -> None:
    assert ask("length(cs_tokens(%s))", text) <= 2 * MAX_TEXT
    assert ask("cs_query(%s)::text", text) is not None


def test_ten_thousand_signs_are_indexed_whole() -> None:
    rng = random.Random(7)
    text = "".join(chr(rng.randint(0x4E00, 0x9FA5)) for _ in range(10_000))
    assert tokens(text) == index_terms(text)


def test_the_functions_may_stand_in_generated_columns() -> None:
    assert ask("array_agg(provolatile::text || proparallel::text) FROM pg_proc WHERE proname LIKE 'cs\\_%%'") == [
        "is",
        "is",
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE found (t text, v tsvector GENERATED ALWAYS AS (cs_tokens(t)) STORED);"
            "CREATE INDEX ON found USING gin (v); INSERT INTO found (t) VALUES ('快递丢了'), ('快慢'), (NULL);"
            "SET LOCAL enable_seqscan = off"
        )
        cursor.execute("SELECT t FROM found WHERE v @@ cs_query('快递')")
        assert cursor.fetchall() == [("快递丢了",)]
        cursor.execute("EXPLAIN SELECT t FROM found WHERE v @@ cs_query('快递')")
        assert "Bitmap Index Scan" in "".join(row[0] for row in cursor.fetchall())


def test_the_lookup_and_the_expression() -> None:
    CalendarDefinition.objects.create(name="客服一组 Day shift", updated_at="2026-11-21T00:00:00Z", weekly=[])
    rows = CalendarDefinition.objects.annotate(v=Tokens(Cast("name", TextField())))
    for query, count in {"客服": 1, "shif": 1, "客组": 0, "'; DROP": 0, "x\x00": 0}.items():
        assert rows.filter(v__matches=query).count() == count
    assert rows.filter(v__matches=F("name")).count() == 1
    assert rows.filter(v__matches=Value("一组")).count() == 1
    assert rows.filter(v=SearchQuery("shift", config="simple")).count() == 1
    assert isinstance(Tokens(F("name")).output_field, SearchVectorField)


def test_search_is_independent_of_the_search_path() -> None:
    """A restore rebuilds generated columns with an empty search_path."""
    schema = ask("current_schema()")
    assert isinstance(schema, str)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = ''")
        cursor.execute(f"SELECT {schema}.cs_tokens('快递 A')::text, {schema}.cs_query('快递')::text")
        assert cursor.fetchone() == ("'a' '快' '快递' '递'", "'快递'")


def test_the_migration_goes_there_and_back() -> None:
    migration = import_module("core.migrations.0003_search_functions").Migration
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA elsewhere; SET LOCAL search_path = elsewhere")
        for operation in migration.operations:
            cursor.execute(operation.sql)
        assert ask("count(*) FROM pg_proc WHERE pronamespace = 'elsewhere'::regnamespace") == 2
        for operation in reversed(migration.operations):
            cursor.execute(operation.reverse_sql)
        assert ask("count(*) FROM pg_proc WHERE pronamespace = 'elsewhere'::regnamespace") == 0
