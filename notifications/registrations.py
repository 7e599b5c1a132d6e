"""What this app adds to the shell, and the channels it brings."""

from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from core import registry
from core.stories import Part, tell
from notifications.channels import register_adapter
from notifications.channels.email import EmailAdapter
from notifications.channels.push import PushAdapter
from notifications.channels.sms import SmsAdapter
from notifications.channels.wechat import WechatAdapter
from notifications.enums import Channel
from notifications.health import channel_health, mail_health
from notifications.services.keeping import erase_customer
from notifications.stories import delivery_lines, notice_lines

register_adapter(Channel.EMAIL, EmailAdapter())
register_adapter(Channel.SMS, SmsAdapter())
register_adapter(Channel.WECHAT, WechatAdapter())
register_adapter(Channel.PUSH, PushAdapter())

registry.register_settings_page(
    "mailboxes",
    _("Mailboxes"),
    _("The addresses you write from and receive at, with a test send."),
    "at",
    "notifications:mailboxes",
    40,
    Permission.SETTINGS_MANAGE,
    group="words",
)
registry.register_settings_page(
    "channels",
    _("Text messages, WeChat and push"),
    _("The providers that carry them, with a test send and where they report back."),
    "message",
    "notifications:channels",
    40,
    Permission.SETTINGS_MANAGE,
    group="words",
)
registry.register_settings_page(
    "templates",
    _("Message templates"),
    _("The words of every automatic message, in both languages, with a preview."),
    "template",
    "notifications:templates",
    41,
    Permission.SETTINGS_MANAGE,
    group="words",
)
registry.register_settings_page(
    "deliveries",
    _("Messages sent and received"),
    _("What went out, what came in, what failed and why."),
    "send",
    "notifications:deliveries",
    42,
    Permission.SETTINGS_MANAGE,
    group="words",
)
registry.register_command(
    "mailboxes", _("Mailboxes"), "at", "notifications:mailboxes", Permission.SETTINGS_MANAGE, keywords="mail smtp"
)
registry.register_command(
    "deliveries",
    _("Messages sent and received"),
    "send",
    "notifications:deliveries",
    Permission.SETTINGS_MANAGE,
    keywords="mail delivery bounce",
)
registry.register_health("mail", mail_health)
registry.register_health("channels", channel_health)
tell(Part.TALK, "notice.", "delivery.")
registry.register_story("notice.", notice_lines)
registry.register_erasure("notifications", erase_customer)
registry.register_story("delivery.", delivery_lines)


def _may_see_deliveries(staff: Staff, _id: int | None) -> bool:
    return staff.may(Permission.SETTINGS_MANAGE)


registry.register_live_group("deliveries", _may_see_deliveries)

from notifications import webhook_registrations  # noqa: E402, F401 - wired there
