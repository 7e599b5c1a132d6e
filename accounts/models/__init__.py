from accounts.models.access import PersonalDataAccess, PersonalDataAccessDay
from accounts.models.api_key import ApiKey
from accounts.models.capacity import Capacity
from accounts.models.invitation import Invitation
from accounts.models.list_filter import ListFilter
from accounts.models.notice import Notification, UserPreference
from accounts.models.staff import Membership, Presence, Staff, Team

__all__ = [
    "ApiKey",
    "Capacity",
    "Invitation",
    "ListFilter",
    "Membership",
    "Notification",
    "PersonalDataAccess",
    "PersonalDataAccessDay",
    "Presence",
    "Staff",
    "Team",
    "UserPreference",
]
