"""Normal forms, contacts, masks, language and pinyin."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import (
    detect_language,
    mask_address,
    mask_email,
    mask_name,
    mask_phone,
    normalise,
    normalise_email,
    normalise_order_number,
    normalise_phone,
    pinyin_initials,
    pinyin_key,
    tidy_text,
)


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("ＡＢＣ　１２３，好", "ABC 123,好"),
        ("  你\u200b好\u202e\tthere\n", "你好 there"),
        ("a\x00b\x07c", "abc"),
        ("收到啦👨‍👩‍👧 ❤️ 👍🏽 🇨🇳 1️⃣", "收到啦👨‍👩‍👧 ❤️ 👍🏽 🇨🇳 1️⃣"),
        ("a\u200db", "ab"),
        ("﹫ ﷺ", "@ صلى الله عليه وسلم"),
        ("", ""),
        ("\ufeff", ""),
    ],
)
def test_normalise(typed: str, normal: str) -> None:
    assert normalise(typed) == normal


@given(st.text())
def test_normalise_is_idempotent_and_leaves_nothing_invisible(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert once == once.strip()
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in once)
    assert "\u202e" not in once


@given(st.text())
def test_tidy_text_is_idempotent(text: str) -> None:
    assert tidy_text(tidy_text(text)) == tidy_text(text)


def test_tidy_text_keeps_lines_and_chinese_punctuation() -> None:
    assert tidy_text("您好，\r\n\r\n\r\n\r\n在吗？ \u200b \r\n") == "您好，\n\n在吗？"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("订单号：ａｂ－123 45", "AB-12345"),
        ("#2026-001", "2026-001"),
        ("ORDER123", "ORDER123"),
        ("order no.: 77", "77"),
        ("订单编号 5566", "5566"),
        ("#", "#"),
        ("", ""),
    ],
)
def test_normalise_order_number(typed: str, number: str) -> None:
    assert normalise_order_number(typed) == number


@pytest.mark.parametrize(
    "typed",
    [
        "13800138000",
        "１３８００１３８０００",
        "138 0013 8000",
        "138-0013-8000",
        "+86 138 0013 8000",
        "＋８６－138－0013－8000",
        "0086 13800138000",
        "8613800138000",
        "(+86)13800138000",
        "13800138000-1234",
        "13800138000转1234",
        "138\u200b0013\u200b8000",
    ],
)
def test_normalise_phone_reads_one_number_in_many_dresses(typed: str) -> None:
    assert normalise_phone(typed) == "+8613800138000"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("010-12345678", "+861012345678"),
        ("(0571) 8888-6666", "+8657188886666"),
        ("400-820-8820", "+864008208820"),
        ("+1 650 253 0000", "+16502530000"),
        ("17900000072", "+8617900000072"),
        ("１９２ 0000 0001", "+8619200000001"),
        ("12900000072", None),
        ("1380013800", None),
        ("138001380ab", None),
        ("1-800-FLOWERS", None),
        ("", None),
        ("手机", None),
        ("1" * 500, None),
    ],
)
def test_normalise_phone(typed: str, number: str | None) -> None:
    assert normalise_phone(typed) == number


@given(st.text())
def test_contacts_never_fail(text: str) -> None:
    normalise_phone(text)
    normalise_email(text)
    mask_phone(text)
    mask_email(text)
    mask_name(text)
    mask_address(text)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("Zhang San <Zhang.San@Example.COM>", "zhang.san@example.com"),
        ("ａ＠ｂ．com", "a@b.com"),
        ("邮箱：a@qq。com", "a@qq.com"),
        ("mailto:a@b.cn", "a@b.cn"),
        ("x@例子.中国", "x@xn--fsqu00a.xn--fiqs8s"),
        ("a@b", None),
        ("not an address", None),
        ("", None),
        ("a" * 250 + "@b.com", None),
    ],
)
def test_normalise_email(typed: str, address: str | None) -> None:
    assert normalise_email(typed) == address


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+8613800138000", "138****8000"),
        ("0086 138 0013 8000", "138****8000"),
        ("010-12345678", "101****5678"),
        ("12345", "***45"),
        ("123", "***"),
        ("", ""),
    ],
)
def test_mask_phone(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("浙江省杭州市西湖区文三路 138 号", "浙江省杭州市西湖区****"),
        ("北京市朝阳区建国路1号", "北京市朝阳区****"),
        ("上海浦东新区世纪大道8号", "上海浦东新区****"),
        ("新疆维吾尔自治区乌鲁木齐市天山区解放路", "新疆维吾尔自治区乌鲁木齐市天山区****"),
        ("福建省福州市闽侯县上街镇", "福建省福州市闽侯县****"),
        ("广东省东莞市南城街道", "广东省东莞市****"),
        ("杭州市阳光小区3栋", "杭州市****"),
        ("文三路138号", "****"),
        ("12 Main St, Springfield", "****, Springfield"),
        ("12 Main St", "****"),
        ("", ""),
    ],
)
def test_mask_address_shows_no_more_than_the_district(address: str, masked: str) -> None:
    assert mask_address(address) == masked


def test_mask_name_and_email() -> None:
    assert [mask_name(name) for name in ("张三", "张三丰", "欧阳修", "Jane Doe", "李", "")] == [
        "张*",
        "张**",
        "欧阳*",
        "J*** D***",
        "李*",
        "",
    ]
    assert [mask_email(mail) for mail in ("zhangsan@e.com", "@e.com", "x")] == ["z***@e.com", "***", "***"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我的 iPhone 15 Pro Max 到现在还没收到", "zh-hans"),
        ("My order is late, 张三 told me to wait", "en"),
        ("https://example.com/where/is/my/order 在哪", "zh-hans"),
        ("", "zh-hans"),
        ("12345", "zh-hans"),
    ],
)
def test_detect_language(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_pinyin_sorts_chinese_among_latin() -> None:
    names = ["张三", "Adam", "李四", "阿里", "陈五", "bob"]
    assert sorted(names, key=pinyin_key) == ["阿里", "Adam", "bob", "陈五", "李四", "张三"]
    assert pinyin_key("退货 iPhone") == "tui4 huo4 iphone"


def test_pinyin_initials_are_what_a_hurried_typist_enters() -> None:
    assert [pinyin_initials(text) for text in ("退货原因", "VIP 客户", "", "7天")] == ["thyy", "vipkh", "", "7t"]
