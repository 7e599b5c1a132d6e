"""The corpus: odd mails with where each must end up. Structures have names; outcomes are those of the received-mail page.

`outcome`: "ticket" (a new one), "joined" (in the ticket of Facts), or "<state>:<reason or kind>" of the row.
"""

# ruff: noqa: E501 - one mail a line reads best

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from tests.notifications import tnef_maker as tnef
from tests.notifications.odd_mails import B64, PNG, ZH, Odd, head, joined, multi, odd_mails, part, plain, word

CARE, HELP, SALE = "care@service.example", "help@shop.example", "sale@service.example"


@dataclass(frozen=True)
class Facts:
    """What the letters refer to: the customer's ticket, our answer in it, signed and forged names of it."""

    ticket_id: int
    customer: str
    answer_id: str  # <…>
    asked_id: str
    thread: str
    reply_to: str
    forged_reply: str
    loop_mark: str


@dataclass(frozen=True)
class Letter:
    """A mail, the door it comes by ("smtp" or "imap"), and what must become of it."""

    name: str
    structure: str
    raw: bytes
    outcome: str = "ticket"
    door: str = ""
    sender: str = "someone@customer.example"  # of the envelope; empty for reports
    to: tuple[str, ...] = (CARE,)
    text: str = ""
    quoted: str = ""
    files: tuple[str, ...] = ()
    subject: str = ""


NOBODY = "quarantined:no_sender"
ODD_OUTCOMES = {
    **dict.fromkeys(["header-bomb", "header-megabyte", "content-type-bomb"], "quarantined:header_bomb"),
    **dict.fromkeys(["nested-60", "nested-900"], "quarantined:too_deep"),
    "parts-800": "quarantined:too_many_parts",
    **dict.fromkeys(["no-from", "from-rubbish", "from-group", "only-body", "empty", "newlines", "binary"], NOBODY),
}
BY_IMAP = frozenset({"header-megabyte", "header-bomb", "content-type-bomb", "cr-only", "empty", "binary", "newlines"})


def letters(facts: Facts) -> Iterator[Letter]:
    """Yield the corpus, every letter from a sender of its own unless it says otherwise."""
    for number, one in enumerate(_all(facts), start=1):
        raw = one.raw.replace(b"wang@customer.example", b"wang%d@customer.example" % number, 1)
        door = one.door or ("imap" if number % 3 == 0 else "smtp")
        yield replace(one, raw=raw, door=door)


def _all(facts: Facts) -> Iterator[Letter]:
    for odd in odd_mails():
        yield _of_odd(odd)
    yield from _charsets()
    yield from _file_names()
    yield from _orders()
    yield from _outlook()
    yield from _secured()
    yield from _headers()
    yield from _bodies()
    yield from _answers(facts)
    yield from _machines(facts)
    yield from _reports(facts)
    yield from _several(facts)


def _of_odd(odd: Odd) -> Letter:
    outcome = ODD_OUTCOMES.get(odd.name, "ticket")
    is_reading = outcome == "ticket"
    return Letter(
        odd.name, odd.structure, odd.raw, outcome, "imap" if odd.name in BY_IMAP else "",
        text=odd.text if is_reading and len(odd.text) > 3 else "", subject=odd.subject if is_reading else "",
    )  # fmt: skip


def _charsets() -> Iterator[Letter]:
    russian, korean, japanese = "Где мой заказ?", "주문이 도착하지 않았습니다", "商品がまだ届きません"
    samples = [
        ("koi8-r", russian, "koi8-r"), ("windows-1251", russian, "windows-1251"), ("euc-kr", korean, "euc-kr"),
        ("ks_c_5601-1987", korean, "euc-kr"), ("iso-2022-kr", korean, "iso-2022-kr"), ("shift_jis", japanese, "shift_jis"),
        ("x-sjis", japanese, "cp932"), ("euc-jp", japanese, "euc-jp"), ("hz-gb-2312", "我要退货", "hz"),
        ("utf-7", "我要退货 & more", "utf-7"), ("utf-16le", ZH, "utf-16-le"), ("utf-32", ZH, "utf-32"),
        ("big5", "請問訂單什麼時候到，香港嘅", "big5hkscs"), ("windows-1252", "It’s “late” – again", "cp1252"),
        ("iso-8859-1", "It’s “late”", "cp1252"), ("iso-8859-15", "19,90 €", "iso-8859-15"), ("tis-620", "สวัสดี", "cp874"),
        ("windows-1256", "مرحبا", "cp1256"), ("windows-1255", "שלום", "cp1255"), ("GB2312", "朱镕基的訂單", "gb18030"),
        ("cp936", ZH, "gbk"), ("unicode-1-1-utf-7", "我要退货", "utf-7"),
    ]  # fmt: skip
    for name, words, codec in samples:
        raw = plain(f"charset-{name}", B64(words.encode(codec)), f"text/plain; charset={name}", "base64")
        yield Letter(f"charset-{name}", "single", raw, text=words)
    long = "订单什么时候到？我已经等了很久了"
    for wrong in ("gbk", "iso-8859-1", "windows-1252", "gb18030"):
        raw = plain(f"utf8-as-{wrong}", long.encode(), f"text/plain; charset={wrong}")
        yield Letter(f"utf8-as-{wrong}", "mislabelled", raw, text=long)
    half = long.encode("gbk")[:-1]
    yield Letter("gbk-cut-in-a-letter", "mislabelled", plain("cut", half, "text/plain; charset=gbk"), text=long[:-2])
    mixed = "订单".encode("gbk") + "没到".encode()
    yield Letter("two-charsets-in-one", "mislabelled", plain("two", mixed, "text/plain; charset=utf-8"))
    bom = b"\xef\xbb\xbf" + ZH.encode()
    yield Letter("bom", "single", plain("bom", bom), text=ZH)


