"""Guarantees nobody can give, and money promised by somebody who may not decide it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from tickets.screening.answer import Answer

_CLAUSE = re.compile(r"[^\x00。！？!?；;，,\n]+[？?]?")
_SENTENCE = re.compile(r"[^\x00。！？!?；;\n]+[？?]?")
_STRONG = re.compile(
    r"(?<!为了)(?<!为)(?<!以)(?<!确)(?:保证(?!金|书|期|质量|品质|您的账|您的资|您的个|您的信|信息|商品新鲜|安全)"
    r"|担保(?!交易|公司)|绝对(?!值|路径)|百分之?百|100\s*[%％](?!棉|纯|羊|桑|聚|涤|亚|天然|的?[棉毛麻丝])|包您|打包票|打保票|向您承诺)"
)
_WEAK = re.compile(r"(?<!不)(?<!唯)(?:一定|肯定|必定|铁定)(?!程度|的|要|范围|时间|数量|规模|条件|比例|是|要求)")
_OUTCOME = re.compile(
    r"退款|退钱|退还|退给|退您|退到|全额|赔|补偿|到货|送到|送达|到达|收到|签收|能到|会到|发货|发出|通过|批准|解决|修好|修复|"
    r"成功|有货|最低价|降价|涨价|免费|不会再?(?:坏|出现|发生|有问题|掉|褪|裂|变形)|没问题|没有?任何?问题|治好|有效|换新|能用|好用"
)
_HARD = re.compile(
    r"退款|退钱|退给您|退您|全额|赔(?:付|偿|您|给)|到货|送到|送达|能到|会到|到您手|收到货|收到包裹|通过审核|审核通过|批下来|免费|"
    r"给您补偿|修好|有货"
)
_DENIED = re.compile(
    r"(?:不能|不敢|不好|不可|无法|没法|没办法|没有办法|难以|未必|不一定|并非|不是|不会|不|未|没)[^，。]{0,6}$"
)
_OTHERS = re.compile(
    r"快递|物流|网点|派送员|厂家|厂商|平台|官方|银行|供应商|仓库说|之前的客服|上一位|前同事|广告|页面|详情页|说明书"
)
_ASKED = re.compile(r"请您?|麻烦您?|记得|务必|您一定|你一定|如果|若|假如|能否|是否|可否|要是|一旦|不管|无论")
_VOW = re.compile(
    r"(?<!不)(?<!不能)(?<!不敢)(?:我给您担保|我向您保证|我打包票|跟您打包票|我打保票)[，,：:]"
    r"[^。！？!?；;，,\n]{0,12}(?:能到|到货|送到|发货|退款|到账|通过|修好|解决)"
)
_NEAR = 16

_EN_STRONG = re.compile(
    r"\b(?:i|we)(?:'ll| will| can| do)? (?:guarantee|promise)\b(?! (?:period|card))|\bguaranteed\b(?! by| period)"
    r"|\bi give you my word\b|\b(?:definitely|certainly|absolutely|surely|100 ?%|without fail|for sure)\b",
    re.IGNORECASE,
)
_EN_OUTCOME = re.compile(
    r"\b(?:full refund|refund(?:ed)?|money back|compensat\w+|deliver(?:ed|y)?|arrives?|approved|replacement|be fixed"
    r"|for free|free of charge|never happen|no problem at all)\b",
    re.IGNORECASE,
)
_EN_DENIED = re.compile(
    r"\b(?:can(?:no|')?t|can not|not|unable to|couldn't|won't|don't|no|never|if|whether|once|unless)\b"
    r"(?:\s+\w+){0,4}\s*$",
    re.IGNORECASE,
)
_EN_HELP = re.compile(
    r"\b(?:help|look into|check|understand|check on|assist|apply|request|ask|send (?:me|us)|see|know)\b", re.IGNORECASE
)

_MONEY = re.compile(
    r"(?:退款|退还|退回|退|赔偿|赔付|赔|补偿|补|返现|返)(?:给)?(?:您|你)?"
    r"(?:差价|现金|红包|款|金额|了)?(?:共|共计|人民币)?\s*"
    r"(?:[¥￥]\s*(?P<a>\d{1,7}(?:\.\d{1,2})?)|(?P<b>\d{1,7}(?:\.\d{1,2})?)\s*(?:元|块钱?|rmb|RMB))"
)
_WHOLE = re.compile(
    r"全额(?:给?[您你])?(?:退|赔)|(?:退|赔)(?:您|你)?全款|(?:假一|十倍|三倍|双倍)(?:赔|退)\w{0,2}|(?:十倍|三倍|双倍)赔"
)
_HELD = re.compile(
    r"已经?|此前|之前|上次|昨天|昨日|刚刚|刚才|显示|查询|查到|如果|若|假如|要是|等|待|审核|验收|验货|检测|通过|符合|申请|提交|"
    r"不能|无法|没办法|不支持|不可|不会|没有|未|可能|是否|吗|规则|政策|活动|最高|平台"
)
_DONE = re.compile(r"\s*(?:已经?|到账|已到|成功|has been|was)")
_EN_MONEY = re.compile(
    r"\b(?:i|we)(?:'ll| will| can| am going to| are going to)\s+(?:\w+\s+){0,3}?"
    r"(?:refund|compensate|pay|credit|give)(?:\s+(?:you|back|a|the|of|with|full|refund)){0,5}\s*"
    r"(?:[$¥€£]|cny|rmb|usd)?\s?(?P<a>\d{1,7}(?:\.\d{1,2})?)\s*(?:[$¥€£]|cny|rmb|usd|yuan|dollars)?"
    r"(?!\s*(?:days?|hours?|working|business|%))",
    re.IGNORECASE,
)
_EN_WHOLE = re.compile(
    r"\b(?:i|we)(?:'ll| will| can)\s+(?:\w+\s+){0,3}?(?:full refund|refund (?:you )?in full|refund everything)",
    re.IGNORECASE,
)
_EN_HELD = re.compile(
    r"\b(?:if|once|after|when|has been|have been|was|were|already|apply|request|not|can't|cannot)\b", re.IGNORECASE
)


def guarantees(answer: Answer) -> Iterator[tuple[int, int]]:
    """Yield where a result is guaranteed in the agent's own words: 保证到货, 一定全额退款, "guaranteed refund"."""
    yield from _chinese(answer.own)
    yield from _english(answer.own)


