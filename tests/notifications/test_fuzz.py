"""Spoiled mails: cut, shuffled, with foreign bytes. The parser answers in time and never raises."""

from __future__ import annotations

import random
import time

import pytest

from notifications.inbound.parsing import parse_mail
from notifications.inbound.sorting import digest_of, head_of, sort_mail
from tests.notifications.letters import Facts, letters

FACTS = Facts(1, "li@customer.example", "<a@b>", "<c@b>", "<ticket.1.a@b>", "reply+1.a@b", "reply+1.b@b", "mark")
PIECES = (
    b"\r\n\r\n",
    b"--b\r\n",
    b"\x00",
    b"\xff\xfe",
    b"=?utf-8?B?",
    b"Content-Type: multipart/mixed;",
    b'"',
    b";",
    b"\r",
)


def spoil(raw: bytes, dice: random.Random) -> bytes:
    """Return the mail with some of its bytes changed, cut out, doubled or put elsewhere."""
    data = bytearray(raw[:60_000])
    for _ in range(dice.randint(1, 8)):
        place = dice.randrange(len(data) + 1)
        match dice.randrange(5):
            case 0:
                data[place : place + dice.randint(0, 40)] = b""
            case 1:
                data[place:place] = dice.choice(PIECES)
            case 2:
                data[place : place + 1] = bytes([dice.randrange(256)])
            case 3:
                other = dice.randrange(len(data) + 1)
                data[place:place] = data[other : other + dice.randint(0, 200)]
            case _:
                del data[dice.randint(0, len(data)) :]
    return bytes(data)


def read(raw: bytes) -> None:
    begun = time.monotonic()
    mail = parse_mail(raw)
    head = head_of(raw)
    sort_mail(mail, head, sender="a@b.example", to_bounce=False, is_reply=False, own_mark="mark")
    digest_of(raw, head, "care@service.example")
    for words in (mail.subject, mail.text, mail.html, mail.from_name, mail.from_address, mail.message_id):
        assert "\x00" not in words
        words.encode("utf-8")
    for file in mail.attachments:
        assert "/" not in file.name
        file.name.encode("utf-8")
    assert time.monotonic() - begun < 5


def test_a_few_spoiled_mails() -> None:
    dice = random.Random(7)
    for letter in list(letters(FACTS))[::6]:
        read(spoil(letter.raw, dice))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_thousands_of_spoiled_mails(seed: int) -> None:
    dice = random.Random(seed)
    for letter in letters(FACTS):
        for _ in range(4 if len(letter.raw) < 20_000 else 1):
            read(spoil(letter.raw, dice))
