"""The door of core's own pages: accounts keeps it, core only knows its name."""

from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string

# By name, because core may not import accounts; looked up when the addresses are loaded, after all apps.
DOOR = "accounts.permissions.staff_page"


def staff_only(permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Guard a page of core like every staff page; `permission` is the code of an accounts Permission."""
    decorate: Callable[[Callable[..., Any]], Callable[..., Any]] = import_string(DOOR)(permission)
    return decorate
