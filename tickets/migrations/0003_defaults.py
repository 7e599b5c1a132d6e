"""What every installation begins with: the default policy, the category tree, prepared answers."""

from django.db import migrations

# (key, Chinese, English, stage, is complaint, children)
TREE = [
    ("presale", "售前咨询", "Before buying", "pre_sale", False, [
        ("presale-product", "商品咨询", "About a product"),
        ("presale-price", "价格与优惠", "Price and offers"),
        ("presale-stock", "库存与到货", "Stock and arrival"),
    ]),
    ("order", "订单问题", "Order", "in_sale", False, [
        ("order-change", "修改订单或地址", "Change an order or address"),
        ("order-cancel", "取消订单", "Cancel an order"),
        ("order-payment", "付款问题", "Payment"),
    ]),
    ("logistics", "物流配送", "Delivery", "in_sale", False, [
        ("logistics-where", "包裹到哪儿了", "Where is my parcel"),
        ("logistics-late", "迟迟未送达", "Late delivery"),
        ("logistics-damaged", "外包装破损", "Damaged parcel"),
        ("logistics-lost", "包裹丢失", "Lost parcel"),
    ]),
    ("quality", "商品质量", "Quality", "after_sale", False, [
        ("quality-defect", "商品有瑕疵或损坏", "Faulty or broken"),
        ("quality-wrong", "发错货或少发", "Wrong or missing item"),
        ("quality-description", "与描述不符", "Not as described"),
    ]),
    ("return", "退货换货", "Return or exchange", "after_sale", False, [
        ("return-request", "申请退货", "Return something"),
        ("return-exchange", "申请换货", "Exchange something"),
        ("return-repair", "维修", "Repair"),
    ]),
    ("refund", "退款", "Refund", "after_sale", False, [
        ("refund-progress", "退款进度", "Where is my refund"),
        ("refund-amount", "退款金额", "Refund amount"),
    ]),
    ("invoice", "发票", "Invoice", "in_sale", False, [
        ("invoice-issue", "开具发票", "Get an invoice"),
        ("invoice-correct", "发票有误", "Correct an invoice"),
    ]),
    ("account", "账号与会员", "Account", "in_sale", False, [
        ("account-sign-in", "登录问题", "Signing in"),
        ("account-membership", "会员与积分", "Membership and points"),
    ]),
    ("complaint", "投诉", "Complaint", "after_sale", True, [
        ("complaint-service", "服务态度", "How we treated you"),
        ("complaint-delivery", "配送投诉", "Delivery"),
        ("complaint-product", "商品投诉", "Product"),
    ]),
    ("praise", "表扬", "Praise", "after_sale", False, []),
    ("suggestion", "建议", "Suggestion", "after_sale", False, []),
    ("other", "其他", "Something else", "in_sale", False, []),
]

REPLIES = [
    ("zh-hans", "问候并确认", "nh", "{customer_name}您好，我是{agent_name}。您的情况我看到了，正在为您核实，稍后回复您。"),
    ("zh-hans", "请补充照片", "zp", "{customer_name}您好，麻烦您拍一下商品和外包装的照片发给我们（能看清问题的地方和快递面单就可以），收到后我们马上为您处理。"),
    ("zh-hans", "包裹在路上", "wl", "{customer_name}您好，订单 {order_number} 的包裹已经在路上，我会替您盯着。如果明天还没有更新，我会主动联系快递，并给您一个答复。"),
    ("zh-hans", "催促快递", "cd", "{customer_name}您好，让您久等了。我已经联系快递公司加急处理订单 {order_number}，今天之内会把结果告诉您。"),
    ("zh-hans", "致歉并补发", "bf", "{customer_name}您好，给您添麻烦了，非常抱歉。我们为您重新寄一件，不需要您承担任何费用，寄出后会把快递单号发给您。"),
    ("zh-hans", "退货说明", "th", "{customer_name}您好，可以为您办理退货。请保持商品完好，连同配件一起寄回；我们收到并检查后会在 24 小时内退款，原路退回。"),
    ("zh-hans", "退款进度", "tk", "{customer_name}您好，订单 {order_number} 的退款已经提交，一般 1–3 个工作日到账，具体以付款渠道为准。如果到时还没有收到，请直接回复我。"),
    ("zh-hans", "确认已解决", "jj", "{customer_name}您好，请问问题是否已经解决？如果还有不满意的地方，直接回复就好，我会继续跟进。"),
    ("en", "Greet and confirm", "hi", "Hello {customer_name}, this is {agent_name}. I have read what happened and am checking it now; you will hear from me shortly."),
    ("en", "Ask for photos", "photo", "Hello {customer_name}, could you send us a photo of the item and of the box with its label? As soon as we have them we will sort this out."),
    ("en", "On its way", "way", "Hello {customer_name}, the parcel of order {order_number} is on its way. I keep an eye on it: without news tomorrow I will call the carrier and write to you."),
    ("en", "Chase the carrier", "chase", "Hello {customer_name}, I am sorry you have to wait. I have asked the carrier to hurry order {order_number} up and will tell you today what they say."),
    ("en", "Send it again", "again", "Hello {customer_name}, I am sorry for the trouble. We send you a new one at no cost, and you get the tracking number as soon as it leaves."),
    ("en", "How to return", "return", "Hello {customer_name}, you can send it back. Please keep it complete with all parts; we refund within 24 hours after it arrives and is checked."),
    ("en", "Refund under way", "refund", "Hello {customer_name}, the refund for order {order_number} is on its way and usually arrives within 1 to 3 working days. If it does not, just answer this message."),
    ("en", "Is it solved?", "solved", "Hello {customer_name}, is everything in order now? If not, just answer and I will go on with it."),
]  # fmt: skip


def add_defaults(apps, schema_editor):
    """Write the defaults; what is there already stays."""
    policy, category, reply = (apps.get_model("tickets", name) for name in ("SlaPolicy", "Category", "CannedReply"))
    if not policy.objects.filter(is_default=True).exists():
        policy.objects.create(name="默认", first_response_minutes=120, resolution_minutes=2880, is_default=True)
    for place, (key, zh, en, stage, complaint, children) in enumerate(TREE):
        look = {"name_zh": zh, "name_en": en, "stage": stage, "is_complaint": complaint, "position": place * 10}
        top, _new = category.objects.get_or_create(key=key, defaults=look)
        for number, (child, child_zh, child_en) in enumerate(children):
            look = {"name_zh": child_zh, "name_en": child_en, "stage": stage, "is_complaint": complaint}
            category.objects.get_or_create(key=child, defaults={**look, "parent": top, "position": place * 10 + number + 1})
    for language, title, shortcut, body in REPLIES:
        reply.objects.get_or_create(
            language=language, shortcut=shortcut, owner=None, defaults={"title": title, "body": body}
        )


def keep(apps, schema_editor):
    """Leave the rows: people may have changed them and tickets may use them."""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0002_contact_sessions_and_mail_once")]

    operations = [migrations.RunPython(add_defaults, keep)]