def _file_names() -> Iterator[Letter]:
    def with_file(
        name: str, disposition: str, kind: str = "application/zip", content: bytes = b"PK\x05\x06" + bytes(18)
    ) -> bytes:
        body = part(kind, B64(content), "base64", Content_Disposition=disposition)
        return multi(name, "mixed", part("text/plain; charset=utf-8", ZH.encode()), body)

    def raw_8bit(name: str, codec: str) -> bytes:
        return with_file(name, "attachment; filename=QQQ.zip").replace(b"QQQ", "发票".encode(codec))

    zip_name = ("发票.zip",)
    yield Letter("name-raw-gbk", "name-raw", raw_8bit("nrg", "gbk"), text=ZH, files=zip_name)
    yield Letter("name-raw-utf8", "name-raw", raw_8bit("nru", "utf-8"), text=ZH, files=zip_name)
    yield Letter(
        "name-2231-gbk",
        "name-2231",
        with_file("n2g", f"attachment; filename*=gbk''{quote('发票.zip', encoding='gbk')}"),
        files=zip_name,
    )
    yield Letter(
        "name-2231-and-plain",
        "name-2231",
        with_file("n2p", f"attachment; filename=invoice.zip; filename*=utf-8''{quote('发票.zip')}"),
        files=zip_name,
    )
    yield Letter(
        "name-2047-b",
        "name-2047",
        with_file("n2b", f'attachment; filename="{word("发票.zip", "utf-8")}"'),
        files=zip_name,
    )
    yield Letter(
        "name-2047-q",
        "name-2047",
        with_file("n2q", f'attachment; filename="{word("发票.zip", "gbk", "Q")}"'),
        files=zip_name,
    )
    yield Letter(
        "name-2047-bare",
        "name-2047",
        with_file("n2x", f"attachment; filename={word('发票.zip', 'utf-8')}"),
        files=zip_name,
    )
    halves = " ".join(f"=?utf-8?B?{base64.b64encode(piece).decode()}?=" for piece in ("发票".encode(), b".zip"))
    yield Letter("name-2047-two", "name-2047", with_file("n2t", f'attachment; filename="{halves}"'), files=zip_name)
    yield Letter(
        "name-in-type-only",
        "name-in-type",
        with_file("nit", "attachment", kind=f'application/zip; name="{word("发票.zip", "gbk")}"'),
        files=zip_name,
    )
    yield Letter("name-missing", "name-missing", with_file("nm", "attachment"), files=("attachment-1.zip",))
    yield Letter("name-quoted-backslash", "name-odd", with_file("nqb", r'attachment; filename="a\"b.zip"'))
    yield Letter(
        "name-slashes", "name-odd", with_file("nsl", r'attachment; filename="C:\\Users\\me\\发票.zip"'), files=zip_name
    )
    yield Letter("name-right-to-left", "name-odd", with_file("nrl", "attachment; filename*=utf-8''%E2%80%AEgpj.zip"))
    yield Letter("name-huge", "name-odd", with_file("nhu", f'attachment; filename="{"长" * 2000}.zip"'))
    yield Letter("name-only-dots", "name-odd", with_file("ndo", 'attachment; filename="..."'))
    yield Letter("name-empty", "name-odd", with_file("nem", 'attachment; filename=""'))
    yield Letter("name-crlf", "name-odd", with_file("ncr", "attachment; filename*=utf-8''a%0D%0Ab.zip"))


