"""Forms of the notifications app."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications.channels.smtp import SmtpAccount
from notifications.enums import AfterTaking, DeliveryState, InboundState, MailKind, SmtpSecurity
from notifications.inbound.imap import ImapAccount
from notifications.models import Mailbox
from notifications.selectors.mailboxes import own_account
from notifications.services.mailboxes import SECONDS, MailboxDraft
from notifications.services.receiving import fetched_from

SHARED, OWN = "shared", "own"
BROUGHT, FETCHED = "brought", "fetched"


class MailboxForm(forms.Form):
    """One mailbox; its own server's fields count only when `server` says so."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    address = forms.CharField(
        label=_("Mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    name_zh = forms.CharField(label=_("Sender's name in Chinese"), max_length=80, required=False)
    name_en = forms.CharField(label=_("Sender's name in English"), max_length=80, required=False)
    shop_id = forms.TypedChoiceField(label=_("Shop"), coerce=int, empty_value=None, required=False)
    signature_zh = forms.CharField(
        label=_("Signature in Chinese"), max_length=1000, required=False, widget=forms.Textarea
    )
    signature_en = forms.CharField(
        label=_("Signature in English"), max_length=1000, required=False, widget=forms.Textarea
    )
    is_default = forms.BooleanField(label=_("Used when a shop has no mailbox of its own"), required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)
    server = forms.ChoiceField(
        label=_("Sends through"),
        choices=[(SHARED, _("The server of this installation")), (OWN, _("The provider's own server"))],
        widget=forms.RadioSelect,
        initial=SHARED,
    )
    host = forms.CharField(label=_("Server"), max_length=200, required=False)
    port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, required=False)
    security = forms.ChoiceField(
        label=_("Encryption"), choices=SmtpSecurity.choices, required=False, initial=SmtpSecurity.TLS
    )
    username = forms.CharField(
        label=_("User name"), max_length=254, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = forms.CharField(
        label=_("Password or app password"),
        max_length=500,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    receives = forms.ChoiceField(
        label=_("Receives"),
        choices=[(BROUGHT, _("Mail is delivered to this installation")), (FETCHED, _("Mail is fetched (IMAP)"))],
        widget=forms.RadioSelect,
        initial=BROUGHT,
        required=False,
    )
    imap_host = forms.CharField(label=_("Server"), max_length=200, required=False)
    imap_port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, required=False, initial=993)
    imap_security = forms.ChoiceField(
        label=_("Encryption"), choices=SmtpSecurity.choices, required=False, initial=SmtpSecurity.TLS
    )
    imap_username = forms.CharField(
        label=_("User name"), max_length=254, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    imap_password = forms.CharField(
        label=_("Password or authorisation code"),
        max_length=500,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    imap_folder = forms.CharField(label=_("Folder"), max_length=200, required=False, initial="INBOX")
    imap_after = forms.ChoiceField(
        label=_("What happens there to mail we took"),
        choices=AfterTaking.choices,
        required=False,
        initial=AfterTaking.SEEN,
    )
    imap_move_to = forms.CharField(label=_("Move it to the folder"), max_length=200, required=False)
    imap_seconds = forms.TypedChoiceField(
        label=_("Look for mail"),
        choices=[
            (30, _("every 30 seconds")),
            (60, _("every minute")),
            (120, _("every 2 minutes")),
            (300, _("every 5 minutes")),
            (900, _("every 15 minutes")),
        ],
        coerce=int,
        required=False,
        initial=60,
    )
    takes_old = forms.BooleanField(label=_("Also take the mail that lies there already"), required=False)

    def __init__(self, *args: Any, shops: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shop_id"].choices = [("", _("All shops")), *shops]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for host and port when the mailbox has its own server."""
        data = super().clean() or {}
        if data.get("server") == OWN:
            for name in ("host", "port"):
                if not data.get(name):
                    self.add_error(name, _("This is needed for the provider's own server."))
        if data.get("receives") == FETCHED:
            for name in ("imap_host", "imap_port", "imap_username"):
                if not data.get(name):
                    self.add_error(name, _("This is needed to fetch mail."))
        return data

    @staticmethod
    def initial_of(box: Mailbox) -> dict[str, Any]:
        """Return what the form shows for a mailbox; never the password."""
        account = own_account(box)
        values: dict[str, Any] = {
            name: getattr(box, name)
            for name in (
                "version", "address", "name_zh", "name_en", "shop_id", "signature_zh", "signature_en", "is_default",
                "is_active",
            )
        }  # fmt: skip
        values["server"] = OWN if account else SHARED
        if account:
            values |= {
                "host": account.host,
                "port": account.port,
                "security": account.security,
                "username": account.username,
            }
        return values | _receiving_of(box)

    def draft(self) -> MailboxDraft:
        """Return the typed values for the service."""
        data = self.cleaned_data
        account = None
        if data["server"] == OWN:
            account = SmtpAccount(
                host=data["host"].strip(),
                port=data["port"],
                username=data["username"].strip(),
                password=data["password"],
                security=data["security"] or SmtpSecurity.NONE,
            )
        return MailboxDraft(
            address=data["address"].strip().lower(),
            name_zh=data["name_zh"].strip(),
            name_en=data["name_en"].strip(),
            shop_id=data["shop_id"],
            signature_zh=data["signature_zh"].replace("\r\n", "\n").strip(),
            signature_en=data["signature_en"].replace("\r\n", "\n").strip(),
            is_default=data["is_default"],
            is_active=data["is_active"],
            account=account,
            imap=self._imap(),
            imap_seconds=data["imap_seconds"] if data["imap_seconds"] in SECONDS else 60,
            takes_old=data["takes_old"],
        )

    def _imap(self) -> ImapAccount | None:
        data = self.cleaned_data
        if data["receives"] != FETCHED:
            return None
        return ImapAccount(
            host=data["imap_host"].strip(),
            port=data["imap_port"],
            username=data["imap_username"].strip(),
            password=data["imap_password"],
            security=data["imap_security"] or SmtpSecurity.TLS,
            folder=data["imap_folder"].strip() or "INBOX",
            after=data["imap_after"] or AfterTaking.SEEN,
            move_to=data["imap_move_to"].strip(),
        )


def _receiving_of(box: Mailbox) -> dict[str, Any]:
    account = fetched_from(box)
    if account is None:
        return {"receives": BROUGHT}
    return {
        "receives": FETCHED,
        "imap_host": account.host,
        "imap_port": account.port,
        "imap_security": account.security,
        "imap_username": account.username,
        "imap_folder": box.imap_folder,
        "imap_after": box.imap_after,
        "imap_move_to": box.imap_move_to,
        "imap_seconds": box.imap_seconds,
    }


class TestSendForm(forms.Form):
    """Where the test mail goes."""

    __test__ = False
    to = forms.CharField(label=_("Send a test mail to"), max_length=254, widget=forms.EmailInput)


class TemplateForm(forms.Form):
    """Own wording of one template in one language."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    subject = forms.CharField(label=_("Subject"), max_length=200)
    body = forms.CharField(label=_("Text"), max_length=20_000, strip=False, widget=forms.Textarea)


class DeliveryFilter(forms.Form):
    """Filters of the list of sent messages; all optional and kept in the address."""

    state = forms.ChoiceField(choices=[("", ""), *DeliveryState.choices], required=False)
    to = forms.CharField(max_length=254, required=False)
    template = forms.CharField(max_length=64, required=False)
    before = forms.IntegerField(required=False, min_value=1)


class InboundFilter(forms.Form):
    """Filters of the list of received mail."""

    state = forms.ChoiceField(choices=[("", ""), *InboundState.choices], required=False)
    kind = forms.ChoiceField(choices=[("", ""), *MailKind.choices], required=False)
    mailbox = forms.IntegerField(required=False, min_value=1)
    before = forms.IntegerField(required=False, min_value=1)


class ManyFilesField(forms.FileField):
    """A file input that takes several files and may stay empty."""

    widget = type("ManyFiles", (forms.ClearableFileInput,), {"allow_multiple_selected": True})

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Return the files as a list."""
        files = data if isinstance(data, (list, tuple)) else [data] if data else []
        return [super(ManyFilesField, self).clean(file, initial) for file in files]


class CustomerMailForm(forms.Form):
    """A mail written in the trial as a customer would."""

    sender = forms.EmailField(label=_("Sender"), max_length=254)
    to = forms.EmailField(label=_("To"), max_length=254)
    subject = forms.CharField(label=_("Subject"), max_length=200)
    text = forms.CharField(label=_("Text"), max_length=100_000, widget=forms.Textarea)
    files = ManyFilesField(label=_("Files"), required=False)  # type: ignore[assignment]


class CustomerReplyForm(forms.Form):
    """An answer to a caught mail, as its recipient."""

    text = forms.CharField(label=_("Answer as the customer"), max_length=100_000, widget=forms.Textarea)
    files = ManyFilesField(label=_("Files"), required=False)  # type: ignore[assignment]
