"""The templates every app registers: wording in both languages, in code; the company may change it in the settings.

A body is plain text. `{name}` is a variable (letters, digits, underscores; no dots, so nothing can be reached through
it; an unknown one stays as it is written). A blank line ends a paragraph; a line `[words]({url})` alone is a button;
lines that begin with "- " are a list, with "> " a quotation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import Text
from notifications.enums import Channel
from notifications.errors import UnknownTemplate

LANGUAGES = ("zh-hans", "en")
VARIABLE = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")

_SAMPLES: dict[str, tuple[str, str]] = {
    "length": ("1 分钟", "1 minute"),
    "customer_name": ("王小明", "Alex Wang"),
    "name": ("王小明", "Alex Wang"),
    "agent_name": ("李静", "Jing Li"),
    "shop_name": ("青禾家居", "Greenleaf Home"),
    "ticket_number": ("1024", "1024"),
    "number": ("1024", "1024"),
    "order_number": ("SO20261121008", "SO20261121008"),
    "tracking_number": ("SF1234567890123", "SF1234567890123"),
    "subject": ("收到的杯子有裂纹", "The cup arrived cracked"),
    "ticket_subject": ("收到的杯子有裂纹", "The cup arrived cracked"),
    "text": (
        "您好，新的杯子已经寄出，预计后天送到。",
        "Hello, a new cup is on its way and should arrive the day after tomorrow.",
    ),
    "message": (
        "您好，新的杯子已经寄出，预计后天送到。",
        "Hello, a new cup is on its way and should arrive the day after tomorrow.",
    ),
    "code": ("482913", "482913"),
    "minutes": ("10", "10"),
    "hours": ("2", "2"),
    "days": ("7", "7"),
    "due": ("今天 18:00 前", "by 18:00 today"),
    "expected": ("今天 18:00 前", "by 18:00 today"),
}


@dataclass(frozen=True)
class Template:
    """One registered template; `subject` and `body` map a language to its words."""

    key: str
    channel: str
    subject: Mapping[str, str]
    body: Mapping[str, str]
    label: Text
    is_automatic: bool = True
    sample: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()

    def variables(self) -> list[str]:
        """Return the variables its original wording uses, in order of appearance."""
        words = " ".join([*self.subject.values(), *self.body.values()])
        return list(dict.fromkeys(VARIABLE.findall(words)))

    def sample_in(self, language: str) -> dict[str, Any]:
        """Return made-up values for a preview."""
        second = language == "en"
        values: dict[str, Any] = {}
        for name in self.variables():
            if name in self.sample:
                values[name] = self.sample[name]
            elif name in _SAMPLES:
                values[name] = _SAMPLES[name][second]
            elif name.endswith("url"):
                values[name] = "https://shop.example/example"
            else:
                values[name] = name
        return values


TEMPLATES: dict[tuple[str, str], Template] = {}


def register_template(
    key: str,
    *,
    channel: str = Channel.EMAIL,
    subject: Mapping[str, str],
    body: Mapping[str, str],
    label: Text = "",
    is_automatic: bool = True,
    sample: Mapping[str, Any] | None = None,
    secrets: tuple[str, ...] = (),
) -> None:
    """Register a template; `subject` and `body` are {"zh-hans": …, "en": …} (`zh` is taken too).

    `is_automatic` says that a machine writes it: such mail asks other machines not to answer.
    `sample` gives values for the preview. `secrets` are variables nobody but the recipient may read: what is kept of
    the message hides them, and they are forgotten once it went out. Raises ValueError when a language is missing.
    """
    words = [_both(key, texts) for texts in (subject, body)]
    TEMPLATES[key, str(channel)] = Template(
        key, str(channel), words[0], words[1], label or key, is_automatic, sample or {}, secrets
    )


def get_template(key: str, channel: str = Channel.EMAIL) -> Template:
    """Return a registered template. Raises UnknownTemplate."""
    try:
        return TEMPLATES[key, str(channel)]
    except KeyError:
        raise UnknownTemplate(template=key, channel=str(channel)) from None


def language_for(wanted: str) -> str:
    """Return which of our languages serves a wanted one."""
    return "en" if wanted.lower().startswith("en") else "zh-hans"


def _both(key: str, texts: Mapping[str, str]) -> dict[str, str]:
    given = {"zh-hans" if name.lower().startswith("zh") else name: words for name, words in texts.items()}
    if missing := [name for name in LANGUAGES if not given.get(name)]:
        raise ValueError(f"template {key!r} lacks {', '.join(missing)}")
    return {name: given[name].strip() for name in LANGUAGES}
