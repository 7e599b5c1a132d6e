"""winmail.dat: words and files come out, whatever is broken stays whole."""

from __future__ import annotations

import random
import struct
import tracemalloc

import pytest

from notifications.inbound.parsing import parse_mail
from notifications.inbound.rtf import rtf_to_text, unpack_rtf
from notifications.inbound.tnef import unpack_tnef
from tests.notifications import tnef_maker as make
from tests.notifications.odd_mails import B64, PNG, multi, part

# The two examples of MS-OXRTFCP, section 3.
HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 0af32068656c090020627705b06c647d0a800fa0".replace(
        " ", ""
    )
)
CROSSING = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")


def test_packed_rtf_of_the_specification() -> None:
    assert unpack_rtf(HELLO) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert unpack_rtf(CROSSING) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
    assert rtf_to_text(unpack_rtf(HELLO)) == "hello world"
    assert unpack_rtf(make.rtf("您好"))[-4:] == b"par}"[-4:]
    assert unpack_rtf(b"") == unpack_rtf(b"\x00" * 40) == b""


def test_words_of_an_rtf() -> None:
    page = rb"{\rtf1\ansi\ansicpg936{\*\generator x;}{\stylesheet{\s0 Normal;}}\pard \'c4\'fa\'ba\'c3"
    page += rb"\par\u36864 ?\u-29401 ?\{1\}}"
    assert rtf_to_text(page) == "您好\n退货{1}"
    assert rtf_to_text(rb"{\rtf1 {\*\htmltag64 <p>}\htmlrtf \par \htmlrtf0 hi{\*\htmltag72 </p>}}") == "hi"
    assert rtf_to_text(b"}}}{{{\\") == ""


def test_files_and_words_come_out() -> None:
    data = make.stream(
        make.codepage(),
        make.body("您好，请看附件"),
        make.message(make.named("x"), make.many(0x6001, [1, 2, 3]), make.number(0x3FDE, 936)),
        make.file("FAPIAO~1.PDF", b"%PDF-1.4", long_name="发票.pdf", mime="application/pdf"),
        make.file("图.png", PNG, mime="image/png", content_id="pic1@x"),
    )
    mail = unpack_tnef(data)
    assert mail is not None
    assert (mail.text, [file.name for file in mail.files]) == ("您好，请看附件", ["发票.pdf", "图.png"])
    assert mail.files[0].content == b"%PDF-1.4"
    whole = parse_mail(multi("tnef", "mixed", part("application/ms-tnef; name=winmail.dat", B64(data), "base64")))
    assert whole.text == "您好，请看附件"
    assert [(file.name, file.is_inline) for file in whole.attachments] == [("发票.pdf", False), ("图.png", True)]


def test_words_beside_it_are_not_said_twice() -> None:
    data = make.stream(make.body("again"), make.file("a.txt", b"x"))
    mail = parse_mail(
        multi("t", "mixed", part("text/plain", b"once"), part("application/vnd.ms-tnef", B64(data), "base64"))
    )
    assert (mail.text, [file.name for file in mail.attachments]) == ("once", ["a.txt"])


def test_words_in_html_in_rtf_and_in_a_mail_within() -> None:
    html = make.stream(make.message(make.number(0x3FDE, 65001), make.binary(0x1013, "<p>退货</p>".encode())))
    packed = make.stream(make.message(make.binary(0x1009, make.rtf("只有 RTF：退货"))))
    within = make.stream(make.file("转发", b"", inner=make.stream(make.body("里面"), make.file("b.txt", b"y"))))
    assert unpack_tnef(html).html == "<p>退货</p>"
    assert unpack_tnef(packed).text == "只有 RTF：退货"
    assert [(file.name, file.content) for file in unpack_tnef(within).files] == [
        ("转发.txt", "里面".encode()),
        ("b.txt", b"y"),
    ]


def test_broken_ones_stay_files() -> None:
    assert unpack_tnef(b"") is None
    assert unpack_tnef(b"PK\x03\x04 no tnef") is None
    mail = parse_mail(multi("b", "mixed", part("application/ms-tnef; name=winmail.dat", b"eJ8+Ig==", "base64")))
    assert [file.name for file in mail.attachments] == ["winmail.dat"]


def test_depth_is_bounded() -> None:
    data = make.stream(make.body("innermost"))
    for _ in range(12):
        data = make.stream(make.file("x", b"", inner=data))
    assert unpack_tnef(data) is not None


@pytest.mark.parametrize("seed", range(4))
def test_spoiled_bytes_never_raise(seed: int) -> None:
    dice = random.Random(seed)
    good = make.stream(
        make.codepage(), make.body("您好"), make.message(make.named("k"), make.binary(0x1009, make.rtf("您好"))),
        make.file("a.png", PNG, long_name="图片.png", mime="image/png", inner=make.stream(make.body("x"))),
    )  # fmt: skip
    for _ in range(300):
        data = bytearray(good)
        for _spoil in range(dice.randint(1, 12)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        unpack_tnef(bytes(data[: dice.randint(0, len(data))] if dice.random() < 0.3 else data))


def _peak(data: bytes) -> int:
    """Return the most memory reading took at one time, beyond what was there before."""
    tracemalloc.start()
    try:
        unpack_tnef(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_property_of_very_many_values_costs_no_more_memory_than_the_mail_is_long() -> None:
    count = 200_000
    numbers = struct.pack("<HHI", 0x1003, 0x6001, count) + bytes(4 * count)
    texts = struct.pack("<HHI", 0x101F, 0x6002, count) + bytes(4 * count)
    for many in (numbers, texts):
        data = make.stream(make.message(many, make.unicode(0x1000, "在后面")))
        assert _peak(data) < 3 * len(data)
        found = unpack_tnef(data)
        assert found is not None
        assert found.text == "在后面"  # what follows the many values is read


def test_a_number_of_values_the_mail_cannot_hold_ends_the_reading() -> None:
    for kind in (0x1003, 0x1014, 0x1048, 0x101F, 0x1102, 0x1E, 0x0D):
        lie = struct.pack("<HHI", kind, 0x6001, 0xFFFFFFFF) + bytes(400)
        found = unpack_tnef(make.stream(make.codepage(), make.message(make.unicode(0x1000, "前面"), lie)))
        assert found is not None
        assert found.text == "前面", hex(kind)
