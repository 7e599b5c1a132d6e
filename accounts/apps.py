from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Staff and access")

    def ready(self) -> None:
        from accounts import third_party  # noqa: F401 - connects the receivers
