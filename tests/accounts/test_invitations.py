import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.errors import EmailTaken, InvitationDead, RoleAboveOwn
from accounts.models import Invitation, Staff
from core.actors import Actor
from core.errors import InvalidInput
from core.models import Event, Job
from tests.accounts.test_sign_in import run_job
from tests.factories.accounts import PASSWORD, make_staff, make_team

pytestmark = pytest.mark.django_db


def invite(giver: Staff, email: str = "new@shop.example", roles=("agent",), teams=()):  # type: ignore[no-untyped-def]
    return services.invite_staff(
        email=email,
        roles=roles,
        team_ids=[t.pk for t in teams],
        language="en",
        actor=Actor.staff(giver),
        at=timezone.now(),
    )


def accept(token: str, name: str = "New Person", at=None) -> Staff:  # type: ignore[no-untyped-def]
    return services.accept_invitation(token=token, display_name=name, password=PASSWORD, at=at or timezone.now())


def test_invited_person_joins_by_the_link_in_the_mail(client: Client) -> None:
    boss, team = make_staff(roles=["manager"]), make_team("North")
    client.force_login(boss)
    page = client.post(
        "/settings/staff/invite/",
        {"email": "New@Shop.example", "roles": ["agent"], "teams": [team.pk], "language": "en"},
    )
    assert page.status_code == 200
    shown = page.context["url"]
    run_job("accounts.send_invitation")
    sent = mail.outbox[0]
    assert sent.to == ["new@shop.example"]
    link = next(line for line in sent.body.splitlines() if line.startswith("http"))
    assert link == shown
    assert "new@shop" not in str(Job.objects.values())
    stranger = Client()
    path = link.removeprefix("http://127.0.0.1:8000")
    assert stranger.get(path).status_code == 200
    assert stranger.head(path).status_code == 200
    weak = stranger.post(path, {"display_name": "新同事", "password": "12345"})
    assert weak.status_code == 422
    assert "新同事".encode() in weak.content
    done = stranger.post(path, {"display_name": "新同事", "password": PASSWORD})
    assert done["Location"] == "/desk/"
    staff = Staff.objects.get(email="new@shop.example")
    assert (staff.display_name, staff.roles, [t.pk for t in staff.teams.all()]) == ("新同事", ["agent"], [team.pk])
    assert stranger.get("/accounts/me/").status_code == 200
    assert stranger.get(path).status_code == 410
    assert Client().post(path, {"display_name": "x", "password": PASSWORD}).status_code == 410
    kinds = list(Event.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["staff_invitation.sent", "staff.joined", "staff_invitation.accepted"]


def test_dead_links() -> None:
    boss = make_staff(roles=["manager"])
    invitation, token = invite(boss)
    for bad in ("", "x", token.swapcase(), token + " "):
        with pytest.raises(InvitationDead):
            accept(bad)
    with pytest.raises(InvitationDead):
        accept(token, at=invitation.expires_at)
    services.revoke_invitation(invitation_id=invitation.pk, actor=Actor.staff(boss), at=timezone.now())
    services.revoke_invitation(invitation_id=invitation.pk, actor=Actor.staff(boss), at=timezone.now())
    with pytest.raises(InvitationDead):
        accept(token)
    assert Event.objects.filter(kind="staff_invitation.revoked").count() == 1


def test_link_lives_seven_days() -> None:
    invitation, token = invite(make_staff(roles=["manager"]))
    assert accept(token, at=invitation.created_at + timedelta(days=7, seconds=-1)).pk


def test_second_invitation_withdraws_the_first() -> None:
    boss = make_staff(roles=["manager"])
    _first, old = invite(boss)
    _second, new = invite(boss)
    with pytest.raises(InvitationDead):
        accept(old)
    assert accept(new).email == "new@shop.example"
    with pytest.raises(EmailTaken):
        invite(boss)


def test_archived_team_does_not_turn_the_newcomer_away() -> None:
    boss, kept, gone = make_staff(roles=["manager"]), make_team(), make_team()
    _invitation, token = invite(boss, teams=[kept, gone])
    services.archive_team(team_id=gone.pk, actor=Actor.staff(boss), at=timezone.now())
    assert [t.pk for t in accept(token).teams.all()] == [kept.pk]


def test_nobody_invites_above_herself(client: Client) -> None:
    boss = make_staff(roles=["manager"])
    with pytest.raises(RoleAboveOwn):
        invite(boss, roles=["admin"])
    for roles in ([], ["nonsense"]):
        with pytest.raises(InvalidInput):
            invite(boss, roles=roles)
    with pytest.raises(InvalidInput):
        services.invite_staff(
            email="a@b.example",
            roles=["agent"],
            team_ids=[999],
            language="en",
            actor=Actor.staff(boss),
            at=timezone.now(),
        )
    client.force_login(boss)
    assert (
        client.post(
            "/settings/staff/invite/", {"email": "a@b.example", "roles": ["admin"], "language": "en"}
        ).status_code
        == 422
    )
    no_team = client.post("/settings/staff/invite/", {"email": "a@b.example", "roles": ["agent"], "language": "en"})
    assert no_team.status_code == 422
    assert "teams" in no_team.context["form"].errors


def test_withdrawn_invitation_sends_no_mail() -> None:
    boss = make_staff(roles=["manager"])
    invitation, _token = invite(boss)
    services.revoke_invitation(invitation_id=invitation.pk, actor=Actor.staff(boss), at=timezone.now())
    run_job("accounts.send_invitation")
    assert mail.outbox == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_acceptances_at_once_make_one_person() -> None:
    _invitation, token = invite(make_staff(roles=["manager"]))
    start, results = threading.Barrier(4), []

    def run(number: int) -> None:
        try:
            start.wait()
            results.append(accept(token, f"Person {number}").pk)
        except InvitationDead:
            results.append(None)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [pk for pk in results if pk]
    assert len(results) == 4
    assert len(winners) == 1
    assert Staff.objects.filter(email="new@shop.example").count() == 1
    assert Invitation.objects.get().accepted_by_id == winners[0]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_invitations_at_once_leave_one_open() -> None:
    boss = make_staff(roles=["manager"])
    start, results = threading.Barrier(3), []

    def run() -> None:
        try:
            start.wait()
            invite(boss)
            results.append("sent")
        except Exception as error:  # noqa: BLE001 - the kind of refusal is what the test looks at
            results.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "sent" in results
    assert set(results) <= {"sent", "Conflict"}
    assert Invitation.objects.filter(accepted_at=None, revoked_at=None).count() == 1
