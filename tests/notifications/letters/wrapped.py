"""Letters by how they are wrapped: character sets, names of files, orders of parts, winmail.dat, signatures."""

# ruff: noqa: E501 - one mail a line reads best

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import quote

from tests.notifications import tnef_maker as tnef
from tests.notifications.letters.shapes import Letter
from tests.notifications.odd_mails import B64, PNG, ZH, head, joined, multi, part, plain, word


def charsets() -> Iterator[Letter]:
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


def file_names() -> Iterator[Letter]:
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


def orders() -> Iterator[Letter]:
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


def outlook() -> Iterator[Letter]:
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


def secured() -> Iterator[Letter]:
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
