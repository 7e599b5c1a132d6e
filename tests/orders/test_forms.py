"""The fast reader of forms says the same as urllib's, whatever it is given."""

from urllib.parse import parse_qs, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.carriers.forms import MOST_FIELDS, read_form

PIECES = st.sampled_from(
    ["%", "%%", "%4", "%41", "%e5", "%E5%BF%AB", "%FF", "%0A", "%0d", "%3D", "%26", "=", "==", "=3D", "=\n", "&", "+",
     "\n", "\r\n", " ", "a", "41", "_", "快", "%zz", "% 1", "\x00", "%u0041"]
)  # fmt: skip


def slowly(body):
    try:
        fields = parse_qs(body.decode("utf-8", "surrogatepass"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


@given(st.lists(PIECES, max_size=30).map("".join))
def test_forms_made_of_odd_pieces_are_read_as_urllib_reads_them(text):
    assert read_form(text.encode()) == slowly(text.encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_as_urllib_reads_them(body):
    assert read_form(body) == slowly(body)


@given(st.dictionaries(st.text(), st.text(), max_size=5))
def test_what_was_encoded_comes_back(fields):
    encodable = {
        k.encode("utf-8", "replace").decode(): v.encode("utf-8", "replace").decode() for k, v in fields.items()
    }
    assert read_form(urlencode(encodable).encode()) == encodable


@pytest.mark.parametrize(("count", "read"), [(MOST_FIELDS, MOST_FIELDS), (MOST_FIELDS + 1, 0)])
def test_too_many_fields_are_no_form(count, read):
    assert len(read_form("&".join(f"f{n}={quote('签收')}" for n in range(count)).encode())) == read