def _chinese(text: str) -> Iterator[tuple[int, int]]:
    for clause in _CLAUSE.finditer(text):
        words = clause[0]
        if words.endswith(("?", "？", "吗", "么")) or _OTHERS.search(words):
            continue
        for pattern, outcome in ((_STRONG, _OUTCOME), (_WEAK, _HARD)):
            span = _beside(words, pattern, outcome)
            if span is not None:
                yield clause.start() + span[0], clause.start() + span[1]
                break
    for vow in _VOW.finditer(text):
        yield vow.span()


def _beside(words: str, pattern: re.Pattern[str], outcome: re.Pattern[str]) -> tuple[int, int] | None:
    for match in pattern.finditer(words):
        before = words[: match.start()]
        if _DENIED.search(before) or _ASKED.search(before):
            continue
        after = outcome.search(words, match.end(), min(len(words), match.end() + _NEAR))
        if after is not None:
            return match.start(), after.end()
    return None


def _english(text: str) -> Iterator[tuple[int, int]]:
    for sentence in _SENTENCE.finditer(text):
        words = sentence[0]
        if words.endswith(("?", "？")):
            continue
        for match in _EN_STRONG.finditer(words):
            after = _EN_OUTCOME.search(words, match.end())
            if after is None or _EN_DENIED.search(words[: match.start()]):
                continue
            between = words[match.end() : after.start()]
            if len(between) > 60 or _EN_HELP.search(between) or re.search(r"\b(?:if|once|unless)\b", between, re.I):
                continue
            yield sentence.start() + match.start(), sentence.start() + after.end()
            break


def money(answer: Answer) -> Iterator[tuple[int, int]]:
    """Yield where more money is promised than the author may decide; what is done, asked for or conditional is not."""
    limit = answer.money_limit
    if limit is None:
        return
    text = answer.own
    for sentence in _SENTENCE.finditer(text):
        words = sentence[0]
        for pattern, held in ((_MONEY, _HELD), (_WHOLE, _HELD), (_EN_MONEY, _EN_HELD), (_EN_WHOLE, _EN_HELD)):
            match = pattern.search(words)
            if match is None or held.search(words[: match.end()]) or words.endswith(("?", "？", "吗")):
                continue
            if _DONE.match(words, match.end()):
                continue
            amount = next((Decimal(one) for one in match.groups() if one), answer.order_total)
            if amount is None or amount > limit:
                yield sentence.start() + match.start(), sentence.start() + match.end()
                break
