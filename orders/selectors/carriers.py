"""Carriers by the many names people call them."""

from __future__ import annotations

from orders.models import Carrier

ALIASES = {
    "shunfeng": ("顺丰", "顺丰快递", "顺丰速递", "sf", "sf express", "shunfengkuaidi"),
    "zhongtong": ("中通", "中通速递", "zto", "zto express"),
    "yuantong": ("圆通", "圆通快递", "yto", "yto express"),
    "shentong": ("申通", "申通速递", "sto", "sto express"),
    "yunda": ("韵达", "韵达速递", "yunda express", "yd"),
    "jd": ("京东", "京东快递", "京东配送", "jd logistics", "jingdong", "jdl"),
    "ems": ("邮政ems", "ems快递", "邮政特快", "邮政特快专递"),
    "jtexpress": ("极兔", "极兔快递", "j&t", "j&t express", "jt"),
    "youzhengguonei": ("邮政", "中国邮政", "邮政包裹", "邮政小包", "china post", "post"),
    "other": ("其他", "其它", "其它快递", "others"),
}


def carriers() -> list[Carrier]:
    """Return all carriers by name."""
    return list(Carrier.objects.order_by("-is_active", "pk"))


def carrier_codes() -> dict[str, str]:
    """Return every name a carrier goes by, in lower case, with its code."""
    return {word: code for word, (code, _pk) in _named().items()}


def carriers_named() -> dict[str, int]:
    """Return every name a carrier goes by, in lower case, with its id."""
    return {word: pk for word, (_code, pk) in _named().items()}


def _named() -> dict[str, tuple[str, int]]:
    book: dict[str, tuple[str, int]] = {}
    for pk, code, name, name_en in Carrier.objects.values_list("pk", "code", "name", "name_en"):
        for word in (code, name, name_en, *ALIASES.get(code, ())):
            if word:
                book[word.lower()] = code, pk
    return book


def carrier_ids() -> dict[str, int]:
    """Return carrier ids by code."""
    return dict(Carrier.objects.values_list("code", "pk"))
