"""What the API shows and takes: explicit fields, contacts masked."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.text import mask_name, normalise_email, normalise_phone
from tickets.enums import AuthorType, Channel, MessageKind, Priority, TicketStatus
from tickets.models import Category, Message, Ticket

LANGUAGES = ("zh-hans", "en")
MAX_TEXT = 20_000


class TicketOut(serializers.ModelSerializer[Ticket]):
    """A ticket; the customer's name is masked and no contact is shown."""

    number = serializers.CharField(read_only=True, help_text="The number people say.")
    shop = serializers.CharField(source="shop.code", read_only=True, allow_null=True, default=None)
    order_number = serializers.SerializerMethodField()
    category = serializers.CharField(source="category.key", read_only=True, allow_null=True, default=None)
    customer = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=TicketStatus.choices, read_only=True)
    channel = serializers.ChoiceField(choices=Channel.choices, read_only=True)
    priority = serializers.ChoiceField(choices=Priority.choices, read_only=True)

    class Meta:
        model = Ticket
        fields = (
            "id", "number", "shop", "order_number", "customer", "category", "channel", "status", "priority", "language",
            "subject", "tags", "opened_at", "first_response_due_at", "first_response_at", "resolution_due_at",
            "resolved_at", "closed_at", "last_message_at", "last_seq", "version",
        )  # fmt: skip
        read_only_fields = fields

    def get_order_number(self, ticket: Ticket) -> str:
        """Return the order's number, or the one the customer gave; empty without one."""
        return ticket.order.number if ticket.order else ticket.order_given

    @extend_schema_field(
        {
            "type": "object",
            "nullable": True,
            "required": ["id", "name"],
            "properties": {"id": {"type": "integer"}, "name": {"type": "string", "description": "Masked."}},
        }
    )
    def get_customer(self, ticket: Ticket) -> dict[str, Any] | None:
        """Return the customer's id and masked name."""
        return {"id": ticket.customer.pk, "name": mask_name(ticket.customer.name)} if ticket.customer else None


class MessageOut(serializers.ModelSerializer[Message]):
    """A message; `public_seq` is null for internal notes."""

    kind = serializers.ChoiceField(choices=MessageKind.choices, read_only=True)
    author_type = serializers.ChoiceField(choices=AuthorType.choices, read_only=True)
    channel = serializers.ChoiceField(choices=Channel.choices, read_only=True)
    attachments = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = ("id", "seq", "public_seq", "kind", "author_type", "channel", "text", "at", "attachments")
        read_only_fields = fields

    @extend_schema_field(
        {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "mime", "size"],
                "properties": {
                    "name": {"type": "string"},
                    "mime": {"type": "string"},
                    "size": {"type": "integer", "minimum": 0},
                },
            },
        }
    )
    def get_attachments(self, message: Message) -> list[dict[str, Any]]:
        """Return what files came with it."""
        return [{"name": row.name, "mime": row.mime, "size": row.size} for row in message.attachments.all()]


class CustomerIn(serializers.Serializer[Any]):
    """Who asks: a phone or an email address, at least one."""

    phone = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    email = serializers.CharField(max_length=254, required=False, allow_blank=True, default="")
    name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Normalise both and ask for one."""
        phone = normalise_phone(attrs["phone"]) if attrs["phone"].strip() else ""
        email = normalise_email(attrs["email"]) if attrs["email"].strip() else ""
        if phone is None:
            raise serializers.ValidationError({"phone": [_("This is not a phone number.")]})
        if email is None:
            raise serializers.ValidationError({"email": [_("This is not a mail address.")]})
        if not phone and not email:
            raise serializers.ValidationError({"phone": [_("Give a phone number or an email address.")]})
        return {"phone": phone, "email": email, "name": attrs["name"]}


class TicketIn(serializers.Serializer[Any]):
    """A new ticket in a customer's name."""

    shop = serializers.SlugField(
        max_length=32, required=False, allow_null=True, default=None, help_text="A shop's code."
    )
    customer = CustomerIn()
    subject = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    text = serializers.CharField(max_length=MAX_TEXT, trim_whitespace=False)
    order_number = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    category = serializers.SlugRelatedField(
        slug_field="key",
        queryset=Category.objects.filter(is_active=True),
        required=False,
        allow_null=True,
        default=None,
        help_text="A category's key, such as `logistics-late`.",
    )
    priority = serializers.ChoiceField(choices=Priority.choices, required=False, default=Priority.NORMAL)
    language = serializers.ChoiceField(
        choices=[(code, code) for code in LANGUAGES], required=False, allow_null=True, default=None
    )

    def validate_text(self, value: str) -> str:
        """Refuse blanks."""
        return with_words(value)


class MessageIn(serializers.Serializer[Any]):
    """A further message: the customer's by default, or an internal note."""

    text = serializers.CharField(max_length=MAX_TEXT, trim_whitespace=False)
    kind = serializers.ChoiceField(
        choices=[("public", "public"), ("note", "note")],
        required=False,
        default="public",
        help_text="`public`: the customer wrote it; `note`: an internal note.",
    )
    client_id = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="The same id twice is one message."
    )

    def validate_text(self, value: str) -> str:
        """Refuse blanks."""
        return with_words(value)


def with_words(value: str) -> str:
    """Return a text that says something. Raises ValidationError."""
    from core.text import tidy_text

    if not tidy_text(value).strip():
        raise serializers.ValidationError(_("Write something first."))
    return value


class TicketPage(serializers.Serializer[Any]):
    """One page of tickets, newest first; `next` is the address of the following page or null."""

    results = TicketOut(many=True)
    next = serializers.CharField(allow_null=True)


class MessagePage(serializers.Serializer[Any]):
    """Messages after a seq, oldest first; `head` is the ticket's newest seq."""

    results = MessageOut(many=True)
    head = serializers.IntegerField()
    has_more = serializers.BooleanField()


class ListQuery(serializers.Serializer[Any]):
    """What a list of tickets may be narrowed to."""

    status = serializers.ChoiceField(choices=TicketStatus.choices, required=False)
    shop = serializers.SlugField(max_length=32, required=False)
    before = serializers.IntegerField(min_value=1, max_value=2**62, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=100, required=False, default=50)


class MessageQuery(serializers.Serializer[Any]):
    """Which messages: those after a seq."""

    after = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=200, required=False, default=100)
