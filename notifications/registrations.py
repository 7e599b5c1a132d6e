"""What this app adds to the shell, and the channels it brings."""

from accounts.enums import Permission
from accounts.models import Staff
from core import registry
from notifications.channels import register_adapter
from notifications.channels.email import EmailAdapter
from notifications.enums import Channel
from notifications.health import mail_health
from notifications.services.keeping import erase_customer
from notifications.stories import delivery_lines

register_adapter(Channel.EMAIL, EmailAdapter())

registry.register_health("mail", mail_health)
registry.register_erasure("notifications", erase_customer)
registry.register_story("delivery.", delivery_lines)


def _may_see_deliveries(staff: Staff, _id: int | None) -> bool:
    return staff.may(Permission.SETTINGS_MANAGE)


registry.register_live_group("deliveries", _may_see_deliveries)
