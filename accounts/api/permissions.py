from typing import Any, ClassVar

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiKey


class HasScope(BasePermission):
    """Let a key do what its scopes say.

    A view names `scope` (one for all methods), or `read_scope` and `write_scope`; without them nobody gets in.
    """

    scope: ClassVar[str] = ""

    def has_permission(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        side = "read_scope" if request.method in SAFE_METHODS else "write_scope"
        needed = self.scope or getattr(view, side, "") or getattr(view, "scope", "")
        return bool(needed) and needed in key.scopes


def scope(code: str) -> type[HasScope]:
    """Return a permission class for function views: `@permission_classes([scope("orders.write")])`."""
    return type("HasScope", (HasScope,), {"scope": code})
