"""What must not leave in an answer: full card and ID numbers, private contacts, somebody else's order or name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from tickets.quality_enums import Rule
from tickets.screening.answer import Answer
from tickets.screening.words import find_words

_ID = re.compile(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])")
_CARD = re.compile(r"(?<![0-9A-Za-z])\d(?:[ -]?\d){14,18}(?![0-9A-Za-z])")
_NUMBER_OF = re.compile(
    r"(?:订单|单号|运单|快递|编号|条码|流水|凭证|order|tracking|number)[^\d\n]{0,8}$", re.IGNORECASE
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_DENIED = re.compile(
    r"(?:不要|不能|不可|不会|不得|不支持|无法|请勿|切勿|勿|谨防|警惕|骗|不|never|not|don't|beware)[^。，,；;\n]{0,24}$",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"我的|本人|我私人|我个人|加我|找我|打我|联系我|call me|text me|my (?:own|personal|private)")
_ELSEWHERE = re.compile(r"快递|派送|网点|师傅|司机|仓库|门店|收件|收货|您|客服热线|售后热线|安装|驿站")
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)")
_CLAUSE_STOPS = "。！？!?；;\n"

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟"
    "熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍"
    "涂成苗谷曲盛冉"
)
_GREETED = re.compile(
    r"(?:^|[，,。！!\n]|您好|你好|尊敬的|亲爱的|Dear )\s*(?:尊敬的|亲爱的)?"
    r"(?P<name>[\u4e00-\u9fff]{1,3})(?P<title>先生|女士|小姐)(?=[，,：:！!。 \n]|您好|你好|您|$)"
)
_DEAR = re.compile(r"^\s*(?:dear|hi|hello)\s+(?:mr|mrs|ms|miss)\.?\s+(?P<name>[A-Z][a-z]+)\b", re.IGNORECASE)


def personal_numbers(answer: Answer) -> Iterator[tuple[int, int]]:
    """Yield where a whole ID or bank card number stands, proved by date, issuer and check digit."""
    text = answer.sent
    for match in _ID.finditer(text):
        if _is_id(match[0].upper()) and not _NUMBER_OF.search(text[: match.start()]):
            yield match.span()
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _is_card(digits) and not _NUMBER_OF.search(text[: match.start()]):
            yield match.span()


def _is_id(number: str) -> bool:
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    check = "10X98765432"[sum(int(n) * w for n, w in zip(number, _ID_WEIGHTS, strict=False)) % 11]
    return 1900 <= born.year <= 2100 and number[0] in "12345678" and check == number[17]


def _is_card(digits: str) -> bool:
    known = (digits.startswith("62") and 16 <= len(digits) <= 19) or (
        len(digits) == 16 and (digits[0] == "4" or "51" <= digits[:2] <= "55")
    )
    if not known:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def contacts(answer: Answer) -> Iterator[tuple[int, int]]:
    """Yield where the customer is led to a private account or number of the agent's."""
    text = answer.own
    lists = answer.words.get(Rule.CONTACT, {})
    for start, end in find_words(text, (*lists.get("zh", ()), *lists.get("en", ()))):
        if not _DENIED.search(text[_clause_start(text, start) : start]):
            yield start, end
    for match in _MOBILE.finditer(text):
        before = text[max(_clause_start(text, match.start()), match.start() - 20) : match.start()]
        if _PERSONAL.search(before) and not _ELSEWHERE.search(before) and not _DENIED.search(before):
            yield match.span()


def _clause_start(text: str, place: int) -> int:
    return max((text.rfind(stop, 0, place) for stop in _CLAUSE_STOPS), default=-1) + 1


def foreign_orders(answer: Answer) -> Iterator[tuple[int, int]]:
    """Yield where an order number of another customer stands."""
    for number in answer.foreign_orders:
        place = answer.sent.find(number)
        if place >= 0:
            yield place, place + len(number)


def foreign_names(answer: Answer) -> Iterator[tuple[int, int]]:
    """Yield where somebody of another surname is greeted; only where the customer's own surname is known."""
    known = {name[0] for name in answer.customer_names if _is_name(name)}
    if known:
        for match in _GREETED.finditer(answer.own[:120]):
            if match["name"][0] in SURNAMES and match["name"][0] not in known:
                yield match.start("name"), match.end("title")
                return
    latin = {word.lower() for name in answer.customer_names for word in re.findall(r"[A-Za-z]{2,}", name)}
    dear = _DEAR.match(answer.own)
    if latin and not known and dear is not None and dear["name"].lower() not in latin:
        yield dear.start("name"), dear.end("name")


def _is_name(name: str) -> bool:
    return bool(re.fullmatch(r"[\u4e00-\u9fff]{2,4}", name)) and name[0] in SURNAMES
