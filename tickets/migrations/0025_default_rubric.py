"""The rubric every installation begins with."""

from django.db import migrations
from django.utils import timezone

NAME = "客服会话质检表"


def _one(key, zh, en, weight, kind, guide_zh, guide_en, source="", may_skip=False, is_fatal=False):
    return {
        "key": key, "zh": zh, "en": en, "guide_zh": guide_zh, "guide_en": guide_en, "weight": weight, "kind": kind,
        "is_fatal": is_fatal, "may_skip": may_skip, "source": source,
    }  # fmt: skip


SECTIONS = [
    {"key": "contact", "zh": "沟通", "en": "Conversation", "criteria": [
        _one("greeting", "规范问候", "Greeting", 5, "yes_no", "首次回复有称呼和问候，结束时有收尾语。",
             "The first answer greets the customer, the last one closes politely.", source="greeting"),
        _one("tone", "语气与同理心", "Tone and empathy", 15, "scale",
             "5 分：先回应情绪再谈事情，全程尊重；3 分：礼貌但像套话；0 分：不耐烦、推诿、反问客户。",
             "5: answers the feeling first and respects throughout. 3: polite but by rote. 0: impatient or dismissive."),
    ]},
    {"key": "solution", "zh": "解决", "en": "Solution", "criteria": [
        _one("accuracy", "信息准确", "Accuracy", 20, "scale",
             "5 分：订单、物流、政策说得都对；每一处会误导客户的错误扣 2 分。",
             "5: order, delivery and policy are all stated correctly. Two points off for each misleading error."),
        _one("solution", "方案有效", "Solution", 20, "scale",
             "5 分：一次说清怎么办、谁来办、何时办好；3 分：要客户追问才说全；0 分：问题没有解决。",
             "5: what, who and by when are clear at once. 3: only after asking again. 0: not solved."),
        _one("promise", "承诺兑现", "Promises kept", 10, "yes_no", "会话里作出的承诺都按时兑现；没有承诺时选「不适用」。",
             "Everything promised was done in time. Not applicable when nothing was promised.", source="promise",
             may_skip=True),
    ]},
    {"key": "rules", "zh": "规范", "en": "Rules", "criteria": [
        _one("policy", "符合政策与权限", "Within policy", 10, "yes_no", "退款、补偿、时效的说法不超出政策和本人权限。",
             "What was offered stays within policy and the agent's own rights."),
        _one("standard", "按服务标准执行", "Standard followed", 10, "yes_no",
             "该类问题的必做步骤都已完成；没有服务标准时选「不适用」。",
             "All required steps of the category's standard are done. Not applicable without a standard.",
             source="standard", may_skip=True),
        _one("records", "记录完整", "Record keeping", 10, "scale",
             "5 分：分类、订单、备注齐全，同事接手不用再问客户；缺一项扣 2 分。",
             "5: category, order and notes are complete, a colleague could take over. Two points off for each gap."),
        _one("redline", "未触碰红线", "No red line crossed", 0, "yes_no",
             "辱骂客户、泄露隐私、私下收款或私下联系，出现任意一项即为「否」，整单计 0 分。",
             "Insulting a customer, leaking personal data, taking money or contact elsewhere: “No”, and the score is 0.",
             is_fatal=True),
    ]},
]  # fmt: skip


def forward(apps, schema_editor):
    rubric = apps.get_model("tickets", "Rubric").objects.create(name=NAME)
    rubric.current = apps.get_model("tickets", "RubricVersion").objects.create(
        rubric=rubric, number=1, sections=SECTIONS, published_at=timezone.now()
    )
    rubric.save(update_fields=["current"])


class Migration(migrations.Migration):
    dependencies = [("tickets", "0024_quality_rules_held")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
