"""Chinese and English search tokens in the database: `cs_tokens(text)` and `cs_query(text)`."""

from django.db import migrations

# Measured on PostgreSQL 18, 100,000 titles of about 70 signs each (60 Chinese, some Latin), one connection:
#   windowed SQL (unnest with ordinality, lead) 3.9 s · three regexp_replace passes 3.8 s ·
#   a plpgsql loop over all signs 1.8 s · this one, a loop over runs, 2.1 s and twice as fast on Latin mail.
# 15,000 Chinese signs in one text take 9 ms. array_append (`terms || term`) works in place; `terms || array[…]`
# copies the array each time and made the same text take 160 ms.
#
# The ranges and limits are those of core/text/searching.py; a test holds the two together.
_CJK = r"\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U000323af"
_INVISIBLE = r"\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"

# The collation is named so that the result does not depend on the database's own. Both functions spell the
# folding out instead of sharing a third one: a restore runs with an empty search_path.
_RUNS = rf"""
    string_to_array(
        regexp_replace(
            lower(
                regexp_replace(left(normalize(left({{source}}, {{limit}}), NFKC), {{limit}}), '[{_INVISIBLE}]+', '', 'g')
                COLLATE "pg_catalog"."pg_c_utf8"
            ),
            '([{_CJK}]+)|[^[:alnum:]]+', ' \1 ', 'g'
        ) COLLATE "C",
        ' '
    )
"""

CREATE_TOKENS = rf"""
CREATE FUNCTION cs_tokens(source text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $body$
DECLARE
    terms text[] := '{{}}';
    run text;
    sign text;
    previous text;
BEGIN
    IF source IS NULL THEN
        RETURN ''::tsvector;
    END IF;
    FOREACH run IN ARRAY {_RUNS.format(source="source", limit=80000)} LOOP
        IF run = '' THEN
            CONTINUE;
        ELSIF run < U&'\3005' OR run !~ '^[{_CJK}]' THEN
            terms := terms || left(run, 120);
        ELSE
            previous := '';
            FOREACH sign IN ARRAY string_to_array(run, NULL) LOOP
                terms := terms || sign;
                IF previous <> '' THEN
                    terms := terms || (previous || sign);
                END IF;
                previous := sign;
            END LOOP;
        END IF;
    END LOOP;
    RETURN array_to_tsvector(terms);
END
$body$
"""

CREATE_QUERY = rf"""
CREATE FUNCTION cs_query(source text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $body$
DECLARE
    query text := '';
    last_word text := '';
    run text;
    sign text;
    previous text;
BEGIN
    FOREACH run IN ARRAY coalesce({_RUNS.format(source="source", limit=200)}, '{{}}') LOOP
        IF run = '' THEN
            CONTINUE;
        ELSIF run < U&'\3005' OR run !~ '^[{_CJK}]' THEN
            last_word := left(run, 120);
            query := query || ' & ''' || last_word || '''';
        ELSE
            last_word := '';
            IF char_length(run) = 1 THEN
                query := query || ' & ''' || run || '''';
                CONTINUE;
            END IF;
            previous := '';
            FOREACH sign IN ARRAY string_to_array(run, NULL) LOOP
                IF previous <> '' THEN
                    query := query || ' & ''' || previous || sign || '''';
                END IF;
                previous := sign;
            END LOOP;
        END IF;
    END LOOP;
    -- While somebody types, the last Latin word is unfinished: it also finds longer words.
    IF char_length(last_word) >= 2 AND right(source, 1) !~ '\s' THEN
        query := query || ':*';
    END IF;
    RETURN substr(query, 4)::tsquery;
END
$body$
"""


class Migration(migrations.Migration):
    """Create both functions; no table needs them to go back."""

    dependencies = [("core", "0002_business_calendar")]

    operations = [
        migrations.RunSQL(CREATE_TOKENS, "DROP FUNCTION cs_tokens(text)"),
        migrations.RunSQL(CREATE_QUERY, "DROP FUNCTION cs_query(text)"),
    ]
