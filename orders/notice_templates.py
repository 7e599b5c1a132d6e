"""What order notices say, for each step and channel, in both languages; the company may change it in the settings.

Text messages and WeChat messages are the provider's approved templates: these words are what such a template should
say, and what is shown of the message afterwards.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from notifications.enums import Channel
from notifications.templates import register_template
from orders.notice_enums import NoticeStep

SAMPLE = {
    "items": "保温杯 500ml 白色 × 2、杯刷 × 1", "carrier": "顺丰速运", "tracking_number": "SF1234567890123",
    "expected": "11月25日", "contact": "400-800-1234", "code": "12-3-4567", "place": "文三路菜鸟驿站", "reason": "",
    "shipped_by": "快递：顺丰速运 SF1234567890123",
}  # fmt: skip

_GREETING = {"zh-hans": "{customer_name}，您好：", "en": "Hello {customer_name},"}
_FACTS = {
    "zh-hans": "- 订单：{order_number}\n- 商品：{items}",
    "en": "- Order: {order_number}\n- Items: {items}",
}
_PARCEL = {
    "zh-hans": "- 快递：{carrier} {tracking_number}",
    "en": "- Carrier: {carrier} {tracking_number}",
}
_BUTTON = {"zh-hans": "[查看物流]({url})", "en": "[Follow the parcel]({url})"}
_CONTACT = {"zh-hans": "需要售后或有疑问，请联系：{contact}", "en": "For returns and questions: {contact}"}

# step: (subject, first sentence of the mail, short words) as (zh-hans, en); the mail goes on with facts and a button.
_WORDS: dict[str, tuple[tuple[str, str], tuple[str, str], tuple[str, str]]] = {
    NoticeStep.CONFIRMATION: (
        ("订单已确认：{order_number}", "Your order {order_number} is confirmed"),
        (
            "我们已经收到您在{shop_name}的订单，正在为您备货。\n\n预计送达：{expected}",
            "we have your order with {shop_name} and are getting it ready.\n\nExpected arrival: {expected}",
        ),
        (
            "您的订单 {order_number} 已确认，我们正在备货。售后联系：{contact}",
            "Your order {order_number} is confirmed and being prepared. Questions: {contact}",
        ),
    ),
    NoticeStep.SHIPPED: (
        ("已发货：{order_number}", "Your order {order_number} is on its way"),
        (
            "您的包裹已经发出。\n\n预计送达：{expected}",
            "your parcel has left us.\n\nExpected arrival: {expected}",
        ),
        (
            "您的订单 {order_number} 已发货，{carrier} {tracking_number}。",
            "Your order {order_number} has been shipped: {carrier} {tracking_number}.",
        ),
    ),
    NoticeStep.OUT_FOR_DELIVERY: (
        ("正在派送：{order_number}", "Out for delivery today: {order_number}"),
        (
            "您的包裹正在派送，请保持电话畅通。",
            "your parcel is out for delivery. Please keep your phone at hand.",
        ),
        (
            "您的订单 {order_number} 正在派送（{carrier} {tracking_number}），请保持电话畅通。",
            "Your order {order_number} is out for delivery ({carrier} {tracking_number}).",
        ),
    ),
    NoticeStep.PICKUP_CODE: (
        ("包裹已到取件点：{order_number}", "Ready for pickup: {order_number}"),
        (
            "您的包裹已经到达取件点，请尽快领取。\n\n取件码：{code}\n\n取件点：{place}",
            "your parcel waits at the pickup point.\n\nPickup code: {code}\n\nPlace: {place}",
        ),
        (
            "您的订单 {order_number} 已到取件点 {place}，取件码 {code}，请尽快领取。",
            "Your order {order_number} is ready for pickup at {place}. Code: {code}",
        ),
    ),
    NoticeStep.DELIVERED: (
        ("已签收：{order_number}", "Delivered: {order_number}"),
        (
            "您的包裹已经签收。如果不是您本人或家人签收，请马上联系我们。",
            "your parcel has been delivered. If you have not got it, please tell us at once.",
        ),
        (
            "您的订单 {order_number} 已签收。未收到请联系：{contact}",
            "Your order {order_number} has been delivered. Not received? {contact}",
        ),
    ),
    NoticeStep.DELAYED: (
        ("您的订单会晚一些到：{order_number}", "Your order {order_number} will be late"),
        (
            "很抱歉，您的包裹会比约定的时间晚一些。\n\n{reason}\n\n新的预计送达：{expected}",
            "we are sorry: your parcel will be later than promised.\n\n{reason}\n\nNow expected: {expected}",
        ),
        (
            "很抱歉，您的订单 {order_number} 会晚一些到，预计 {expected} 送达。",
            "Sorry, your order {order_number} will be late. Now expected: {expected}",
        ),
    ),
    NoticeStep.EXCEPTION: (
        ("包裹有情况，我们正在处理：{order_number}", "A problem with your parcel: {order_number}"),
        (
            "您的包裹在运输途中遇到了问题，我们已经在和快递公司处理，有进展会马上告诉您。\n\n{reason}",
            "there is a problem with your parcel. We are dealing with the carrier and will tell you more.\n\n{reason}",
        ),
        (
            "您的订单 {order_number} 的包裹在途中遇到问题，我们正在处理。咨询：{contact}",
            "There is a problem with the parcel of order {order_number}. We are on it. Questions: {contact}",
        ),
    ),
}
_LABELS = {
    NoticeStep.CONFIRMATION: _("Order notice: order confirmed"),
    NoticeStep.SHIPPED: _("Order notice: shipped"),
    NoticeStep.OUT_FOR_DELIVERY: _("Order notice: out for delivery"),
    NoticeStep.PICKUP_CODE: _("Order notice: ready for pickup"),
    NoticeStep.DELIVERED: _("Order notice: delivered"),
    NoticeStep.DELAYED: _("Order notice: later than promised"),
    NoticeStep.EXCEPTION: _("Order notice: problem with the parcel"),
}


def _register(step: NoticeStep) -> None:
    subjects, mails, shorts = _WORDS[step]
    subject = {"zh-hans": subjects[0], "en": subjects[1]}
    has_parcel = step != NoticeStep.CONFIRMATION
    body = {}
    for language, words in (("zh-hans", mails[0]), ("en", mails[1])):
        facts = _FACTS[language] + (f"\n{_PARCEL[language]}" if has_parcel else "\n\n{shipped_by}")
        body[language] = "\n\n".join([_GREETING[language], words, facts, _BUTTON[language], _CONTACT[language]])
    key, label = f"order.{step}", _LABELS[step]
    register_template(key, subject=subject, body=body, label=label, sample=SAMPLE)
    for channel in (Channel.SMS, Channel.WECHAT, Channel.PUSH):
        short = {"zh-hans": shorts[0], "en": shorts[1]}
        if channel == Channel.SMS:
            short = {language: f"{words}\n\n{{url}}" for language, words in short.items()}
        register_template(key, channel=channel, subject=subject, body=short, label=label, sample=SAMPLE)


for _step in NoticeStep:
    _register(_step)
