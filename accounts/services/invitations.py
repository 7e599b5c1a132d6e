import base64
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import EmailTaken, InvitationDead
from accounts.events import InvitationAccepted, InvitationSent
from accounts.models import Invitation, Staff, Team
from accounts.services.staff import StaffDraft, check_may_give, check_teams, codes, create_staff
from core import crypto
from core.actors import Actor
from core.errors import Conflict, InvalidInput, NotFound
from core.events import record
from core.jobs import schedule

LIFETIME = timedelta(days=7)


@transaction.atomic
def invite_staff(
    *, email: str, roles: Iterable[str], team_ids: Iterable[int], language: str, actor: Actor, at: datetime
) -> tuple[Invitation, str]:
    """Invite somebody by mail; returns the invitation and its token, which is shown once and kept as a hash.

    A second invitation to the same address withdraws the first. After commit: the mail goes out as a job.
    Raises EmailTaken, RoleAboveOwn, InvalidInput, Conflict.
    """
    address, wanted, teams = email.strip().lower(), list(roles), sorted(set(team_ids))
    check_may_give(actor=actor, roles=wanted)
    check_teams(teams)
    if Staff.objects.filter(email=address).exists():
        raise EmailTaken(fields={"email": [EmailTaken.message]})
    if not actor.is_person or actor.id is None:
        raise InvalidInput(fields={"email": [_("Only a member of staff can invite.")]})
    Invitation.objects.filter(email=address, accepted_at__isnull=True, revoked_at__isnull=True).update(revoked_at=at)
    token = crypto.random_token()
    invitation = Invitation(
        email=address,
        roles=wanted,
        team_ids=teams,
        language=language,
        token_hash=crypto.hash_token(token),
        invited_by_id=actor.id,
        created_at=at,
        expires_at=at + LIFETIME,
    )
    try:
        with transaction.atomic():
            invitation.save(force_insert=True)
    except IntegrityError as error:  # two invited this address at the same moment; the unique index lets one through
        raise Conflict(_("Somebody is inviting this address just now.")) from error
    record(
        "staff_invitation.sent",
        subject=invitation,
        actor=actor,
        at=at,
        data=InvitationSent(codes(wanted), tuple(teams)),
    )
    schedule(
        "accounts.send_invitation",
        key=f"invitation:{invitation.pk}",
        due_at=at,
        payload={
            "invitation_id": invitation.pk,
            "sealed_token": base64.b64encode(crypto.encrypt(token)).decode(),
        },
    )
    return invitation, token


@transaction.atomic
def revoke_invitation(*, invitation_id: int, actor: Actor, at: datetime) -> Invitation:
    """Withdraw an invitation that nobody has used; doing it twice changes nothing."""
    invitation = Invitation.objects.select_for_update(no_key=True).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound
    if invitation.accepted_at is None and invitation.revoked_at is None:
        invitation.revoked_at = at
        invitation.save(update_fields=["revoked_at"])
        record("staff_invitation.revoked", subject=invitation, actor=actor, at=at)
    return invitation


@transaction.atomic
def accept_invitation(*, token: str, display_name: str, password: str, at: datetime) -> Staff:
    """Turn an invitation into a member of staff, once; of two at the same moment one wins.

    Raises InvitationDead (used, withdrawn, expired, unknown), EmailTaken.
    """
    invitation = (
        Invitation.objects.select_for_update(no_key=True).filter(token_hash=crypto.hash_token(token)).first()
        if token
        else None
    )
    if invitation is None or invitation.accepted_at or invitation.revoked_at or invitation.expires_at <= at:
        raise InvitationDead
    staff = create_staff(
        email=invitation.email,
        password=password,
        draft=StaffDraft(
            display_name=display_name,
            roles=tuple(invitation.roles),
            team_ids=_teams_left(invitation.team_ids),
        ),
        language=invitation.language,
        actor=Actor.staff(invitation.invited_by_id),
        at=at,
        invitation_id=invitation.pk,
    )
    invitation.accepted_at, invitation.accepted_by = at, staff
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    record(
        "staff_invitation.accepted",
        subject=invitation,
        actor=Actor.staff(staff),
        at=at,
        data=InvitationAccepted(staff_id=staff.pk),
    )
    return staff


def _teams_left(team_ids: Iterable[int]) -> tuple[int, ...]:
    """Drop teams archived since the invitation, rather than turn the newcomer away."""
    kept = Team.objects.filter(pk__in=list(team_ids), archived_at__isnull=True).order_by("pk")
    return tuple(kept.values_list("pk", flat=True))
