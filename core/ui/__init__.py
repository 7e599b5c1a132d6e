"""The parts every screen is made of, as functions. Templates reach them with {% load ui %}."""

from .icons import icon
from .leaf import (
    avatar,
    badge,
    bar,
    button,
    channel,
    copy_button,
    dot,
    file_chip,
    kbd,
    lifeline,
    masked,
    progress,
    skeleton,
    sparkline,
    status,
    steps,
    story_item,
    telephone_link,
)
from .looks import Look, look_of, register_looks
from .numbers import count, duration, file_size, money, percent, phone_mask
from .rail import rail_link
from .times import clock, moment_words, when

__all__ = [
    "Look",
    "avatar",
    "badge",
    "bar",
    "button",
    "channel",
    "clock",
    "copy_button",
    "count",
    "dot",
    "duration",
    "file_chip",
    "file_size",
    "icon",
    "kbd",
    "lifeline",
    "look_of",
    "masked",
    "moment_words",
    "money",
    "percent",
    "phone_mask",
    "progress",
    "rail_link",
    "register_looks",
    "skeleton",
    "sparkline",
    "status",
    "steps",
    "story_item",
    "telephone_link",
    "when",
]
