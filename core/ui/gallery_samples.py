"""What the gallery shows: a made-up shop, so that every part is seen with real lengths and both scripts."""

# ruff: noqa: E501 - sample data reads best as one row a line

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

TONES = ("neutral", "accent", "good", "warn", "bad", "info", "note")
STATES = (
    ("new", "新建"),
    ("open", "处理中"),
    ("waiting_customer", "等待客户"),
    ("waiting_department", "等待部门"),
    ("resolved", "已解决"),
    ("closed", "已关闭"),
    ("reopened", "重新打开"),
    ("shipped", "已发货"),
    ("out_for_delivery", "派送中"),
    ("ready_for_pickup", "待取件"),
    ("delivered", "已签收"),
    ("returning", "退回途中"),
    ("lost", "丢失"),
    ("failed", "发送失败"),
    ("overdue", "已逾期"),
    ("urgent", "紧急"),
)
LONG = "我上周三在你们店里买的那台 1.5L 保温壶到现在还没有收到，物流一直停在「已到达杭州转运中心」，打了三次电话都说再等等，请问到底什么时候能送到？"


class SampleForm(forms.Form):
    """One field of every kind."""

    order = forms.CharField(
        label=_("Order number"), help_text=_("You find it in the confirmation mail, for example 20261121-0042.")
    )
    phone = forms.CharField(label=_("Phone"))
    email = forms.EmailField(label=_("Mail address"), required=False)
    topic = forms.ChoiceField(
        label=_("Topic"), choices=[("late", "物流太慢"), ("broken", "商品破损"), ("refund", "退款"), ("other", "其他")]
    )
    reason = forms.ChoiceField(
        label=_("Reason"),
        widget=forms.RadioSelect,
        choices=[("size", "尺码不合适"), ("quality", "质量问题"), ("mind", "不想要了"), ("wrong", "发错货")],
    )
    tags = forms.MultipleChoiceField(
        label=_("Tags"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[("vip", "老客户"), ("gift", "礼品订单"), ("b2b", "企业采购")],
    )
    body = forms.CharField(label=_("What happened?"), widget=forms.Textarea)
    photo = forms.FileField(label=_("Photos"), required=False)
    password = forms.CharField(label=_("Password"), widget=forms.PasswordInput, required=False)
    agree = forms.BooleanField(label=_("Tell me by text message when something changes"), required=False)


class FacesForm(forms.Form):
    """A survey question and a scale."""

    satisfaction = forms.ChoiceField(
        label="这次客服帮您解决问题了吗？",
        widget=forms.RadioSelect,
        choices=[("1", "很不满意"), ("2", "不满意"), ("3", "一般"), ("4", "满意"), ("5", "很满意")],
    )
    recommend = forms.ChoiceField(
        label="您愿意把我们推荐给朋友吗？", widget=forms.RadioSelect, choices=[(str(n), str(n)) for n in range(11)]
    )


def views(at: datetime) -> list[dict[str, Any]]:
    return [
        {"group": "我的", "rows": [
            {"icon": "inbox", "name": "待我处理", "count": 12, "tone": "warn", "active": True},
            {"icon": "flame", "name": "即将超时", "count": 3, "tone": "bad"},
            {"icon": "user-question", "name": "等待客户", "count": 8},
            {"icon": "star", "name": "关注", "count": 0},
        ]},
        {"group": "团队", "rows": [
            {"icon": "sparkles", "name": "未分配", "count": 27, "tone": "warn"},
            {"icon": "truck", "name": "物流异常", "count": 41},
            {"icon": "receipt-refund", "name": "退款与售后", "count": 19},
            {"icon": "trophy", "name": "VIP 与企业客户 （华东仓）", "count": 4},
            {"icon": "archive", "name": "最近解决", "count": 12480},
        ]},
    ]  # fmt: skip


def tickets(at: datetime) -> list[dict[str, Any]]:
    rows = [
        ("陈雨桐", "mail", "保温壶一直没到，物流停在杭州", "请问到底什么时候能送到？", 3, 42, 60, "金卡", True),
        ("李建国", "chat", "退款还没到账", "已经等了五个工作日了", 14, -12, 60, "", True),
        (
            "Marcus Weber",
            "form",
            "Wrong size delivered, order 20261118-0913",
            "Could you send the label today?",
            41,
            120,
            240,
            "",
            False,
        ),
        ("欧阳若曦", "wechat", "杯盖漏水，附照片", "[图片] 就是这里会渗水", 95, 9, 60, "银卡", False),
        (
            "上海某某贸易有限公司采购部",
            "mail",
            "企业采购 300 件，能否开增值税专用发票并分三批送到不同的仓库？",
            "附件是我们的开票信息",
            180,
            300,
            480,
            "企业",
            False,
        ),
        ("王芳", "phone", "想改收货地址", "来电 2 分 10 秒", 420, None, None, "", False),
        ("赵", "sms", "取件码收不到", "好的谢谢", 1500, 60, 120, "", False),
        ("Nguyễn Thị Minh Khai", "form", "Gift card balance", "Thanks, that helps.", 3200, None, None, "", False),
    ]
    return [
        {
            "who": who,
            "channel": channel,
            "subject": subject,
            "last": last,
            "at": at - timedelta(minutes=age),
            "due_at": at + timedelta(minutes=left) if left is not None else None,
            "started_at": at + timedelta(minutes=left - whole) if left is not None and whole else None,
            "tier": tier,
            "unread": unread,
            "watchers": ["周敏"] if index == 3 else [],
        }
        for index, (who, channel, subject, last, age, left, whole, tier, unread) in enumerate(rows)
    ]


def stream(at: datetime) -> list[dict[str, Any]]:
    return [
        {"kind": "day", "text": "11月19日"},
        {"kind": "event", "icon": "shopping-cart", "text": "下单 20261119-0042 · ¥1,299.00", "at": at - timedelta(days=2, hours=3)},
        {"kind": "event", "icon": "truck-delivery", "text": "包裹 SF1402938475621 已揽收", "at": at - timedelta(days=1, hours=20)},
        {"kind": "day", "text": "今天"},
        {"kind": "in", "who": "陈雨桐", "text": LONG, "at": at - timedelta(minutes=52), "channel": "mail", "file": "物流截图.png"},
        {"kind": "in", "who": "陈雨桐", "text": "订单号是 20261119-0042，收件人写的是我妈妈的名字。", "at": at - timedelta(minutes=51), "follow": True},
        {"kind": "event", "icon": "alert-triangle", "tone": "warn", "text": "包裹 36 小时没有新的扫描", "at": at - timedelta(minutes=50)},
        {"kind": "note", "who": "周敏", "text": "已在内部群问过顺丰杭州场地，下午 4 点前给答复。@李强 如果今天派不出去就补发。", "at": at - timedelta(minutes=30)},
        {"kind": "out", "who": "林晓", "text": "陈女士您好，让您久等了。包裹因杭州分拣中心爆仓滞留了一天，我们刚刚确认已经装车，预计明天 18:00 前送到您母亲手上。\n\n如果明天仍未送达，我们会立即为您补发，不需要您再联系我们。", "at": at - timedelta(minutes=12), "state": "已送达 · 已读"},
        {"kind": "in", "who": "陈雨桐", "text": "好的，谢谢 🙏", "at": at - timedelta(minutes=3), "channel": "mail"},
    ]  # fmt: skip


def life(at: datetime) -> list[dict[str, Any]]:
    return [
        {"label": "已下单", "state": "done", "at": at - timedelta(days=2, hours=3), "icon": "shopping-cart"},
        {
            "label": "已揽收",
            "state": "done",
            "at": at - timedelta(days=1, hours=20),
            "note": "深圳南山营业点",
            "icon": "package-export",
        },
        {
            "label": "运输中",
            "state": "now",
            "at": at - timedelta(hours=5),
            "note": "杭州转运中心，已装车",
            "icon": "truck-delivery",
        },
        {"label": "派送", "state": "next", "note": "预计明天 18:00 前", "icon": "route"},
        {"label": "签收", "state": "next", "icon": "home"},
    ]


def steps() -> list[dict[str, Any]]:
    return [
        {"label": "选择文件", "state": "done"},
        {"label": "对应列", "state": "done"},
        {"label": "试运行", "state": "now", "note": "10,000 行"},
        {"label": "导入", "state": "next"},
    ]


def story(at: datetime) -> list[dict[str, Any]]:
    return [
        {"icon": "shopping-cart", "text": "下单，2 件商品，¥1,299.00", "at": at - timedelta(days=2, hours=3), "tone": "", "meta": "微信小程序"},
        {"icon": "credit-card", "text": "已付款", "at": at - timedelta(days=2, hours=2), "tone": "info", "meta": "微信支付"},
        {"icon": "truck-delivery", "text": "包裹发出", "at": at - timedelta(days=1, hours=20), "tone": "info", "meta": "顺丰 SF1402938475621"},
        {"icon": "alert-triangle", "text": "36 小时没有新的扫描", "at": at - timedelta(minutes=50), "tone": "warn", "meta": ""},
        {"icon": "mail", "text": "客户来信：保温壶一直没到", "at": at - timedelta(minutes=52), "tone": "accent", "meta": ""},
    ]  # fmt: skip


def orders(at: datetime) -> list[dict[str, Any]]:
    return [
        {"number": "20261119-0042", "who": "陈雨桐", "state": "shipped", "label": "已发货", "amount": Decimal("1299"), "items": 2, "at": at - timedelta(days=2), "trend": [3, 5, 4, 6, 9, 8, 12]},
        {"number": "20261118-0913", "who": "Marcus Weber", "state": "delivered", "label": "已签收", "amount": Decimal("89.5"), "items": 1, "at": at - timedelta(days=3), "trend": [9, 8, 8, None, 6, 5, 5]},
        {"number": "20261031-0007", "who": "上海某某贸易有限公司采购部", "state": "refused", "label": "拒收", "amount": Decimal("128640.00"), "items": 300, "at": at - timedelta(days=21), "trend": [1, 1, 1, 1, 1, 1, 1]},
    ]  # fmt: skip


def charts() -> list[dict[str, Any]]:
    hours = [f"{hour}:00" for hour in range(8, 21)]
    now = [6, 7, 9, 14, 12, 11, 18, 16, 12, 9, 8, 7, 6]
    before = [8, 8, 10, 12, 13, 12, 13, 14, 12, 11, 9, 8, 8]
    reasons = [("物流太慢", 128), ("商品破损", 64), ("退款进度", 51), ("开发票", 22), ("改地址", 17)]
    return [
        {
            "id": "chart-response",
            "title": "首次响应时间",
            "summary": "今天的中位数 9 分钟，比上周同日快 2 分钟",
            "columns": ["时间", "今天 （分）", "上周同日 （分）"],
            "rows": [list(row) for row in zip(hours, now, before, strict=True)],
            "option": {
                "xAxis": {"type": "category", "data": hours, "boundaryGap": False},
                "yAxis": {"type": "value", "min": 0},
                "series": [
                    {"type": "line", "name": "上周同日", "data": before, "lineStyle": {"type": "dashed", "color": "@ghost", "width": 1.5}, "itemStyle": {"color": "@ghost"}},
                    {"type": "line", "name": "今天", "data": now, "endLabel": {"show": True, "formatter": "{a}", "color": "@accent"}, "itemStyle": {"color": "@accent"},
                     "markLine": {"silent": True, "symbol": "none", "data": [{"yAxis": 15}], "lineStyle": {"color": "@warn-fill", "type": "dotted"}, "label": {"formatter": "目标 15 分", "position": "insideStartTop", "color": "@warn"}}},
                ],
                "grid": {"right": 40},
            },
        },
        {
            "id": "chart-reasons",
            "title": "客户为什么来",
            "summary": "物流占四成",
            "columns": ["原因", "工单"],
            "rows": [list(row) for row in reasons],
            "option": {
                "xAxis": {"type": "value", "show": False, "min": 0},
                "yAxis": {"type": "category", "inverse": True, "data": [name for name, _ in reasons], "axisLine": {"show": False}},
                "series": [{"type": "bar", "data": [value for _, value in reasons], "label": {"show": True, "position": "right", "color": "@ink-2"}, "itemStyle": {"color": "@series1"}}],
            },
        },
    ]  # fmt: skip
