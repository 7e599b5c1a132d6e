"""Read one cell: dates, amounts, quantities and words as people and their systems write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from core.text import normalise, normalise_email
from customers.enums import Tier
from orders.enums import OrderStatus
from orders.services.data import clean_phone

MAX_CELL = 10_000


class BadCell(ValueError):
    """A cell that cannot be read: a code of errors.PROBLEMS and the values of its sentence."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code, self.params = code, params
        super().__init__(code)


_DATE = re.compile(
    r"(\d{4})(?:[-/.]|年)(\d{1,2})(?:[-/.]|月)(\d{1,2})日?"
    r"(?:[ T]*(\d{1,2})(?:[:时]|点)(\d{1,2})(?:[:分](\d{1,2})(?:[.,](\d{1,6}))?秒?)?分?)?"
    r" ?(Z|[+-]\d{2}:?\d{2})?"
)
_TURNED = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?(?: ?([AaPp])\.?[Mm]\.?)?"
)

_LIVE = {"=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"}  # see refused.safe_cell
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's day zero has no zone
_AMOUNT = re.compile(r"[+]?\d+(?:\.\d*)?|[+]?\.\d+")
_EUROPEAN = re.compile(r"\d{1,3}(?:\.\d{3})*,\d{1,2}")
_MONEY_SIGNS = re.compile(r"[¥¥$€£元块]|CNY|RMB|USD|EUR|HKD|人民币", re.IGNORECASE)
_ROUNDED = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE)
_TEXT_FORMULA = re.compile(r'="([^"]*)"')

STATUS_WORDS: dict[str, str] = {
    word: status
    for status, words in {
        OrderStatus.PLACED: (
            "placed", "pending", "unpaid", "new", "open", "created", "已下单", "待付款", "等待买家付款", "未付款",
            "待支付",
            "等待付款", "新订单", "已创建", "已拍下",
        ),
        OrderStatus.PAID: (
            "paid", "已付款", "买家已付款", "已支付", "待发货", "等待卖家发货", "买家已付款,等待卖家发货", "等待发货",
            "等待出库",
            "unfulfilled", "awaiting fulfillment", "authorized",
        ),
        OrderStatus.PACKED: (
            "packed", "processing", "配货中", "已打包", "已配货", "备货中", "已出库", "等待打印", "ready to ship",
            "partially shipped",
            "部分发货", "卖家部分发货",
        ),
        OrderStatus.SHIPPED: (
            "shipped", "fulfilled", "已发货", "卖家已发货", "待收货", "卖家已发货,等待买家确认", "等待买家确认收货",
            "等待确认收货",
            "运输中", "配送中", "派送中", "in transit", "sent", "dispatched", "on the way",
        ),
        OrderStatus.DELIVERED: ("delivered", "已签收", "已送达", "已妥投", "签收", "已收货"),
        OrderStatus.COMPLETED: ("completed", "complete", "finished", "done", "交易成功", "已完成", "完成", "交易完成",
        "订单完成", "closed"),
        OrderStatus.CANCELLED: (
            "cancelled", "canceled", "voided", "refunded", "交易关闭", "已取消", "取消", "已关闭", "订单关闭", "关闭",
            "已退款",
            "付款以前,卖家或买家主动关闭交易", "付款以后用户退款成功,交易自动关闭", "作废",
        ),
    }.items()
    for word in words
}  # fmt: skip
PAYMENT_WORDS = {
    "支付宝": "alipay", "alipay": "alipay", "微信": "wechat", "微信支付": "wechat", "wechat": "wechat",
    "wechat pay": "wechat",
    "银联": "unionpay", "银联支付": "unionpay", "unionpay": "unionpay", "银行卡": "card", "信用卡": "card",
    "card": "card",
    "credit card": "card", "货到付款": "cod", "cod": "cod", "cash on delivery": "cod", "花呗": "huabei",
    "白条": "baitiao",
    "京东支付": "jdpay", "余额": "balance", "paypal": "paypal", "shopify_payments": "card", "在线支付": "online",
    "现金": "cash",
    "转账": "transfer", "对公转账": "transfer",
}  # fmt: skip


def read_date(value: str, zone: ZoneInfo, day_first: bool) -> datetime:
    """Return a moment; a time without its own offset is the shop's. Raises BadCell for anything that is not a date."""
    found = _DATE.fullmatch(value)
    try:
        if found:
            return _built(found.groups(), zone)
        value = normalise(value)
        if found := _DATE.fullmatch(value):
            return _built(found.groups(), zone)
        if found := _TURNED.fullmatch(value):
            return _turned(found, zone, day_first)
        if _SERIAL.fullmatch(value) and 20_000 <= float(value) < 80_000:
            return _serial(float(value)).replace(tzinfo=zone)
        if found := _DIGITS.fullmatch(value):
            return _built((*found.groups(), None, None), zone)
    except (ValueError, OverflowError):
        pass
    raise BadCell("not_date", value=value[:30])


