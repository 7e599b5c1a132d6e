"""What each app adds to the shell: navigation, settings pages, panels, commands, story renderers, health, erasure.

Apps call the `register_` functions in `<app>/registrations.py`; core and the pages read the lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.errors import Text
from core.models import Event


@dataclass(frozen=True)
class NavItem:
    """One entry of the left rail; `permission` is a Permission code or empty, `badge` counts what waits for her."""

    key: str
    label: Text
    icon: str
    url_name: str
    order: int
    permission: str = ""
    shortcut: str = ""
    badge: Callable[[Any], int] | None = None


@dataclass(frozen=True)
class SettingsPage:
    """One page of the settings hub; `group` is one of SETTINGS_GROUPS."""

    key: str
    label: Text
    description: Text
    icon: str
    url_name: str
    order: int
    permission: str = ""
    group: str = "more"


@dataclass(frozen=True)
class Panel:
    """A foreign fragment: a link that HTMX turns into content, served by its own app under its own door."""

    slot: str
    subject_type: str
    key: str
    label: Text
    url_name: str
    order: int
    permission: str = ""


@dataclass(frozen=True)
class Command:
    """One palette command: a link or a POST."""

    key: str
    label: Text
    icon: str
    url_name: str
    permission: str = ""
    method: str = "get"
    keywords: str = ""
    is_for: Callable[[Any], bool] | None = None  # who else than by the permission may not


@dataclass(frozen=True)
class StoryLine:
    """How one event reads in a stream. `html` is safe markup."""

    event_id: int
    icon: str
    tone: str
    html: str


@dataclass(frozen=True)
class FrontLink:
    """One way in for customers on the front page."""

    key: str
    label: Text
    hint: Text
    icon: str
    url_name: str
    order: int


@dataclass(frozen=True)
class Figure:
    """One gauge for scraping: name, what it says, labels and value."""

    name: str
    help: str
    labels: dict[str, str]
    value: float


StoryRenderer = Callable[[list[Event], Any], dict[int, StoryLine]]
HealthProbe = Callable[[], list[dict[str, Any]]]
Search = Callable[[Any, str, int], list[dict[str, Any]]]
GroupDoor = Callable[[Any, int | None], bool]

NAV: dict[str, NavItem] = {}
FRONT_LINKS: dict[str, FrontLink] = {}
SETTINGS_PAGES: dict[str, SettingsPage] = {}
SETTINGS_GROUPS: dict[str, Text] = {  # by who needs them, in this order
    "work": _("For everyday work"),
    "rules": _("How we serve"),
    "words": _("Shops and messages"),
    "voice": _("Asking customers"),
    "people": _("People"),
    "guard": _("Security and access"),
    "more": _("Everything else"),
}
PANELS: dict[tuple[str, str, str], Panel] = {}
COMMANDS: dict[str, Command] = {}
STORIES: dict[str, StoryRenderer] = {}
HEALTH: dict[str, HealthProbe] = {}
FIGURES: dict[str, Callable[[], list[Figure]]] = {}
ERASURES: dict[str, Callable[[int], int]] = {}
SEARCHES: dict[str, tuple[int, Search]] = {}
LIVE_GROUPS: dict[str, GroupDoor] = {}
CONSOLES: dict[str, Callable[[int], None]] = {}


def register_nav(
    key: str,
    label: Text,
    icon: str,
    url_name: str,
    order: int,
    permission: str = "",
    shortcut: str = "",
    badge: Callable[[Any], int] | None = None,
) -> None:
    """Add an entry to the left rail."""
    NAV[key] = NavItem(key, label, icon, url_name, order, permission, shortcut, badge)


def register_front_link(key: str, label: Text, hint: Text, icon: str, url_name: str, order: int) -> None:
    """Add a way in for customers to the front page."""
    FRONT_LINKS[key] = FrontLink(key, label, hint, icon, url_name, order)


def front_links(*, but: str = "") -> list[FrontLink]:
    """Return what customers can do here, in order, without the page they are on."""
    return sorted((link for link in FRONT_LINKS.values() if link.key != but), key=lambda link: link.order)


def register_settings_page(
    key: str,
    label: Text,
    description: Text,
    icon: str,
    url_name: str,
    order: int,
    permission: str = "",
    group: str = "more",
) -> None:
    """Add a page to the settings hub, under the heading of its group."""
    SETTINGS_PAGES[key] = SettingsPage(key, label, description, icon, url_name, order, permission, group)


def register_panel(
    slot: str,
    subject_type: str,
    key: str,
    label: Text,
    url_name: str,
    order: int,
    permission: str = "",
) -> None:
    """Offer a fragment for a slot (`context`) beside a subject (`ticket`); the URL takes the subject's id."""
    PANELS[slot, subject_type, key] = Panel(slot, subject_type, key, label, url_name, order, permission)


def panels_for(slot: str, subject_type: str) -> list[Panel]:
    """Return the panels of a slot in their order."""
    return sorted(
        (p for p in PANELS.values() if (p.slot, p.subject_type) == (slot, subject_type)),
        key=_order,
    )


def register_command(
    key: str,
    label: Text,
    icon: str,
    url_name: str,
    permission: str = "",
    method: str = "get",
    keywords: str = "",
    is_for: Callable[[Any], bool] | None = None,
) -> None:
    """Add a palette command; `keywords` are extra words it is found by, `is_for` says who of those allowed sees it."""
    COMMANDS[key] = Command(key, label, icon, url_name, permission, method, keywords, is_for)


def register_story(kind_prefix: str, renderer: StoryRenderer) -> None:
    """Say how events whose kind starts with the prefix read; called once for all of a page, at most two queries."""
    STORIES[kind_prefix] = renderer


def render_story(events: Iterable[Event], viewer: Any) -> list[tuple[Event, StoryLine]]:
    """Render events for a stream; kinds nobody renders are left out."""
    wanted = list(events)
    lines: dict[int, StoryLine] = {}
    for prefix, renderer in STORIES.items():
        mine = [event for event in wanted if event.kind.startswith(prefix)]
        if mine:
            lines.update(renderer(mine, viewer))
    return [(event, lines[event.pk]) for event in wanted if event.pk in lines]


def register_health(name: str, probe: HealthProbe) -> None:
    """Add lines to the system page: dicts of {label, value, state: ok|warn|bad, hint}."""
    HEALTH[name] = probe


def register_figures(name: str, probe: Callable[[], list[Figure]]) -> None:
    """Add gauges to /metrics; figures of one name carry the same labels."""
    FIGURES[name] = probe


def register_erasure(app: str, erase: Callable[[int], int]) -> None:
    """Say how an app erases a customer's texts; gets the customer's id, returns the number of rows changed."""
    ERASURES[app] = erase


def register_search(name: str, order: int, search: Search) -> None:
    """Add a source to the palette: (staff, query, limit) -> dicts of {icon, title, hint, url}."""
    SEARCHES[name] = (order, search)


def register_live_group(prefix: str, door: GroupDoor) -> None:
    """Say who may listen to `prefix` or `prefix.<id>`: (staff, id) -> bool. Unknown groups are refused."""
    LIVE_GROUPS[prefix] = door


def register_console(name: str, heard: Callable[[int], None]) -> None:
    """Hear of each heartbeat of a staff socket: gets the staff id, must be cheap."""
    CONSOLES[name] = heard


def _order(item: Any) -> int:
    return int(item.order)
