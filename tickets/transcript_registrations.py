"""What transcripts add to the product: the mail that carries a conversation."""

from django.utils.translation import gettext_lazy as _

from notifications.templates import register_template
from tickets import transcript_events  # noqa: F401 - declared with the app
from tickets.services.transcripts import TEMPLATE

register_template(
    TEMPLATE,
    label=_("Transcript of a conversation"),
    subject={"zh-hans": "您要的沟通记录：{subject} [#{number}]", "en": "Your conversation: {subject} [#{number}]"},
    body={
        "zh-hans": "{customer_name}您好：\n\n以下是编号 {number} 的全部往来。\n\n{transcript}\n\n[打开这次沟通]({url})",
        "en": "Hello {customer_name},\n\nhere is everything said under number {number}.\n\n{transcript}\n\n"
        "[Open the conversation]({url})",
    },
    is_automatic=False,
)
