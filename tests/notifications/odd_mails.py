"""Odd mails as mailers around the world write them: (name, raw bytes, what must be found in them)."""

# ruff: noqa: E501 - one mail a line reads best

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterator
from dataclasses import dataclass, field

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Odd:
    """One odd mail; empty expectations are not looked at."""

    name: str
    raw: bytes
    structure: str
    subject: str = ""
    text: str = ""
    sender: str = ""
    files: tuple[str, ...] = ()
    fault: str = ""
    extra: dict[str, object] = field(default_factory=dict)


def head(**headers: str) -> bytes:
    """Return header lines; underscores in names are dashes, None leaves a default out."""
    base = {
        "From": "Wang <wang@customer.example>",
        "To": "care@service.example",
        "Date": "Sat, 21 Nov 2026 10:00:00 +0800",
    }
    merged = {**base, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return "".join(f"{name}: {value}\r\n" for name, value in merged.items() if value).encode("utf-8", "surrogateescape")


def word(text: str, charset: str, encoding: str = "B") -> str:
    """Return an RFC 2047 encoded word."""
    data = text.encode(charset)
    if encoding == "B":
        return f"=?{charset}?B?{base64.b64encode(data).decode()}?="
    return f"=?{charset}?Q?{''.join(f'={byte:02X}' for byte in data)}?="


def plain(
    name: str, body: bytes, content_type: str = "text/plain; charset=utf-8", cte: str = "8bit", **more: str
) -> bytes:
    """Return a mail of one part."""
    headers = {"Subject": name, "Message-ID": f"<{name}@customer.example>", "MIME-Version": "1.0"} | {
        "Content-Type": content_type,
        "Content-Transfer-Encoding": cte,
    }
    return head(**{**headers, **more}) + b"\r\n" + body


def multi(name: str, kind: str, *parts: bytes, boundary: str = "b", end: bool = True, **more: str) -> bytes:
    """Return a multipart mail; parts carry their own headers."""
    headers = {"Subject": name, "Message-ID": f"<{name}@customer.example>", "MIME-Version": "1.0"}
    headers |= {"Content-Type": f'multipart/{kind}; boundary="{boundary}"'}
    return head(**{**headers, **more}) + b"\r\n" + joined(boundary, *parts, end=end)


def joined(boundary: str, *parts: bytes, end: bool = True) -> bytes:
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + (mark + b"--\r\n" if end else b"")


def part(content_type: str, body: bytes, cte: str = "8bit", **more: str) -> bytes:
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
    return f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {cte}\r\n{extra}\r\n".encode() + body


def nested(depth: int) -> bytes:
    body = part("text/plain; charset=utf-8", "最里面".encode())
    for level in range(depth):
        body = f'Content-Type: multipart/mixed; boundary="n{level}"\r\n\r\n'.encode() + joined(f"n{level}", body)
    return head(Subject="nested", Message_ID=f"<nested{depth}@x.example>", MIME_Version="1.0") + body


ZH = "您好，我要退货，谢谢！"


def B64(data: bytes) -> bytes:
    """Return base64 in lines as mail has them."""
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def odd_mails() -> Iterator[Odd]:
    """Yield the corpus."""
    yield from _charsets()
    yield from _headers()
    yield from _structures()
    yield from _bodies()
    yield from _broken()


def _charsets() -> Iterator[Odd]:
    for charset in ("utf-8", "gbk", "gb2312", "gb18030", "big5", "utf-16", "utf-8-sig", "iso-2022-jp"):
        words = "退貨" if charset in {"big5", "iso-2022-jp"} else ZH
        yield Odd(
            f"text-{charset}",
            plain(f"text-{charset}", B64(words.encode(charset)), f"text/plain; charset={charset}", "base64"),
            "single",
            text=words,
        )
    yield Odd(
        "gbk-called-gb2312",
        plain("gbk2312", "镕基您好".encode("gbk"), "text/plain; charset=gb2312"),
        "single",
        text="镕基您好",
    )
    yield Odd("gbk-undeclared", plain("undeclared", ZH.encode("gbk"), "text/plain"), "single", text=ZH)
    yield Odd("utf8-called-ascii", plain("ascii", ZH.encode(), "text/plain; charset=us-ascii"), "single", text=ZH)
    yield Odd(
        "utf8-called-gbk", plain("wrong", "订单 A1 没收到".encode(), "text/plain; charset=gbk"), "single", text="A1"
    )
    yield Odd("charset-nonsense", plain("nonsense", ZH.encode(), "text/plain; charset=x-klingon"), "single", text=ZH)
    yield Odd("charset-codec", plain("codec", b"hello", "text/plain; charset=base64"), "single", text="hello")
    yield Odd("charset-idna", plain("idna", ZH.encode(), "text/plain; charset=idna"), "single", text=ZH)
    yield Odd(
        "charset-quoted", plain("quoted", ZH.encode("gb18030"), "text/plain; charset='GB18030'"), "single", text=ZH
    )
    yield Odd("nul-bytes", plain("nul", b"a\x00b"), "single", text="ab")
    yield Odd(
        "latin1", plain("latin", "Größe".encode("latin-1"), "text/plain; charset=iso-8859-1"), "single", text="Größe"
    )


def _headers() -> Iterator[Odd]:
    subject = "订单还没有收到，请帮我查一下，谢谢，已经等了十天"
    for encoding in "BQ":
        yield Odd(
            f"subject-{encoding}", plain("s", b"x", Subject=word(subject, "utf-8", encoding), Message_ID=f"<s{encoding}@x.example>"),
            "single", subject=subject,
        )  # fmt: skip
    split = subject.encode("utf-8")
    halves = " ".join(f"=?utf-8?B?{base64.b64encode(half).decode()}?=" for half in (split[:20], split[20:]))
    yield Odd("subject-split-character", plain("sp", b"x", Subject=halves), "single", subject=subject)
    yield Odd("subject-no-padding", plain("np", b"x", Subject="=?utf-8?B?6YCA6LSn?="), "single", subject="退货")
    yield Odd(
        "subject-folded",
        plain("fo", b"x", Subject=f"{word('退', 'gbk')}\r\n {word('货', 'gbk')}"),
        "single",
        subject="退货",
    )
    raw = plain("rawgbk", b"x").replace(b"Subject: rawgbk", b"Subject: " + "退货".encode("gbk"))
    yield Odd("subject-raw-gbk", raw, "single", subject="退货")
    raw = plain("rawutf", b"x").replace(b"Subject: rawutf", "Subject: 退货".encode())
    yield Odd("subject-raw-utf8", raw, "single", subject="退货")
    yield Odd("subject-missing", plain("none", b"hello", Subject=""), "single", text="hello")
    yield Odd("subject-huge", plain("huge", b"x", Subject="退" * 5000), "single")
    yield Odd("no-message-id", plain("noid", b"x", Message_ID=""), "single", extra={"message_id": ""})
    yield Odd("bare-message-id", plain("bare", b"x", Message_ID="abc@x"), "single", extra={"message_id": "<abc@x>"})
    yield Odd("no-from", plain("nofrom", b"hello", From=""), "single", text="hello")
    yield Odd(
        "from-name-gbk",
        plain("fn", b"x", From=f"{word('王小明', 'gbk')} <a@qq.example>"),
        "single",
        sender="a@qq.example",
        extra={"from_name": "王小明"},
    )
    yield Odd("from-comma", plain("fc", b"x", From='"Wang, Ming" <a@b.example>'), "single", sender="a@b.example")
    yield Odd("from-unquoted-comma", plain("fu", b"x", From="Wang, Ming <a@b.example>"), "single", sender="a@b.example")
    yield Odd("from-rubbish", plain("fr", b"x", From="<<>>;,(@"), "single")
    yield Odd("from-group", plain("fg", b"x", From="undisclosed:;"), "single")
    yield Odd("to-many", plain("tm", b"x", To=", ".join(f"a{n}@b.example" for n in range(300))), "single")
    yield Odd("date-rubbish", plain("dr", b"x", Date="yesterday"), "single", extra={"date": None})
    yield Odd(
        "date-year-zero", plain("dz", b"x", Date="Mon, 0 Jan 0000 99:99:99 +9999"), "single", extra={"date": None}
    )
    yield Odd(
        "references-many", plain("rm", b"x", References=" ".join(f"<{n}@b.example>" for n in range(400))), "single"
    )
    yield Odd("header-without-colon", b"rubbish line\r\n" + plain("hc", b"x"), "broken-header")
    yield Odd("only-body", b"\r\nhello there", "no-header", text="hello there")
    yield Odd("headers-only", head(Subject="no body", Message_ID="<ho@x.example>"), "no-body", subject="no body")
    yield Odd("header-bomb", plain("hb", b"x", **{f"X-{n}": "y" for n in range(6000)}), "bomb", fault="header_bomb")
    yield Odd("header-megabyte", plain("hm", b"x", X_Long="y" * 1_000_000), "bomb", fault="header_bomb")
    yield Odd("content-type-bomb", plain("ct", b"x", 'text/plain; a="' + '";b="' * 9000), "bomb", fault="header_bomb")


def _structures() -> Iterator[Odd]:
    text, page = (
        part("text/plain; charset=utf-8", ZH.encode()),
        part("text/html; charset=utf-8", f"<p>{ZH}</p>".encode()),
    )
    picture = part("image/png", B64(PNG), "base64", Content_ID="<pic1>", Content_Disposition='inline; filename="a.png"')
    pdf = part(
        "application/pdf",
        B64(b"%PDF-1.4"),
        "base64",
        Content_Disposition="attachment; filename*=utf-8''%E5%8F%91%E7%A5%A8.pdf",
    )
    yield Odd("alternative", multi("alt", "alternative", text, page), "alternative", text=ZH)
    yield Odd(
        "alternative-empty-text",
        multi("aet", "alternative", part("text/plain", b" "), page),
        "alternative-empty",
        text=ZH,
    )
    yield Odd(
        "html-only",
        plain("ho2", f"<div>{ZH}</div><script>x()</script>".encode(), "text/html; charset=utf-8"),
        "html",
        text=ZH,
    )
    yield Odd(
        "html-meta-charset",
        plain("hm2", f'<meta charset="gbk"><p>{ZH}</p>'.encode("gbk"), "text/html"),
        "html",
        text=ZH,
    )
    related = b'Content-Type: multipart/related; boundary="r"\r\n\r\n' + joined("r", page, picture)
    yield Odd(
        "related",
        multi("rel", "alternative", text, related),
        "alternative(related)",
        text=ZH,
        files=("a.png",),
        extra={"inline": True},
    )
    yield Odd("mixed-pdf", multi("mix", "mixed", text, pdf), "mixed", text=ZH, files=("发票.pdf",))
    yield Odd(
        "mixed-two-texts",
        multi("m2", "mixed", text, part("text/plain", b"second part")),
        "mixed-texts",
        text="second part",
    )
    name = part(
        "application/zip",
        b"UEsFBg==",
        "base64",
        Content_Disposition=f'attachment; filename="{word("发票.zip", "gbk")}"',
    )
    yield Odd("name-2047", multi("n2", "mixed", text, name), "mixed", files=("发票.zip",))
    cut = part(
        "application/zip",
        b"UEsFBg==",
        "base64",
        Content_Disposition="attachment; filename*0*=utf-8''%E5%8F%91; filename*1*=%E7%A5%A8.zip",
    )
    yield Odd("name-2231-cut", multi("n3", "mixed", text, cut), "mixed", files=("发票.zip",))
    evil = part("text/plain", b"x", "7bit", Content_Disposition='attachment; filename="../../etc/passwd\x01.txt"')
    yield Odd("name-path", multi("n4", "mixed", text, evil), "mixed", files=("passwd.txt",))
    tnef = part("application/ms-tnef; name=winmail.dat", B64(b"\x78\x9f\x3e\x22"), "base64")
    yield Odd("winmail", multi("wm", "mixed", text, tnef), "tnef", files=("winmail.dat",), text=ZH)
    inner = plain("inner subject", b"inner")
    yield Odd(
        "forwarded",
        multi("fw", "mixed", text, b"Content-Type: message/rfc822\r\n\r\n" + inner),
        "rfc822",
        files=("inner subject.eml",),
    )
    invite = part("text/calendar; method=REQUEST; charset=utf-8", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR")
    yield Odd(
        "invite", multi("inv", "alternative", text, invite), "alternative(calendar)", text=ZH, extra={"file_count": 1}
    )
    yield Odd(
        "amp",
        multi("amp", "alternative", text, part("text/x-amp-html", b"<html amp>"), page),
        "alternative(amp)",
        text=ZH,
    )
    yield Odd(
        "signed",
        multi("sig", "signed", text, part("application/pkcs7-signature", B64(b"x"), "base64")),
        "signed",
        text=ZH,
    )
    yield Odd("attachment-only", multi("ao", "mixed", pdf), "files-only", files=("发票.pdf",))
    yield Odd("picture-as-body", plain("pb", B64(PNG), "image/png", "base64"), "single-file", extra={"file_count": 1})
    yield Odd("nested-20", nested(20), "nested", text="最里面")
    yield Odd("nested-60", nested(60), "bomb", fault="too_deep")
    yield Odd("nested-900", nested(900), "bomb", fault="too_deep")
    yield Odd("parts-800", multi("p8", "mixed", *[part("text/plain", b"x")] * 800), "bomb", fault="too_many_parts")
    yield Odd("many-files", multi("mf", "mixed", text, *[pdf] * 120), "mixed", extra={"file_count": 120})


def _bodies() -> Iterator[Odd]:
    flowed = b"This is one \r\nparagraph of \r\nthree lines.\r\n> quoted \r\n> text\r\n-- \r\nWang"
    yield Odd(
        "flowed",
        plain("fl", flowed, "text/plain; format=flowed"),
        "flowed",
        text="This is one paragraph of three lines.",
    )
    yield Odd(
        "flowed-delsp",
        plain("fd", "退 \r\n货".encode(), "text/plain; format=flowed; delsp=yes; charset=utf-8"),
        "flowed",
        text="退货",
    )
    yield Odd(
        "quoted-printable", plain("qp", quopri.encodestring(ZH.encode()), cte="quoted-printable"), "single", text=ZH
    )
    yield Odd("quoted-printable-broken", plain("qb", b"a=ZZb=\r\nc=", cte="quoted-printable"), "single", text="a")
    yield Odd("base64-broken", plain("bb", b"5oKo5aW9!!!\r\n====x", cte="base64"), "single", text="您好")
    yield Odd("base64-no-padding", plain("bn", b"5oKo5aW977yM", cte="base64"), "single", text="您好")
    yield Odd("cte-nonsense", plain("cn", ZH.encode(), cte="x-klingon"), "single", text=ZH)
    yield Odd("uuencode", plain("uu", b"begin 644 a.txt\r\n%:&5L;&\\\r\n`\r\nend\r\n", cte="x-uuencode"), "single")
    yield Odd("lf-only", plain("lf", ZH.encode()).replace(b"\r\n", b"\n"), "lf", text=ZH)
    yield Odd("cr-only", plain("cr", b"hello").replace(b"\r\n", b"\r"), "cr")
    yield Odd("long-line", plain("ll", b"x" * 200_000), "single", text="xxx")
    yield Odd(
        "big",
        multi(
            "big",
            "mixed",
            part("text/plain", b"see file"),
            part(
                "application/zip", B64(b"z" * 3_000_000), "base64", Content_Disposition="attachment; filename=big.zip"
            ),
        ),
        "mixed",
        files=("big.zip",),
    )
    yield Odd("html-deep", plain("hd", b"<div>" * 20_000 + b"deep", "text/html"), "html")


def _broken() -> Iterator[Odd]:
    text = part("text/plain; charset=utf-8", ZH.encode())
    yield Odd("no-end", multi("ne", "mixed", text, end=False), "unterminated", text=ZH)
    yield Odd("no-boundary", plain("nb", ZH.encode(), "multipart/mixed"), "no-boundary", text=ZH)
    yield Odd(
        "wrong-boundary",
        plain("wb", b"--other\r\n\r\n" + ZH.encode() + b"\r\n--other--", 'multipart/mixed; boundary="b"'),
        "wrong-boundary",
    )
    yield Odd("empty-multipart", multi("em", "mixed"), "empty-multipart")
    yield Odd("content-type-rubbish", plain("cr2", ZH.encode(), "rubbish"), "rubbish-type", text=ZH)
    yield Odd("content-type-twice", b"Content-Type: text/html\r\n" + plain("tt", b"hello"), "two-types")
    yield Odd("empty", b"", "empty")
    yield Odd("newlines", b"\r\n\r\n\r\n", "blank")
    yield Odd("binary", bytes(range(256)) * 40, "binary")
    yield Odd("message-without-body", plain("mw", b"", "message/rfc822"), "rfc822-empty")
    yield Odd("partial", plain("pa", b"x", 'message/partial; id="a"; number=1; total=2'), "partial")
    yield Odd(
        "external",
        plain("ex", b"Content-Type: text/plain\r\n\r\n", 'message/external-body; access-type="URL"'),
        "external",
    )