def _orders() -> Iterator[Letter]:
    text, page = (
        part("text/plain; charset=utf-8", ZH.encode()),
        part("text/html; charset=utf-8", f'<p>{ZH}</p><img src="cid:pic1">'.encode()),
    )
    picture = part("image/png", B64(PNG), "base64", Content_ID="<pic1>", Content_Disposition='inline; filename="a.png"')
    pdf = part("application/pdf", B64(b"%PDF-1.4 x"), "base64", Content_Disposition='attachment; filename="b.pdf"')

    def sub(kind: str, mark: str, *parts: bytes) -> bytes:
        return f'Content-Type: multipart/{kind}; boundary="{mark}"\r\n\r\n'.encode() + joined(mark, *parts)

    yield Letter(
        "o1",
        "related(alternative)",
        multi("o1", "related", sub("alternative", "a", text, page), picture),
        text=ZH,
        files=("a.png",),
    )
    yield Letter(
        "o2",
        "mixed(related(alternative))",
        multi("o2", "mixed", sub("related", "r", sub("alternative", "a", text, page), picture), pdf),
        text=ZH,
        files=("a.png", "b.pdf"),
    )
    yield Letter(
        "o3",
        "alternative(mixed)",
        multi("o3", "alternative", text, sub("mixed", "m", page, pdf)),
        text=ZH,
        files=("b.pdf",),
    )
    yield Letter(
        "o4",
        "alternative(related-picture-first)",
        multi("o4", "alternative", text, sub("related", "r", picture, page)),
        text=ZH,
    )
    yield Letter("o5", "related(html)", multi("o5", "related", page, picture), text=ZH, files=("a.png",))
    yield Letter("o6", "alternative-html-first", multi("o6", "alternative", page, text), text=ZH)
    yield Letter("o7", "mixed-file-first", multi("o7", "mixed", pdf, text), text=ZH, files=("b.pdf",))
    yield Letter(
        "o8",
        "apple-text-picture-text",
        multi("o8", "mixed", text, picture, part("text/plain; charset=utf-8", "第二段".encode())),
        text="第二段",
        files=("a.png",),
    )
    yield Letter(
        "o9", "mixed-html-parts", multi("o9", "mixed", page, part("text/html", b"<p>more</p>"), pdf), text="more"
    )
    yield Letter(
        "o10",
        "picture-without-cid",
        multi("o10", "related", page, part("image/png", B64(PNG), "base64", Content_Location="http://x/a.png")),
        text=ZH,
    )
    yield Letter("o11", "cid-never-shown", multi("o11", "mixed", text, picture), text=ZH, files=("a.png",))
    yield Letter(
        "o12", "same-cid-twice", multi("o12", "related", page, picture, picture), text=ZH, files=("a.png", "a.png")
    )
    yield Letter(
        "o13",
        "only-picture-in-html",
        multi("o13", "related", part("text/html", b'<img src="cid:pic1">'), picture),
        files=("a.png",),
    )
    yield Letter(
        "o14",
        "digest",
        multi("o14", "digest", b"\r\n" + plain("first", b"one"), b"\r\n" + plain("second", b"two")),
        files=("first.eml", "second.eml"),
    )
    yield Letter("o15", "parallel", multi("o15", "parallel", text, pdf), text=ZH, files=("b.pdf",))
    yield Letter("o16", "form-data", multi("o16", "form-data", text, pdf), text=ZH, files=("b.pdf",))
    yield Letter("o17", "nested-same-boundary", multi("o17", "mixed", sub("alternative", "b", text, page)))
    yield Letter(
        "o18",
        "two-alternatives",
        multi(
            "o18",
            "mixed",
            sub("alternative", "x", text, page),
            sub("alternative", "y", part("text/plain", b"more"), part("text/html", b"<p>more</p>")),
        ),
        text="more",
    )
    yield Letter("o19", "nested-50", _deep(45), text="最里面")
    yield Letter(
        "o20",
        "rfc822-in-rfc822",
        multi(
            "o20",
            "mixed",
            text,
            b"Content-Type: message/rfc822\r\n\r\n"
            + multi("inner", "mixed", text, b"Content-Type: message/rfc822\r\n\r\n" + plain("deepest", b"x")),
            boundary="outer",
        ),
        text=ZH,
        files=("inner.eml",),
    )
    yield Letter(
        "o21",
        "rfc822-base64",
        multi("o21", "mixed", text, part("message/rfc822", B64(plain("inside", b"x")), "base64")),
        text=ZH,
    )
    yield Letter(
        "o22", "boundary-with-blanks", multi("o22", "mixed", text, pdf, boundary="= a b ="), text=ZH, files=("b.pdf",)
    )
    yield Letter(
        "o23",
        "preamble",
        multi("o23", "mixed", text).replace(b"\r\n\r\n--b", b"\r\n\r\nThis is a multi-part message.\r\n--b", 1),
        text=ZH,
    )


def _deep(levels: int) -> bytes:
    body = part("text/plain; charset=utf-8", "最里面".encode())
    for level in range(levels):
        body = f'Content-Type: multipart/mixed; boundary="d{level}"\r\n\r\n'.encode() + joined(f"d{level}", body)
    return head(Subject="deep", Message_ID=f"<deep{levels}@x.example>", MIME_Version="1.0") + body


def _outlook() -> Iterator[Letter]:
    def winmail(
        name: str, data: bytes, text: bytes = b"", kind: str = "application/ms-tnef; name=winmail.dat"
    ) -> bytes:
        parts = [part("text/plain; charset=utf-8", text)] if text else []
        return multi(name, "mixed", *parts, part(kind, B64(data), "base64"))

    invoice = tnef.file("FAPIAO~1.PDF", b"%PDF-1.4 x", long_name="发票.pdf", mime="application/pdf")
    yield Letter("w1", "tnef-files", winmail("w1", tnef.stream(invoice), ZH.encode()), text=ZH, files=("发票.pdf",))
    yield Letter(
        "w2",
        "tnef-text",
        winmail("w2", tnef.stream(tnef.codepage(), tnef.body(ZH), invoice)),
        text=ZH,
        files=("发票.pdf",),
    )
    html = tnef.message(tnef.number(0x3FDE, 65001), tnef.binary(0x1013, f"<p>{ZH}</p>".encode()))
    yield Letter("w3", "tnef-html", winmail("w3", tnef.stream(html)), text=ZH)
    yield Letter("w4", "tnef-rtf", winmail("w4", tnef.stream(tnef.message(tnef.binary(0x1009, tnef.rtf(ZH))))), text=ZH)
    inner = tnef.stream(tnef.body("里面的话"), tnef.file("c.pdf", b"%PDF-1.4 y"))
    yield Letter(
        "w5",
        "tnef-nested",
        winmail("w5", tnef.stream(tnef.file("转发", b"", inner=inner)), ZH.encode()),
        text=ZH,
        files=("转发.txt", "c.pdf"),
    )
    yield Letter(
        "w6",
        "tnef-by-name",
        winmail("w6", tnef.stream(invoice), ZH.encode(), "application/octet-stream; name=winmail.dat"),
        text=ZH,
        files=("发票.pdf",),
    )
    yield Letter("w7", "tnef-cut", winmail("w7", tnef.stream(invoice, invoice)[:-90], ZH.encode()), text=ZH)
    yield Letter(
        "w8",
        "tnef-alone",
        head(
            Subject="w8",
            Message_ID="<w8@x.example>",
            MIME_Version="1.0",
            Content_Type="application/ms-tnef",
            Content_Transfer_Encoding="base64",
        )
        + b"\r\n"
        + B64(tnef.stream(tnef.body(ZH))),
        text=ZH,
    )


