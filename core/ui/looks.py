"""How a state word looks: one tone and one icon per word, the same on every screen."""

from typing import NamedTuple


class Look(NamedTuple):
    """A tone (`neutral accent good warn bad info note`) and an icon name."""

    tone: str
    icon: str


TONES = ("neutral", "accent", "good", "warn", "bad", "info", "note")

LOOKS: dict[str, Look] = {
    # work in hand
    "new": Look("info", "sparkles"),
    "open": Look("accent", "circle-dot"),
    "pending": Look("neutral", "hourglass-high"),
    "due": Look("warn", "calendar-due"),
    "overdue": Look("bad", "flame"),
    "planned": Look("neutral", "calendar-event"),
    "in_progress": Look("accent", "progress-check"),
    "waiting": Look("neutral", "hourglass-high"),
    "waiting_customer": Look("neutral", "user-question"),
    "waiting_on_customer": Look("neutral", "user-question"),
    "waiting_department": Look("neutral", "users-group"),
    "waiting_on_department": Look("neutral", "users-group"),
    "reopened": Look("warn", "arrow-back-up"),
    "resolved": Look("good", "circle-check"),
    "closed": Look("neutral", "archive"),
    "spam": Look("neutral", "ban"),
    "merged": Look("neutral", "arrow-merge"),
    # an order and its parcels
    "placed": Look("neutral", "shopping-cart"),
    "paid": Look("info", "credit-card"),
    "packed": Look("info", "package"),
    "shipped": Look("info", "truck-delivery"),
    "created": Look("neutral", "package"),
    "picked_up": Look("info", "package-export"),
    "in_transit": Look("info", "truck-delivery"),
    "out_for_delivery": Look("accent", "route"),
    "ready_for_pickup": Look("accent", "building-store"),
    "delivered": Look("good", "package-import"),
    "completed": Look("good", "circle-check"),
    "cancelled": Look("neutral", "circle-x"),
    "refused": Look("bad", "package-off"),
    "returning": Look("warn", "truck-return"),
    "returned": Look("warn", "truck-return"),
    "problem": Look("bad", "alert-triangle"),
    "lost": Look("bad", "help-circle"),
    "refunded": Look("neutral", "receipt-refund"),
    # requests and papers
    "draft": Look("neutral", "pencil"),
    "submitted": Look("info", "send"),
    "review": Look("info", "eye"),
    "approved": Look("good", "check"),
    "declined": Look("bad", "x"),
    "needs_info": Look("warn", "question-mark"),
    "received": Look("info", "building-warehouse"),
    "inspected": Look("info", "clipboard-check"),
    "settled": Look("good", "cash"),
    "disputed": Look("bad", "alert-triangle"),
    "published": Look("good", "world"),
    "expired": Look("neutral", "clock"),
    # deliveries and jobs
    "queued": Look("neutral", "clock"),
    "running": Look("accent", "loader-2"),
    "sending": Look("info", "send"),
    "sent": Look("info", "check"),
    "failed": Look("bad", "alert-circle"),
    "bounced": Look("bad", "mail-off"),
    "quarantined": Look("bad", "shield-x"),
    "done": Look("good", "check"),
    "succeeded": Look("good", "check"),
    "skipped": Look("neutral", "player-skip-forward"),
    "answered": Look("good", "checks"),
    "opened": Look("info", "mail-opened"),
    "invited": Look("info", "mail"),
    "ok": Look("good", "circle-check"),
    "healthy": Look("good", "circle-check"),
    "degraded": Look("warn", "alert-triangle"),
    "down": Look("bad", "plug-connected-x"),
    "active": Look("good", "circle-check"),
    "inactive": Look("neutral", "user-off"),
    "deactivated": Look("neutral", "user-off"),
    "locked": Look("bad", "lock"),
    # a person at work
    "online": Look("good", "circle-dot"),
    "busy": Look("warn", "headset"),
    "break": Look("neutral", "player-pause"),
    "away": Look("neutral", "moon"),
    "offline": Look("neutral", "plug-connected-x"),
    # how much it matters
    "low": Look("neutral", "arrow-down"),
    "normal": Look("neutral", "minus"),
    "high": Look("warn", "arrow-up"),
    "urgent": Look("bad", "flame"),
}

UNKNOWN = Look("neutral", "point")

CHANNEL_ICONS = {
    "mail": "mail",
    "email": "mail",
    "form": "forms",
    "web": "forms",
    "chat": "message-circle",
    "phone": "phone",
    "call": "phone-call",
    "wechat": "brand-wechat",
    "sms": "device-mobile",
    "api": "plug-connected",
    "walkin": "building-store",
    "import": "file-import",
    "push": "bell",
    "note": "note",
    "system": "bolt",
}


def register_looks(looks: dict[str, tuple[str, str]]) -> None:
    """Add state words of an app: code → (tone, icon). Raises ValueError on an unknown tone."""
    for code, (tone, icon) in looks.items():
        if tone not in TONES:
            raise ValueError(f"{code}: unknown tone {tone}")
        LOOKS[code] = Look(tone, icon)


def look_of(code: str) -> Look:
    return LOOKS.get(str(code), UNKNOWN)
