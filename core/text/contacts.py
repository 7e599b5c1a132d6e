"""Phone numbers, mail addresses and postal addresses: compare them, and show them without giving them away."""

import re

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from core.text.normalising import normalise

_EXTENSION = re.compile(r"(?:转|分机|ext\.?|x)\s*\d{1,6}$|(?<=\d{8})-\d{3,4}$", re.IGNORECASE)
_CN_MOBILE = re.compile(r"(?:\+?86|0086)?[ -]?(1[3-9]\d)[ -]?(\d{4})[ -]?(\d{4})(?:-\d{1,6})?")
_PHONE_SHAPE = re.compile(r"[(+]*[\d\s().\-/·]+")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー_~", "-"))
_BRACKETS = str.maketrans("()·", "   ")
_ANGLE = re.compile(r"<([^<>\s]+@[^<>\s]+)>\s*$")
_MAIL_LABEL = re.compile(r"^(?:mailto:|e-?mail[::]|邮箱[::])\s*", re.IGNORECASE)

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]")
_DISTRICT = re.compile(
    r"^(?:[^\d,]{2,8}?(?:省|自治区|特别行政区))?\s*(?:[^\d,省]{2,9}?(?:市|自治州|地区|盟))?\s*"
    r"[^\d,\s省路街巷道]{1,10}?(?:(?<![小园社校厂库])区|县|旗|(?<![城超])市)"
)
_CITY = re.compile(r"^(?:[^\d,]{2,8}?(?:省|自治区|特别行政区))?\s*[^\d,路街巷道]{2,9}?(?:(?<![城超])市|自治州|地区|盟)")
_PROVINCE = re.compile(r"^[^\d,路街巷道]{2,8}?(?:省|自治区|特别行政区)")
_DOUBLE_SURNAMES = frozenset(
    [
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "令狐",
        "宇文",
        "长孙",
        "司徒",
        "夏侯",
        "轩辕",
        "端木",
        "百里",
        "南宫",
        "西门",
        "独孤",
        "呼延",
        "闻人",
    ]
)


def cn_mobile(text: str) -> str | None:
    """Return a Chinese mobile number in half-width digits as E.164, else None.

    By its shape alone: new prefixes are handed out faster than a list of them is updated.
    """
    found = _CN_MOBILE.fullmatch(text)
    return "+86" + "".join(found.groups()) if found else None


def normalise_phone(text: str, region: str = "CN") -> str | None:
    """Return the number as E.164 ("+8613800138000"), or None when it is not a valid number.

    Takes full-width digits, blanks, dashes, brackets, +86, 0086 or 86 in front and an extension behind
    (dropped: a marketplace's privacy number rings without it). Letters make it invalid.
    """
    candidate = _EXTENSION.sub("", normalise(text).translate(_DASHES)).strip()
    if region == "CN" and (mobile := cn_mobile(candidate)):
        return mobile
    if not _PHONE_SHAPE.fullmatch(candidate):
        return None
    try:
        number = phonenumbers.parse(candidate.translate(_BRACKETS).strip(), region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalise_email(text: str) -> str | None:
    """Return the bare address in lower case with an ASCII domain, or None when it is not one.

    Takes "Name <address>", a mailto: link and full-width signs. Lower case throughout: no provider our
    customers use tells capitals apart, and a reply must find its customer.
    """
    candidate = normalise(text).replace("。", ".")
    if angle := _ANGLE.search(candidate):
        candidate = angle[1]
    candidate = _MAIL_LABEL.sub("", candidate).strip("<>").lower()
    local, _, domain = candidate.rpartition("@")
    try:
        candidate = f"{local}@{domain.encode('idna').decode('ascii')}"
        validate_email(candidate)
    except (ValidationError, UnicodeError):
        return None
    return candidate if len(candidate) <= 254 else None


def mask_phone(phone: str) -> str:
    """Return the number with its middle hidden: +8613800138000 → 138****8000."""
    number = normalise_phone(phone) or normalise(phone)
    digits = re.sub(r"\D", "", number.removeprefix("+86"))
    if len(digits) <= 4:
        return "*" * len(digits)
    if len(digits) < 8:
        return "*" * (len(digits) - 2) + digits[-2:]
    return digits[: min(3, len(digits) - 7)] + "****" + digits[-4:]


def mask_email(email: str) -> str:
    """Return the address with its name hidden: zhangsan@example.com → z***@example.com."""
    local, at, domain = email.strip().rpartition("@")
    return f"{local[:1]}***@{domain}" if at and local else "***"


def mask_name(name: str) -> str:
    """Return the surname or initials only: 张三丰 → 张**, 欧阳修 → 欧阳*, Jane Doe → J*** D***."""
    name = normalise(name)
    if not name:
        return ""
    if _HAN.match(name):
        bare = name.replace(" ", "")
        shown = 2 if len(bare) > 2 and bare[:2] in _DOUBLE_SURNAMES else 1
        return bare[:shown] + "*" * min(max(len(bare) - shown, 1), 4)
    return " ".join(word[0] + "***" for word in name.split()[:3])


def mask_address(address: str) -> str:
    """Return a postal address down to its district: 浙江省杭州市西湖区文三路 138 号 → 浙江省杭州市西湖区****.

    Without a district the city is shown, of an English address the last part without digits; otherwise nothing.
    """
    address = normalise(address)
    if not address:
        return ""
    if _HAN.search(address):
        for pattern in (_DISTRICT, _CITY, _PROVINCE):
            if found := pattern.match(address):
                return found[0].rstrip() + "****"
        return "****"
    parts = [part.strip() for part in address.split(",")]
    region = "" if len(parts) < 2 or re.search(r"\d", parts[-1]) else parts[-1]
    return f"****, {region}" if region else "****"
