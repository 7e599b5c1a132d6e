"""The words of the demo's set-up: macros, own fields, the standard of broken goods. Invented throughout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class MacroStory:
    """A macro: its words and its other steps, `category` by key."""

    title: str
    folder: str
    body: str
    category: str = ""
    steps: dict[str, Any] = field(default_factory=dict)


MACROS = [
    MacroStory(
        "破损补发",
        "质量",
        "{customer_name}您好，照片我看到了，确实是运输中碰坏的，非常抱歉。旧的不用寄回，我今天就为您补发一件，"
        "发出后把快递单号告诉您。",
        "quality-defect",
        {"add_tags": ("补发",), "status": "waiting_customer", "assign": "me"},
    ),
    MacroStory(
        "催件并约定答复",
        "物流",
        "{customer_name}您好，订单 {order_number} 我已经联系快递公司加急，明天 12:00 前给您一个准确的答复。",
        "logistics-late",
        {"add_tags": ("催件",), "assign": "me"},
    ),
    MacroStory("升级为投诉", "投诉", "", "complaint", {"priority": 40, "add_tags": ("升级",)}),
    MacroStory(
        "感谢表扬并关闭",
        "问候",
        "{customer_name}您好，您的话我已经念给整个仓库的同事听了。谢谢您特地告诉我们，祝您生活愉快。",
        "praise",
        {"status": "resolved"},
    ),
]

# (code, Chinese, English, kind, category key, choices, is required)
FIELDS: list[tuple[str, str, str, str, str, list[tuple[str, str, str]], bool]] = [
    (
        "damage",
        "问题类型",
        "What is wrong",
        "choice",
        "quality-defect",
        [
            ("broken", "破损、缺口", "Broken or chipped"),
            ("fault", "不能正常使用", "Does not work"),
            ("finish", "做工瑕疵", "Poor finish"),
            ("smell", "异味、掉色", "Smell or colour loss"),
        ],
        True,
    ),
    ("batch", "批次号", "Batch number", "text", "quality", [], False),
    ("safe", "是否存在安全风险", "Could it hurt somebody", "yesno", "quality", [], False),
    ("new_size", "换成的规格", "Size wanted instead", "text", "return-exchange", [], False),
    ("pickup_on", "预约取件日期", "Pickup on", "date", "return", [], False),
    ("amount", "涉及金额（元）", "Amount (CNY)", "number", "refund", [], False),
]

SKILLS_ASKED = {
    "logistics": "logistics",
    "return": "returns",
    "refund": "returns",
    "quality": "technical",
    "complaint": "complaints",
    "presale": "presales",
}

STANDARD_STEPS: list[dict[str, Any]] = [
    {
        "key": "soothe",
        "title": "先道歉，说明由您负责到底",
        "hint": "不要先问责任，先让客户知道有人管。",
        "is_required": True,
    },
    {
        "key": "photo",
        "title": "拿到能看清问题的照片或视频",
        "hint": "商品、外包装、快递面单各一张。",
        "is_required": True,
    },
    {
        "key": "batch",
        "title": "核对批次号，查同批次有没有别的反馈",
        "hint": "填进“批次号”，方便品控部统计。",
        "is_required": False,
    },
    {
        "key": "offer",
        "title": "给出方案：补发、换新或退款，由客户选",
        "hint": "500 元以内不用请示。",
        "is_required": True,
    },
    {"key": "follow", "title": "补发签收后问一句是否满意", "hint": "", "is_required": False},
]
STANDARD_SOLUTIONS = [
    {
        "title": "补发，旧件不用寄回",
        "body": "非常抱歉让您收到有问题的商品。旧的不用寄回，我今天为您补发一件新的，发出后把单号告诉您。",
    },
    {
        "title": "上门取件后退款",
        "body": "给您添麻烦了。我为您预约上门取件，运费由我们承担，快递员取走后当天退款，原路退回。",
    },
]

OVERDUE_ASKED = "这只铸铁锅的珐琅掉了一块，客户说开箱就这样。请查同批次出库时的抽检照片，判断是出厂还是运输的问题。"
TAKEN_ASKED = "包裹在杭州转运中心停了两天，请联系网点，问清楚什么时候发出，能不能改走别的线路。"
ANSWERED_ASKED = "客户说少了一只杯子，请看一下打包录像。"
ANSWER = "录像看过了，确实只放进去一只。我们已经把漏发的那只单独打包，今天下午四点的车发出。"
JOINT_ASKED = "客户第二次收到破损的花瓶，要求书面说明。请各自说明原因和改进办法，我汇总后答复客户。"
JOINT_PART = "这两单都是同一条线路的新网点派送。我们已要求该网点对易碎件单独码放，本周起抽查。"
TIER_ASKED = "台灯插上去会闪，换过插座和灯泡都一样，已有三位客户反映。请判断是不是驱动器的问题。"
TIER_ANSWER = "抽了库存 20 台，3 台复现，是 11 月到的那批驱动器电容虚焊。请先给客户换新，这批停止发货。"
DEFECT = "原木台灯 11 月批次驱动器电容虚焊，点亮后频闪"

POT = "铸铁锅开箱发现内壁珐琅掉了一块，还能用吗？对身体有没有影响？"
PARCEL = "快递在杭州停了两天没动，周五要送人的，能催一下吗？"
VASE = "第二次收到碎的花瓶了，请给我一个书面的说明。"
VASE_ANSWER = "非常抱歉又让您失望了。我会请相关部门一起查清楚，明天中午前给您书面答复。"
KEPT_TOLD = "刚才电话里说好的券已经发到您的账户，谢谢您愿意再给我们一次机会。"
INVOICE_AGAIN = "刚才在网页上留过言：发票抬头要重开，税号不变。"
PLANNED = "您好，重开的电子发票已经发到您的邮箱，请查收。抬头和税号我都核对过了。"
CUPS = "对杯礼盒里只有一只杯子，少发了一只。"
LAMP = "原木台灯一开就闪，换了插座和灯泡都一样。"
BOTTLE = "保温杯拧不紧，会漏水，想换一个。"
PILLOW = "枕头退回去四天了，退款还没有到账。"
QUILT = "被子想改寄到公司，能赶上发货吗？"
BLANKET = "盖毯颜色和图片差得多，想退。"
BLANKET_TOO = "盖毯颜色偏黄，和详情页不一样，怎么退？"
