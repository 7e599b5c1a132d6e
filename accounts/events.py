"""What the event log knows about staff: ids and codes, never names or addresses."""

from dataclasses import dataclass
from datetime import datetime

from core.events import Code, declare


@dataclass(frozen=True)
class StaffJoined:
    roles: tuple[Code, ...]
    team_ids: tuple[int, ...]
    invitation_id: int | None = None


@dataclass(frozen=True)
class StaffChanged:
    """`fields` are the names of the changed fields; roles and teams stand as they are now."""

    fields: tuple[Code, ...]
    roles: tuple[Code, ...]
    team_ids: tuple[int, ...]


@dataclass(frozen=True)
class StaffDeactivated:
    """Who takes over the open work: a person, else a team's queue, else the general queue."""

    successor_id: int | None
    successor_team_id: int | None


@dataclass(frozen=True)
class InvitationSent:
    roles: tuple[Code, ...]
    team_ids: tuple[int, ...]


@dataclass(frozen=True)
class InvitationAccepted:
    staff_id: int


@dataclass(frozen=True)
class TeamSaved:
    shop_ids: tuple[int, ...]


@dataclass(frozen=True)
class ApiKeyCreated:
    scopes: tuple[Code, ...]
    shop_ids: tuple[int, ...]
    expires_at: datetime | None = None


declare("staff.joined", StaffJoined)
declare("staff.changed", StaffChanged)
declare("staff.deactivated", StaffDeactivated)
declare("staff.reactivated")
declare("staff.password_changed")
declare("staff.second_factor_changed")
declare("staff.signed_out_everywhere")
declare("staff_invitation.sent", InvitationSent)
declare("staff_invitation.accepted", InvitationAccepted)
declare("staff_invitation.revoked")
declare("team.created", TeamSaved)
declare("team.changed", TeamSaved)
declare("team.archived")
declare("api_key.created", ApiKeyCreated)
declare("api_key.revoked")
