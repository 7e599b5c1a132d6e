"""Who did it: staff, customer, carrier, API key or the system itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import models


class ActorType(models.TextChoices):
    """The kinds of doers the event log knows."""

    SYSTEM = "system"
    STAFF = "staff"
    CUSTOMER = "customer"
    CARRIER = "carrier"
    API = "api"
    IMPORT = "import"
    BOT = "bot"
    RULE = "rule"  # an automation rule a supervisor set


@dataclass(frozen=True, slots=True)
class Actor:
    """One doer; `id` is the primary key in the table its type names, None for the system."""

    type: str
    id: int | None = None

    SYSTEM: ClassVar[Actor]

    @classmethod
    def staff(cls, staff: Any) -> Actor:
        """Return the actor for a staff member (object or primary key)."""
        return cls(ActorType.STAFF, staff if isinstance(staff, int) else staff.pk)

    @classmethod
    def customer(cls, customer: Any) -> Actor:
        """Return the actor for a customer (object or primary key)."""
        return cls(ActorType.CUSTOMER, customer if isinstance(customer, int) else customer.pk)

    @classmethod
    def carrier(cls, carrier_id: int | None) -> Actor:
        """Return the actor for a carrier."""
        return cls(ActorType.CARRIER, carrier_id)

    @classmethod
    def api(cls, key: Any) -> Actor:
        """Return the actor for an API key (object or primary key)."""
        return cls(ActorType.API, key if isinstance(key, int) else key.pk)

    @classmethod
    def rule(cls, rule_id: int) -> Actor:
        """Return the actor for an automation rule."""
        return cls(ActorType.RULE, rule_id)

    @property
    def is_person(self) -> bool:
        """Say whether a member of staff did it."""
        return self.type == ActorType.STAFF


SYSTEM = Actor(ActorType.SYSTEM)
Actor.SYSTEM = SYSTEM
