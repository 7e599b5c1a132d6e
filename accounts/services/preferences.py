from typing import Any

from accounts.models import UserPreference


def save_preference(*, staff_id: int, key: str, value: Any) -> UserPreference:
    """Remember how a person likes something (JSON values)."""
    preference, _created = UserPreference.objects.update_or_create(
        staff_id=staff_id, key=key, defaults={"value": value}
    )
    return preference
