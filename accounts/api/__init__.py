from accounts.api.authentication import ApiKeyAuthentication
from accounts.api.permissions import HasScope, scope

__all__ = ["ApiKeyAuthentication", "HasScope", "scope"]