def _serial(days: float) -> datetime:
    """Excel counts days since 1899-12-30; its fractions come out a few microseconds off a whole second."""
    return _EPOCH + timedelta(seconds=round(days * 86_400))


def _built(parts: tuple[str | None, ...], zone: ZoneInfo) -> datetime:
    year, month, day, hour, minute, second, fraction, offset = parts
    micro = int(fraction.ljust(6, "0")) if fraction else 0
    tz: Any = zone
    if offset:
        tz = UTC if offset == "Z" else datetime.fromisoformat(f"2000-01-01T00:00:00{offset}").tzinfo
    return datetime(
        int(year or 0), int(month or 0), int(day or 0), int(hour or 0), int(minute or 0), int(second or 0), micro, tz
    )


def _turned(found: re.Match[str], zone: ZoneInfo, day_first: bool) -> datetime:
    one, sign, two, year, hour, minute, second, half = found.groups()
    first, other, hours = int(one), int(two), int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError(half)
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    if sign == "." or first > 12 or (day_first and other <= 12):
        first, other = other, first
    return datetime(int(year), first, other, hours, int(minute or 0), int(second or 0), tzinfo=zone)


@lru_cache(maxsize=4096)
def read_amount(value: str) -> Decimal:
    """Return an amount: ¥1,299.00, 1299元, 1.299,00 €, (12.50). Raises BadCell."""
    text = _MONEY_SIGNS.sub("", normalise(value)).replace(" ", "").replace("'", "")
    sign = 1
    if text.startswith(("-", "−")) or (text.startswith("(") and text.endswith(")")):
        sign, text = -1, text.strip("-−()")
    if _EUROPEAN.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    text = text.replace(",", "")
    if not _AMOUNT.fullmatch(text) or len(text) > 24:
        raise BadCell("not_amount", value=value[:30])
    try:
        number = Decimal(text) * sign
    except InvalidOperation:
        raise BadCell("not_amount", value=value[:30]) from None
    if number < 0:
        raise BadCell("negative")
    # A sheet's own arithmetic leaves 99.90000000000001 behind; more than that is a third decimal somebody typed.
    return (
        number.quantize(Decimal("0.01")) if abs(number - number.quantize(Decimal("0.01"))) < Decimal("1e-6") else number
    )


@lru_cache(maxsize=2048)
def read_quantity(value: str) -> int:
    """Return a whole number: 2, 2.0, 2件, x2. Raises BadCell."""
    text = normalise(value).lower().strip("x× 件个套只盒瓶双包箱pcs").replace(",", "")
    whole, _dot, rest = text.partition(".")
    if not whole.isascii() or not whole.isdigit() or rest.strip("0") or len(whole) > 6 or int(whole) < 1:
        raise BadCell("not_quantity", value=value[:20])
    return int(whole)


@lru_cache(maxsize=2048)
def read_status(value: str) -> str:
    """Return a status of ours for a shop's word. Raises BadCell."""
    word = normalise(value).lower().replace(",", ",").replace("_", " ").strip()
    found = STATUS_WORDS.get(word) or STATUS_WORDS.get(word.replace(" ", ""))
    if found is None:
        raise BadCell("not_status", value=value[:30])
    return str(found)


@lru_cache(maxsize=2048)
def read_payment(value: str) -> str:
    """Return the code of a payment method; one we do not know is `other`."""
    return PAYMENT_WORDS.get(normalise(value).lower(), "other")


def read_code(value: str) -> str:
    """Return a number that is really a text: without the ="…" and ' that sheets put around it. Raises BadCell.

    An Excel that rounded it to 1.23E+18 has destroyed it for good.
    """
    value = value.strip().lstrip("'\u2019`\t")
    if found := _TEXT_FORMULA.fullmatch(value):
        value = found[1].strip()
    if _ROUNDED.fullmatch(value):
        raise BadCell("rounded", value=value[:30])
    return value.removesuffix(".0") if value.endswith(".0") and value[:-2].isdigit() else value


def read_text(value: str) -> str:
    """Return a text as it stands; the apostrophe that keeps a sheet from taking it for a formula is dropped."""
    return value[1:] if value[0] == "'" and value[1:].lstrip()[:1] in _LIVE else value


def read_phone(value: str) -> str:
    """Return a phone in its normal form, a masked one as **** and its end. Raises BadCell."""
    found = clean_phone(read_code(value))
    if found is None:
        raise BadCell("not_phone")
    return found[0] or "****" + found[1]


