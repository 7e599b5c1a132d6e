"""Two surveys and one follow-up plan to begin with; every word can be changed in the settings."""

from django.db import migrations

CSAT = "csat"


def option(key, zh, en):
    return {"key": key, "zh": zh, "en": en}


TICKET = [
    {"id": "csat", "type": "csat", "zh": "您对这次服务满意吗？", "en": "How satisfied are you with our help?", "is_required": True},
    {
        "id": "reasons", "type": "multiple", "zh": "哪里没有做好？", "en": "What went wrong?", "is_required": True,
        "options": [
            option("slow", "回复太慢", "Too slow"),
            option("unsolved", "问题没有解决", "Not solved"),
            option("attitude", "态度不好", "Not friendly"),
            option("repeat", "要反复说明情况", "Had to repeat myself"),
            option("unclear", "说得不清楚", "Hard to understand"),
            option("other", "其他", "Something else"),
        ],
        "after": "csat", "at_most": 3,
    },
    {"id": "comment", "type": "text", "zh": "还有什么想告诉我们的？", "en": "Anything else you would like to tell us?", "is_required": False},
]  # fmt: skip
ORDER = [
    {"id": "csat", "type": "csat", "zh": "您对这次购物满意吗？", "en": "How satisfied are you with this order?", "is_required": True},
    {
        "id": "reasons", "type": "multiple", "zh": "哪里没有做好？", "en": "What went wrong?", "is_required": True,
        "options": [
            option("product", "商品与描述不符", "Not as described"),
            option("quality", "质量不好", "Poor quality"),
            option("late", "送得太慢", "Arrived late"),
            option("packing", "包装破损", "Damaged packaging"),
            option("price", "价格不合适", "Price"),
            option("other", "其他", "Something else"),
        ],
        "after": "csat", "at_most": 3,
    },
    {"id": "nps", "type": "nps", "zh": "您愿意把我们推荐给朋友吗？", "en": "Would you recommend us to a friend?", "is_required": True},
    {"id": "comment", "type": "text", "zh": "还有什么想告诉我们的？", "en": "Anything else you would like to tell us?", "is_required": False},
]  # fmt: skip
SURVEYS = [
    ("ticket_csat", "ticket", "服务满意度", "Service satisfaction", 30, 29, TICKET, (
        "这次服务怎么样？", "How did we do?", "您的意见会直接交给客服主管。", "Your answer goes straight to the service lead.")),
    ("order_csat", "order", "购物满意度", "Order satisfaction", 1440, 36, ORDER, (
        "这次购物怎么样？", "How was your order?", "您的意见会帮助我们做得更好。", "Your answer helps us do better.")),
]  # fmt: skip
SCRIPT_ZH = """您好，我是{shop}的客服。您的订单 {order} 已经完成，占用您一分钟做个回访，方便吗？
1. 东西收到了吗，完好吗？
2. 使用中有没有问题？
3. 整体满意吗？1 到 5 分您打几分？
4. 有什么建议吗？
谢谢您，祝您生活愉快。"""
SCRIPT_EN = """Hello, this is {shop}. Your order {order} is complete. Do you have a minute for a short follow-up?
1. Did everything arrive in good condition?
2. Is there any problem in use?
3. How satisfied are you overall, from 1 to 5?
4. What could we do better?
Thank you, and have a good day."""


def forward(apps, schema_editor):
    survey_model = apps.get_model("feedback", "Survey")
    version_model = apps.get_model("feedback", "SurveyVersion")
    for key, touchpoint, zh, en, delay, seconds, questions, words in SURVEYS:
        survey = survey_model.objects.create(
            key=key, touchpoint=touchpoint, name_zh=zh, name_en=en, delay_minutes=delay
        )
        survey.current = version_model.objects.create(
            survey=survey, number=1, title_zh=words[0], title_en=words[1], intro_zh=words[2], intro_en=words[3],
            questions=questions, estimated_seconds=seconds,
        )  # fmt: skip
        survey.save(update_fields=["current"])
    apps.get_model("feedback", "FollowUpPlan").objects.create(
        name="订单回访", script_zh=SCRIPT_ZH, script_en=SCRIPT_EN
    )


def backward(apps, schema_editor):
    apps.get_model("feedback", "FollowUpPlan").objects.all().delete()
    apps.get_model("feedback", "Survey").objects.update(current=None)
    apps.get_model("feedback", "SurveyVersion").objects.all().delete()
    apps.get_model("feedback", "Survey").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("feedback", "0002_versions_never_change")]
    operations = [migrations.RunPython(forward, backward)]
