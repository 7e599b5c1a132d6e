"""Letters by what is in them: odd headers, odd bodies."""

# ruff: noqa: E501 - one mail a line reads best

from __future__ import annotations

import quopri
from collections.abc import Iterator

from tests.notifications.letters.shapes import Letter
from tests.notifications.odd_mails import B64, ZH, plain


def headers() -> Iterator[Letter]:
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


def bodies() -> Iterator[Letter]:
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