_TIERS = {
    word: tier
    for tier, words in {
        Tier.STANDARD: (
            "standard",
            "普通",
            "普通会员",
            "注册会员",
            "非会员",
            "无",
            "normal",
            "regular",
            "basic",
            "铜卡",
            "bronze",
        ),
        Tier.SILVER: ("silver", "银卡", "银卡会员", "白银", "白银会员", "高级会员"),
        Tier.GOLD: ("gold", "金卡", "金卡会员", "黄金", "黄金会员"),
        Tier.VIP: (
            "vip",
            "vip会员",
            "贵宾",
            "至尊",
            "至尊vip",
            "钻石",
            "钻石会员",
            "白金",
            "白金会员",
            "platinum",
            "diamond",
        ),
    }.items()
    for word in words
}
_YES = frozenset(
    {
        "yes",
        "y",
        "true",
        "1",
        "是",
        "上架",
        "已上架",
        "在售",
        "出售中",
        "销售中",
        "正常",
        "active",
        "published",
        "启用",
        "on",
    }
)
_NO = frozenset({
    "no", "n", "false", "0", "否", "下架", "已下架", "停售", "仓库中", "停用", "inactive", "draft", "archived",
    "off", "discontinued",
})  # fmt: skip
_WHOLE = re.compile(r"-?\d{1,9}(?:\.0+)?")


def read_stock(value: str) -> int:
    """Return how many are there: 1,200, 12件, -3 (sold more than there were). Raises BadCell."""
    text = normalise(value).lower().strip(" 件个套只盒瓶双包箱pcs").replace(",", "").replace("−", "-")
    if not _WHOLE.fullmatch(text):
        raise BadCell("not_stock", value=value[:20])
    return int(text.partition(".")[0])


def read_tier(value: str) -> str:
    """Return a membership tier for a shop's word. Raises BadCell."""
    found = _TIERS.get(normalise(value).lower().replace(" ", ""))
    if found is None:
        raise BadCell("not_tier", value=value[:30])
    return str(found)


def read_yes_no(value: str) -> bool:
    """Return yes or no. Raises BadCell."""
    word = normalise(value).lower()
    if word not in _YES and word not in _NO:
        raise BadCell("not_yes_no", value=value[:20])
    return word in _YES


def read_email(value: str) -> str:
    """Return a mail address in its normal form. Raises BadCell."""
    found = normalise_email(read_text(value))
    if not found:
        raise BadCell("not_email")
    return found


_FOLD = re.compile(r"(\d{1,2}(?:\.\d{1,2})?)折")
_OFF = re.compile(r"-?(\d{1,3}(?:\.\d{1,2})?)%?(?:off|减)?")


def read_percent_off(value: str) -> Decimal:
    """Return the percentage taken off: 20%, 20% off, 20; 8折 and 80折 leave eight tenths. Raises BadCell."""
    text = normalise(value).lower().replace(" ", "").replace("％", "%").replace("−", "-")
    if fold := _FOLD.fullmatch(text):
        left = Decimal(fold[1])
        off = 100 - (left * 10 if left < 10 else left)  # 8.5折 and 85折 say the same
    elif plain := _OFF.fullmatch(text):
        off = Decimal(plain[1])
    else:
        raise BadCell("not_percent", value=value[:20])
    if not 0 < off <= 100:
        raise BadCell("not_percent", value=value[:20])
    return off


def read_list(value: str) -> tuple[str, ...]:
    """Return item numbers written one after another with commas, semicolons, 、 or line ends between them."""
    words = (normalise(word) for word in re.split(r"[,，;；、|\r\n]", read_text(value)))
    return tuple(dict.fromkeys(word for word in words if word))


def read_tags(value: str) -> tuple[str, ...]:
    """Return tags written one after another with commas, semicolons or 、 between them."""
    words = (normalise(word)[:40] for word in re.split(r"[,，;；、|]", read_text(value)))
    return tuple(dict.fromkeys(word for word in words if word))[:20]


def converters(zone: ZoneInfo, *, day_first: bool) -> dict[str, Callable[[str], Any]]:
    """Return how each kind of column is read."""
    return {
        "date": lambda value: read_date(value, zone, day_first),
        "amount": read_amount,
        "quantity": read_quantity,
        "status": read_status,
        "payment": read_payment,
        "number": read_code,
        "tracking": read_code,
        "code": read_code,
        "phone": read_phone,
        "currency": lambda value: _currency(value),
        "text": read_text,
        "stock": read_stock,
        "tier": read_tier,
        "tags": read_tags,
        "list": read_list,
        "percent_off": read_percent_off,
        "email": read_email,
        "yes_no": read_yes_no,
    }


@lru_cache(maxsize=256)
def _currency(value: str) -> str:
    word = normalise(value).upper()
    return {"人民币": "CNY", "RMB": "CNY", "元": "CNY", "¥": "CNY", "美元": "USD", "港币": "HKD", "欧元": "EUR"}.get(
        word, word
    )
