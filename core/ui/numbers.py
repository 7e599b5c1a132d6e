"""Numbers as people read them, in the active language."""

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from django.utils.translation import get_language, gettext

CURRENCY_SIGNS = {
    "CNY": "¥",
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "JP¥",
    "HKD": "HK$",
    "TWD": "NT$",
    "KRW": "₩",
    "SGD": "S$",
    "AUD": "A$",
}
WITHOUT_CENTS = {"JPY", "KRW"}
NOTHING = "–"


def is_chinese() -> bool:
    return (get_language() or "").startswith("zh")


def money(amount: Decimal | float | str | None, currency: str = "CNY") -> str:
    """Write an amount with its sign, thousands apart: ¥1,299.00. None is a dash."""
    if amount is None or amount == "":
        return NOTHING
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return str(amount)
    sign = CURRENCY_SIGNS.get(currency, f"{currency} ")
    unit = Decimal(1) if currency in WITHOUT_CENTS else Decimal("0.01")
    rounded = value.quantize(unit, rounding=ROUND_HALF_UP)
    return f"{'−' if rounded < 0 else ''}{sign}{abs(rounded):,}"


def count(number: float | None) -> str:
    """Write a count; from ten thousand on in the language's own big unit: 1.2万, 12k, 3.4亿, 340M."""
    if number is None or number == "":
        return NOTHING
    value = float(number)
    size = abs(value)
    if size < 10_000:
        return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    steps = ((1e8, "亿"), (1e4, "万")) if is_chinese() else ((1e9, "B"), (1e6, "M"), (1e3, "k"))
    for divisor, unit in steps:
        if size >= divisor:
            short = value / divisor
            text = f"{short:,.0f}" if abs(short) >= 100 else f"{short:.1f}".removesuffix(".0")
            return text + unit
    return f"{value:,.0f}"


def percent(share: float | Decimal | None, digits: int = 0) -> str:
    """Write a share of one as a percentage: 0.873 → 87%."""
    if share is None or share == "":
        return NOTHING
    return f"{float(share) * 100:.{int(digits)}f}%"


def duration(span: timedelta | float | None) -> str:
    """Write a span (timedelta or seconds) in its two largest units: 2 小时 5 分, 2 h 5 min."""
    if span is None or span == "":
        return NOTHING
    seconds = int(abs(span.total_seconds() if isinstance(span, timedelta) else float(span)))
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = (
        (days, gettext("%(n)d d")),
        (hours, gettext("%(n)d h")),
        (minutes, gettext("%(n)d min")),
        (rest, gettext("%(n)d s")),
    )
    first = next((i for i, (amount, _) in enumerate(parts) if amount), 3)
    shown = [
        word % {"n": amount} for amount, word in parts[first : min(first + 2, 3) if first < 2 else first + 1] if amount
    ]
    return " ".join(shown) or parts[3][1] % {"n": rest}


def phone_mask(phone: str | None) -> str:
    """Hide the middle of a number: +8613812348000 → 138****8000."""
    if not phone:
        return ""
    digits = str(phone).removeprefix("+86").replace(" ", "").replace("-", "")
    if len(digits) < 7:
        return "*" * max(len(digits) - 2, 0) + digits[-2:]
    head = 3 if not digits.startswith("+") else 4
    return f"{digits[:head]}****{digits[-4:]}"


def file_size(size: int | None) -> str:
    """Write bytes as 480 B, 12 kB, 3.4 MB."""
    if size is None or size == "":
        return NOTHING
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit != "MB" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