def _secured() -> Iterator[Letter]:
    text = part("text/plain; charset=utf-8", ZH.encode())
    signature = part(
        'application/pkcs7-signature; name="smime.p7s"',
        B64(b"0\x82"),
        "base64",
        Content_Disposition="attachment; filename=smime.p7s",
    )
    yield Letter("s1", "smime-signed", multi("s1", "signed", text, signature), text=ZH)
    opaque = head(
        Subject="s2",
        Message_ID="<s2@x.example>",
        MIME_Version="1.0",
        Content_Type='application/pkcs7-mime; smime-type=signed-data; name="smime.p7m"',
        Content_Transfer_Encoding="base64",
        Content_Disposition="attachment; filename=smime.p7m",
    )
    yield Letter("s2", "smime-opaque", opaque + b"\r\n" + B64(b"0\x82\x01"))
    yield Letter(
        "s3",
        "pgp-signed",
        multi(
            "s3",
            "signed",
            text,
            part("application/pgp-signature", b"-----BEGIN PGP SIGNATURE-----\r\nx\r\n-----END PGP SIGNATURE-----"),
        ),
        text=ZH,
    )
    yield Letter(
        "s4",
        "pgp-encrypted",
        multi(
            "s4",
            "encrypted",
            part("application/pgp-encrypted", b"Version: 1"),
            part(
                "application/octet-stream; name=encrypted.asc",
                b"-----BEGIN PGP MESSAGE-----\r\nx\r\n-----END PGP MESSAGE-----",
            ),
        ),
    )
    yield Letter(
        "s5",
        "pgp-inline",
        plain(
            "s5",
            b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nhello there\r\n-----BEGIN PGP SIGNATURE-----\r\nx\r\n-----END PGP SIGNATURE-----",
        ),
        text="hello there",
    )
    invite = part(
        'text/calendar; method=REQUEST; charset=utf-8; name="invite.ics"', b"BEGIN:VCALENDAR\r\nEND:VCALENDAR"
    )
    yield Letter("s6", "invite-as-file", multi("s6", "mixed", text, invite), text=ZH)
    yield Letter(
        "s7", "invite-alone", plain("s7", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR", "text/calendar; method=REQUEST")
    )
    yield Letter(
        "s8",
        "vcard",
        multi("s8", "mixed", text, part('text/vcard; name="wang.vcf"', b"BEGIN:VCARD\r\nEND:VCARD")),
        text=ZH,
    )
    yield Letter(
        "s9", "voice", multi("s9", "mixed", text, part("audio/amr; name=a.amr", B64(b"#!AMR\n"), "base64")), text=ZH
    )
    yield Letter(
        "s10",
        "empty-files",
        multi(
            "s10",
            "mixed",
            text,
            *[
                part("application/pdf", b"", "base64", Content_Disposition=f"attachment; filename=e{n}.pdf")
                for n in range(3)
            ],
        ),
        text=ZH,
    )


def _headers() -> Iterator[Letter]:
    def twice(name: str, line: bytes) -> bytes:
        return line + b"\r\n" + plain(name, ZH.encode())

    yield Letter("h1", "header-twice", twice("h1", b"Subject: other"), text=ZH)
    yield Letter("h2", "header-twice", twice("h2", b"From: first@customer.example"), text=ZH)
    yield Letter("h3", "header-twice", twice("h3", b"Message-ID: <h3b@x.example>"), text=ZH)
    yield Letter("h4", "header-twice", twice("h4", b"Content-Transfer-Encoding: 8bit"), text=ZH)
    yield Letter("h5", "date-missing", plain("h5", ZH.encode(), Date=""), text=ZH)
    yield Letter("h6", "date-future", plain("h6", ZH.encode(), Date="Fri, 1 Jan 2999 00:00:00 +0000"), text=ZH)
    yield Letter("h7", "date-past", plain("h7", ZH.encode(), Date="Thu, 1 Jan 1970 00:00:00 +0000"), text=ZH)
    yield Letter(
        "h8",
        "recipients-2000",
        plain("h8", ZH.encode(), To=", ".join(f"a{n}@b.example" for n in range(2000))[:60000]),
        text=ZH,
        door="imap",
    )
    yield Letter("h9", "recipients-hidden", plain("h9", ZH.encode(), To="undisclosed-recipients:;"), text=ZH)
    yield Letter("h10", "no-recipients", plain("h10", ZH.encode(), To=""), text=ZH)
    yield Letter("h11", "id-odd", plain("h11", ZH.encode(), Message_ID="<spaces in id@x>"), text=ZH)
    yield Letter("h12", "id-odd", plain("h12", ZH.encode(), Message_ID="<" + "i" * 600 + "@x>"), text=ZH)
    yield Letter("h13", "id-odd", plain("h13", ZH.encode(), Message_ID="<中文@x.example>"), text=ZH)
    yield Letter("h14", "no-id", plain("h14", ZH.encode() + b" 14", Message_ID=""), text=ZH)
    yield Letter("h15", "no-id", plain("h15", ZH.encode() + b" 15", Message_ID="", Date="", Subject=""), text=ZH)
    yield Letter(
        "h16", "subject-odd", plain("h16", b"hello there", Subject="=?utf-8?B?###?= =?x?y?z?="), text="hello there"
    )
    yield Letter(
        "h17",
        "subject-odd",
        plain("h17", b"hello there", Subject="=?utf-8?Q?=E9=80?= =?utf-8?Q?=80=E8=B4=A7?="),
        subject="退货",
    )
    yield Letter("h18", "subject-odd", plain("h18", b"hello there", Subject="\t \t"), text="hello there")
    yield Letter(
        "h19",
        "subject-odd",
        plain("h19", b"hello there", Subject="<script>alert(1)</script>\r\n folded"),
        text="hello there",
    )
    yield Letter(
        "h20", "from-odd", plain("h20", ZH.encode(), From='"wang@evil.example" <wang@customer.example>'), text=ZH
    )
    yield Letter("h21", "from-odd", plain("h21", ZH.encode(), From="wang@customer.example (Wang)"), text=ZH)
    yield Letter("h22", "from-odd", plain("h22", ZH.encode(), From="Wang wang@customer.example"), text=ZH)
    yield Letter(
        "h23", "from-odd", plain("h23", ZH.encode(), From="wang@customer.example, li@customer.example"), text=ZH
    )
    yield Letter("h24", "from-idn", plain("h24", ZH.encode(), From="Wang <wang@例子.example>"), text=ZH)
    yield Letter("h25", "sender-only", plain("h25", ZH.encode(), From="", Sender="wang@customer.example"), text=ZH)
    yield Letter(
        "h26",
        "headers-1000",
        plain("h26", ZH.encode(), **{f"X-{n}": "y" * 40 for n in range(1000)}),
        text=ZH,
        door="imap",
    )
    yield Letter("h27", "header-8bit-name", b"X-\xff\xfe: 1\r\n" + plain("h27", ZH.encode()), door="imap")
    yield Letter("h28", "tab-folding", plain("h28", ZH.encode(), Subject="a\r\n\tb\r\n\tc"), text=ZH, subject="a b c")
    yield Letter(
        "h29", "mbox-line", b"From wang@customer.example Sat Nov 21 10:00:00 2026\r\n" + plain("h29", ZH.encode())
    )
    yield Letter(
        "h30",
        "loop-of-received",
        b"".join(b"Received: from a by b; Sat, 21 Nov 2026 10:00:00 +0800\r\n" for _ in range(150))
        + plain("h30", ZH.encode()),
        text=ZH,
    )


def _bodies() -> Iterator[Letter]:
    yield Letter(
        "b1", "qp-broken", plain("b1", b"=E6=82=A8=E5=A5=BD =XX =\r\nsoft=\r\n", cte="quoted-printable"), text="您好"
    )
    yield Letter(
        "b2", "qp-in-base64-name", plain("b2", quopri.encodestring(ZH.encode()), cte="Quoted-Printable "), text=ZH
    )
    yield Letter(
        "b3", "base64-rubbish", plain("b3", b"!!" + B64(ZH.encode()).replace(b"\r\n", b"**\r\n"), cte="base64"), text=ZH
    )
    yield Letter("b4", "base64-pieces", plain("b4", b"5oKo\r\n5aW9==\r\n5oKo5aW9", cte="base64"), text="您好")
    yield Letter("b5", "base64-upper", plain("b5", B64(ZH.encode()), cte="BASE64"), text=ZH)
    yield Letter("b6", "no-words", plain("b6", b""))
    yield Letter("b7", "no-words", plain("b7", b" \r\n\t\r\n"))
    yield Letter(
        "b8",
        "html-styles",
        plain(
            "b8",
            f"<html><head><style>p{{color:red}}</style></head><body><p style='display:none'>hidden</p><p>{ZH}</p></body>".encode(),
            "text/html; charset=utf-8",
        ),
        text=ZH,
    )
    yield Letter(
        "b9",
        "html-scripts",
        plain(
            "b9",
            f"<img src=x onerror=alert(1)><script>1</script><p>{ZH}</p><svg/onload=alert(2)>".encode(),
            "text/html; charset=utf-8",
        ),
        text=ZH,
    )
    yield Letter(
        "b10",
        "html-table",
        plain("b10", f"<table><tr><td>订单</td><td>A1</td></tr></table><p>{ZH}".encode(), "text/html; charset=utf-8"),
        text=ZH,
    )
    yield Letter(
        "b11",
        "html-unclosed",
        plain("b11", f"<div><p><b>{ZH}<table><tr>".encode(), "text/html; charset=utf-8"),
        text=ZH,
    )
    yield Letter("b12", "html-called-plain", plain("b12", f"<p>{ZH}</p>".encode(), "text/plain; charset=utf-8"))
    yield Letter("b13", "plain-called-html", plain("b13", f"{ZH}\r\na < b".encode(), "text/html; charset=utf-8"))
    yield Letter(
        "b14",
        "uuencode-inline",
        plain("b14", ZH.encode() + b"\r\nbegin 644 a.txt\r\n%:&5L;&\\\r\n`\r\nend\r\n"),
        text=ZH,
    )
    yield Letter(
        "b15",
        "yenc-inline",
        plain("b15", ZH.encode() + b"\r\n=ybegin line=128 size=3 name=a\r\nabc\r\n=yend size=3\r\n"),
        text=ZH,
    )
    yield Letter("b16", "emoji", plain("b16", "收到了😀👍🏽 谢谢".encode()), text="收到了😀👍🏽")
    yield Letter("b17", "invisible", plain("b17", "订\u200b单\u202e没到\u2066".encode()), text="没到")
    yield Letter("b18", "surrogates", plain("b18", b"\xed\xa0\x80 " + "没到".encode()))
    yield Letter(
        "b19", "half-a-megabyte", plain("b19", ("很长的一行字。" * 12 + "\r\n").encode() * 3000), text="很长的一行字"
    )
    yield Letter("b20", "dots", plain("b20", b".\r\n..\r\nhello there\r\n.\r\n"), text="hello there")
    yield Letter("b21", "control-letters", plain("b21", b"a\x07b\x1b[31mhello there\x0c"), text="hello there")
    yield Letter("b22", "type-misspelt", plain("b22", ZH.encode(), "text/plan; charset=utf-8"))
    yield Letter("b23", "type-text-alone", plain("b23", ZH.encode(), "text"), text=ZH)
    yield Letter("b24", "charset-twice", plain("b24", ZH.encode(), 'text/plain; charset=utf-8; charset="gbk"'), text=ZH)
    yield Letter("b25", "rich-text", plain("b25", b"<bold>hello there</bold>", "text/enriched"))
    yield Letter("b26", "rtf-as-body", plain("b26", rb"{\rtf1 hello there}", "application/rtf"))
    yield Letter(
        "b27",
        "pdf-as-body",
        plain("b27", B64(b"%PDF-1.4 x"), "application/pdf; name=a.pdf", "base64"),
        files=("a.pdf",),
    )
    yield Letter("b28", "wrapped-urls", plain("b28", ("请看 https://shop.example/" + "a" * 3000).encode()))


def _answers(facts: Facts) -> Iterator[Letter]:
    fresh = "还是没收到，麻烦再查一下"
    mine = {"From": f"Li <{facts.customer}>"}
    answer = {
        **mine,
        "In-Reply-To": facts.answer_id,
        "References": f"{facts.thread} {facts.asked_id} {facts.answer_id}",
    }
    histories = {
        "qq": "------------------ 原始邮件 ------------------\r\n发件人: \"客服\" <care@service.example>;\r\n发送时间: 2026年11月20日(星期五) 上午10:00\r\n收件人: \"李\"<li@customer.example>;\r\n主题: 您的订单\r\n\r\n马上处理",
        "163": "在 2026-11-20 10:00:00，\"客服\" <care@service.example> 写道：\r\n\r\n> 马上处理",
        "163-new": "---- 回复的原邮件 ----\r\n| 发件人 | 客服 |\r\n| 日期 | 2026年11月20日 |\r\n马上处理",
        "foxmail": "\r\n发件人： 客服\r\n发送时间： 2026-11-20 10:00\r\n收件人： 李\r\n主题： 您的订单\r\n马上处理",
        "aliyun": "------------------------------------------------------------------\r\n发件人：客服 <care@service.example>\r\n发送时间：2026年11月20日(星期五) 10:00\r\n收件人：李 <li@customer.example>\r\n主　题：您的订单\r\n\r\n马上处理",
        "outlook": "________________________________\r\n发件人: 客服 <care@service.example>\r\n发送时间: 2026年11月20日 10:00\r\n收件人: 李\r\n主题: 您的订单\r\n\r\n马上处理",
        "outlook-en": "From: Care <care@service.example>\r\nSent: Friday, 20 November 2026 10:00\r\nTo: Li\r\nSubject: Your order\r\n\r\n马上处理",
        "outlook-old": "-----Original Message-----\r\nFrom: Care\r\nSent: Friday\r\n\r\n马上处理",
        "gmail": "On Fri, Nov 20, 2026 at 10:00 AM Care <care@service.example>\r\nwrote:\r\n\r\n> 马上处理",
        "gmail-zh": "客服 <care@service.example> 于2026年11月20日周五 10:00写道：\r\n\r\n> 马上处理",
        "apple": "> 在 2026年11月20日，上午10:00，客服 <care@service.example> 写道：\r\n> \r\n> 马上处理",
        "original-line": "-----原始邮件-----\r\n发件人:\"客服\" <care@service.example>\r\n发送时间:2026-11-20 10:00:00 (星期五)\r\n\r\n马上处理",
    }  # fmt: skip
    for name, history in histories.items():
        raw = plain(f"re-{name}", f"{fresh}\r\n\r\n{history}\r\n".encode(), Subject=f"Re: {name}", **answer)
        yield Letter(f"quote-{name}", f"quote-{name}", raw, "joined", text=fresh, quoted="马上处理")
    pages = {
        "gmail-html": f'<div dir="ltr">{fresh}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Fri, Nov 20, 2026 at 10:00 AM Care &lt;care@service.example&gt; wrote:<br></div><blockquote>马上处理</blockquote></div>',
        "qq-html": f'<div>{fresh}</div><div><br></div><div style="font-size:12px">------------------&nbsp;原始邮件&nbsp;------------------</div><div>发件人: "客服" &lt;care@service.example&gt;;</div><div>马上处理</div>',
        "outlook-html": f'<p class="MsoNormal">{fresh}</p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>发件人:</b> 客服 &lt;care@service.example&gt;<br><b>发送时间:</b> 2026年11月20日 10:00<br><b>收件人:</b> 李<br><b>主题:</b> 您的订单</p></div><p>马上处理</p>',
        "netease-html": f'<div>{fresh}</div><br><div>在 2026-11-20 10:00:00，"客服" &lt;care@service.example&gt; 写道：</div><blockquote id="isReplyContent">马上处理</blockquote>',
        "apple-html": f'<div>{fresh}</div><div><br><blockquote type="cite"><div>在 2026年11月20日，上午10:00，客服 &lt;care@service.example&gt; 写道：</div><br><div>马上处理</div></blockquote></div>',
    }  # fmt: skip
    for name, page in pages.items():
        raw = plain(f"re-{name}", page.encode(), "text/html; charset=utf-8", Subject=f"Re: {name}", **answer)
        yield Letter(f"quote-{name}", f"quote-{name}", raw, "joined", text=fresh, quoted="马上处理")
    only = {"In-Reply-To": facts.answer_id}
    yield Letter("answer-in-reply-to", "thread-own", plain("a1", fresh.encode(), **mine, **only), "joined", text=fresh)
    yield Letter(
        "answer-references",
        "thread-own",
        plain("a2", fresh.encode(), **mine, References=f"<x@y> {facts.answer_id}"),
        "joined",
        text=fresh,
    )
    yield Letter(
        "answer-to-first",
        "thread-own",
        plain("a3", fresh.encode(), **mine, References=facts.asked_id),
        "joined",
        text=fresh,
    )
    yield Letter(
        "answer-signed-address",
        "thread-signed",
        plain("a4", fresh.encode(), To=facts.reply_to),
        "joined",
        "smtp",
        to=(facts.reply_to,),
        text=fresh,
    )
    yield Letter(
        "answer-signed-address-imap",
        "thread-signed",
        plain("a5", fresh.encode(), To=facts.reply_to),
        "joined",
        "imap",
        text=fresh,
    )
    yield Letter(
        "answer-signed-reference",
        "thread-signed",
        plain("a6", fresh.encode(), References=facts.thread),
        "joined",
        text=fresh,
    )
    forged = facts.thread.replace(".", ".a", 2)
    yield Letter(
        "stranger-forged-reference", "thread-forged", plain("a7", fresh.encode(), References=forged), text=fresh
    )
    yield Letter("stranger-knows-our-id", "thread-forged", plain("a8", fresh.encode(), **only), text=fresh)
    yield Letter(
        "stranger-forged-address",
        "thread-forged",
        plain("a9", fresh.encode(), To=facts.forged_reply),
        door="imap",
        text=fresh,
    )
    yield Letter(
        "answer-unknown-thread", "thread-unknown", plain("a10", fresh.encode(), References="<a@b> <c@d>"), text=fresh
    )


def _machines(facts: Facts) -> Iterator[Letter]:
    signs: list[tuple[str, dict[str, str]]] = [
        ("auto-submitted", {"Auto-Submitted": "auto-replied"}), ("auto-generated", {"Auto-Submitted": "auto-generated; x=y"}),
        ("precedence-auto", {"Precedence": "auto_reply"}), ("precedence-bulk", {"Precedence": "bulk"}),
        ("precedence-junk", {"Precedence": "Junk"}), ("x-autoreply", {"X-Autoreply": "yes"}), ("x-autorespond", {"X-Autorespond": "x"}),
        ("subject-zh", {"Subject": word("自动回复：我在休假", "utf-8")}), ("subject-zh-mark", {"Subject": word("【自动回复】收到", "gbk")}),
        ("subject-zh-alone", {"Subject": word("自动回复", "utf-8")}), ("subject-en", {"Subject": "Automatic reply: your order"}),
        ("subject-ooo", {"Subject": "Out of Office AutoReply: order"}), ("subject-ja", {"Subject": word("自動返信：", "utf-8")}),
    ]  # fmt: skip
    for name, headers in signs:
        raw = plain(f"m-{name}", "我在休假，十一月三十日回来".encode(), **{"In-Reply-To": facts.answer_id, **headers})
        yield Letter(f"auto-{name}", "automatic", raw, "ignored:automatic")
    yield Letter("auto-null-sender", "automatic", plain("m1", ZH.encode()), "ignored:automatic", "smtp", sender="")
    yield Letter(
        "auto-asked-about",
        "about-automatic",
        plain("m2", ZH.encode(), Subject=word("自动回复功能不好用", "utf-8")),
        text=ZH,
    )
    yield Letter("auto-not-submitted", "about-automatic", plain("m3", ZH.encode(), Auto_Submitted="no"), text=ZH)
    yield Letter(
        "suppress-all", "wants-no-answer", plain("m4", ZH.encode(), **{"X-Auto-Response-Suppress": "All"}), text=ZH
    )
    yield Letter(
        "no-reply-sender", "wants-no-answer", plain("m5", ZH.encode(), From="Shop <no-reply@platform.example>"), text=ZH
    )
    yield Letter(
        "newsletter", "newsletter", plain("m6", ZH.encode(), List_Unsubscribe="<https://x.example/u>"), text=ZH
    )
    yield Letter("list-id", "list", plain("m7", ZH.encode(), List_Id="<news.x.example>"), "ignored:mailing_list")
    yield Letter("list-precedence", "list", plain("m8", ZH.encode(), Precedence="list"), "ignored:mailing_list")
    yield Letter(
        "list-but-signed",
        "list",
        plain("m9", ZH.encode(), To=facts.reply_to, List_Id="<x.y.z>"),
        "joined",
        "smtp",
        to=(facts.reply_to,),
    )
    yield Letter("loop-mark", "loop", plain("m10", ZH.encode(), X_Loop=facts.loop_mark), "ignored:own_mail")
    yield Letter("loop-our-id", "loop", plain("m11", ZH.encode(), Message_ID=facts.answer_id), "ignored:own_mail")
    yield Letter("loop-our-address", "loop", plain("m12", ZH.encode(), From=f"Care <{CARE}>"), "ignored:own_address")
    yield Letter("loop-strangers-mark", "loop", plain("m13", ZH.encode(), X_Loop="someone-else"), text=ZH)
    receipt = multi(
        "m14",
        "report; report-type=disposition-notification",
        part("text/plain", b"read"),
        part(
            "message/disposition-notification",
            b"Final-Recipient: rfc822;x@y\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n",
        ),
    )
    yield Letter("receipt", "receipt", receipt, "ignored:receipt")


def _reports(facts: Facts) -> Iterator[Letter]:
    copied = f"From: care@service.example\r\nMessage-ID: {facts.answer_id}\r\nSubject: x\r\n".encode()
    other = copied.replace(facts.answer_id.encode(), b"<not-ours@elsewhere.example>")
    daemon = {"From": "Mail Delivery <MAILER-DAEMON@mx.example>"}

    def dsn(
        name: str, original: bytes, *, status: str = "5.2.2", action: str = "failed", kind: str = "text/rfc822-headers"
    ) -> bytes:
        state = f"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; x@y.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        return multi(
            name,
            "report; report-type=delivery-status",
            part("text/plain", b"It did not work."),
            part("message/delivery-status", state.encode()),
            part(kind, original + b"\r\nbody"),
            **daemon,
        )

    bounced = "applied:bounce"
    yield Letter("dsn", "report-dsn", dsn("r1", copied), bounced, "smtp", sender="")
    yield Letter(
        "dsn-with-mail", "report-dsn-mail", dsn("r2", copied, kind="message/rfc822"), bounced, "smtp", sender=""
    )
    yield Letter("dsn-imap", "report-dsn", b"Return-Path: <>\r\n" + dsn("r3", copied), bounced, "imap", sender="")
    yield Letter(
        "dsn-delayed",
        "report-delay",
        dsn("r4", copied, status="4.4.1", action="delayed"),
        "ignored:delayed",
        "smtp",
        sender="",
    )
    yield Letter("dsn-strangers", "report-strange", dsn("r5", other), "ignored:unknown_message", "smtp", sender="")
    yield Letter(
        "dsn-without-original",
        "report-strange",
        multi(
            "r6",
            "report; report-type=delivery-status",
            part("text/plain", b"no"),
            part("message/delivery-status", b"Status: 5.1.1\r\n"),
            **daemon,
        ),
        "ignored:unknown_message",
        "smtp",
        sender="",
    )
    qq = multi(
        "r7",
        "mixed",
        part("text/html; charset=gbk", "<p>很抱歉，您的邮件被退回：对方邮箱已满</p>".encode("gbk")),
        part("message/rfc822", copied + b"\r\nbody"),
        From="PostMaster@qq.example",
        Subject=word("系统退信", "gbk"),
    )
    yield Letter("qq-free-form", "report-qq", qq, bounced, "imap")
    netease = multi(
        "r8",
        "mixed",
        part("text/plain; charset=gb18030", "您的邮件未送达".encode("gb18030")),
        part("text/rfc822-headers", copied),
        From="Postmaster@163.example",
        Subject=word("系统退信/Systems bounce", "gbk"),
    )
    yield Letter("netease-free-form", "report-163", netease, bounced, "smtp", sender="")
    qmail = plain(
        "r9",
        b"Hi. This is the qmail-send program.\r\n<x@y.example>:\r\nSorry, no mailbox here by that name. (#5.2.2)\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n"
        + copied,
        Subject="failure notice",
        **daemon,
    )
    yield Letter("qmail", "report-qmail", qmail, bounced, "smtp", sender="")
    exchange = multi(
        "r10",
        "mixed",
        part("text/html", b"<p>Delivery has failed to these recipients</p>"),
        b"Content-Type: message/rfc822\r\n\r\n" + copied + b"\r\nx",
        From="postmaster@corp.example",
        Subject="Undeliverable: your order",
        X_Failed_Recipients="x@y.example",
    )
    yield Letter("exchange-free-form", "report-exchange", exchange, bounced, "imap")
    yield Letter(
        "postmaster-writes",
        "postmaster-person",
        plain("r11", ZH.encode(), From="postmaster@customer.example"),
        text=ZH,
        door="smtp",
    )
    complaint = multi(
        "r12",
        "report; report-type=feedback-report",
        part("text/plain", b"abuse"),
        part("message/feedback-report", b"Feedback-Type: not-spam\r\nVersion: 1\r\n"),
        part("message/rfc822", copied + b"\r\nx"),
        From="fbl@provider.example",
    )
    yield Letter("feedback", "report-feedback", complaint, "ignored:delayed", "smtp")


def _several(facts: Facts) -> Iterator[Letter]:
    raw = plain("v1", ZH.encode(), To=f"{CARE}, {SALE}, {HELP}")
    yield Letter("to-two-by-one-mail", "several-mailboxes", raw, to=(CARE, SALE), door="smtp", text=ZH)
    for number in range(2):  # the same id for another letter: a careless program
        body = f"第 {number} 封，同一个编号".encode()
        same = plain("v2", body, Message_ID="<always@same.example>", Subject=f"same {number}")
        yield Letter(f"same-id-{number}", "used-id", same, text=f"第 {number} 封")
