import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.errors import LastAdministrator, OwnAccount, RoleAboveOwn
from accounts.models import Staff
from accounts.services.staff import StaffDraft
from core.actors import SYSTEM, Actor
from core.errors import Conflict, InvalidInput, NotFound, StaleEdit
from core.events import payload_of
from core.models import Event
from tests.factories.accounts import PASSWORD, make_staff, make_team

pytestmark = pytest.mark.django_db


def draft(**fields) -> StaffDraft:  # type: ignore[no-untyped-def]
    return StaffDraft(**{"display_name": "Li", "roles": ("agent",)} | fields)


def edit(staff: Staff, by: Staff, version: int | None = None, **fields) -> Staff:  # type: ignore[no-untyped-def]
    return services.edit_staff(
        staff_id=staff.pk,
        version=version or staff.version,
        draft=draft(**fields),
        actor=Actor.staff(by),
        at=timezone.now(),
    )


def close(staff: Staff, by: Staff | None = None, successor: Staff | None = None, team=None) -> Staff:  # type: ignore[no-untyped-def]
    return services.deactivate_staff(
        staff_id=staff.pk, successor_id=successor and successor.pk, successor_team_id=team and team.pk,
        actor=Actor.staff(by) if by else SYSTEM, at=timezone.now(),
    )  # fmt: skip


def test_edit_changes_roles_teams_and_skills_and_says_so() -> None:
    boss, staff, team = make_staff(roles=["manager"]), make_staff(), make_team()
    saved = edit(
        staff, boss, display_name="李雷", roles=("agent_lead", "trainer"), team_ids=(team.pk,), skills=("vip",)
    )
    assert (saved.display_name, saved.roles, saved.skills, saved.version) == (
        "李雷",
        ["agent_lead", "trainer"],
        ["vip"],
        2,
    )
    event = Event.objects.get(kind="staff.changed")
    assert set(payload_of(event).fields) == {"display_name", "roles", "skills", "teams"}
    assert payload_of(event).team_ids == (team.pk,)


def test_edit_that_changes_nothing_records_nothing() -> None:
    boss, staff = make_staff(roles=["manager"]), make_staff(display_name="Li", teams=())
    assert edit(staff, boss).version == 1
    assert not Event.objects.exists()


def test_stale_edit_keeps_what_was_typed(client: Client) -> None:
    boss, staff = make_staff(roles=["manager"]), make_staff(display_name="Old")
    team = staff.teams.get()
    edit(staff, boss, display_name="Theirs", team_ids=(team.pk,))
    with pytest.raises(StaleEdit) as caught:
        edit(staff, boss, version=1, display_name="Mine")
    assert {"field": "display_name", "yours": "Mine", "theirs": "Theirs"} in caught.value.changes
    client.force_login(boss)
    typed = {"version": 1, "display_name": "Mine", "roles": ["agent"], "teams": [team.pk]}
    page = client.post(f"/settings/staff/{staff.pk}/", typed)
    assert page.status_code == 409
    html = page.content.decode()
    assert 'value="Mine"' in html
    assert "Theirs" in html
    assert 'name="version" value="2"' in html
    assert client.post(f"/settings/staff/{staff.pk}/", typed | {"version": 2}).status_code == 302
    assert Staff.objects.get(pk=staff.pk).display_name == "Mine"


def test_nobody_gives_or_takes_rights_above_her_own() -> None:
    manager, admin, other = make_staff(roles=["manager"]), make_staff(roles=["admin"]), make_staff(roles=["admin"])
    agent = make_staff()
    with pytest.raises(RoleAboveOwn):
        edit(agent, manager, roles=("admin",))
    with pytest.raises(RoleAboveOwn):
        edit(admin, manager, roles=("agent",))
    with pytest.raises(RoleAboveOwn):
        edit(admin, manager, roles=("admin",), display_name="Renamed")
    with pytest.raises(RoleAboveOwn):
        close(admin, manager)
    assert edit(other, admin, roles=("agent",)).roles == ["agent"]


def test_last_administrator_stays() -> None:
    admin, manager = make_staff(roles=["admin"]), make_staff(roles=["manager"])
    with pytest.raises(LastAdministrator):
        edit(admin, admin, roles=("agent",))
    with pytest.raises(LastAdministrator):
        close(admin)
    make_staff(roles=["admin"], is_active=False)
    with pytest.raises(LastAdministrator):
        close(admin)
    assert manager.pk


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_administrators_removing_each_other_leave_one() -> None:
    admins = [make_staff(roles=["admin"]) for _ in range(2)]
    start, results = threading.Barrier(2), []

    def run(me: Staff, other: Staff) -> None:
        try:
            start.wait()
            close(other, me)
            results.append("closed")
        except (LastAdministrator, RoleAboveOwn) as error:
            results.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in (admins, admins[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results)[0] == "closed"
    assert len(results) == 2
    assert Staff.objects.filter(is_active=True).count() == 1


def test_deactivation_names_the_successor() -> None:
    boss, staff, heir, team = make_staff(roles=["manager"]), make_staff(), make_staff(), make_team()
    saved = close(staff, boss, heir)
    assert (saved.is_active, saved.session_version) == (False, 2)
    data = payload_of(Event.objects.get(kind="staff.deactivated", subject_id=staff.pk))
    assert (data.successor_id, data.successor_team_id) == (heir.pk, None)
    with pytest.raises(Conflict):
        close(staff, boss)
    close(heir, boss, team=team)
    data = payload_of(Event.objects.get(kind="staff.deactivated", subject_id=heir.pk))
    assert (data.successor_id, data.successor_team_id) == (None, team.pk)


@pytest.mark.parametrize("who", ["self", "closed", "mute", "nobody"])
def test_successor_must_be_able_to_take_over(who: str) -> None:
    boss, staff = make_staff(roles=["manager"]), make_staff()
    heir = {
        "self": staff,
        "closed": make_staff(is_active=False),
        "mute": make_staff(roles=["analyst"]),
        "nobody": Staff(pk=10**9),
    }[who]
    with pytest.raises(InvalidInput):
        close(staff, boss, heir)
    assert Staff.objects.get(pk=staff.pk).is_active


def test_nobody_closes_her_own_account() -> None:
    boss = make_staff(roles=["manager"])
    with pytest.raises(OwnAccount):
        close(boss, boss)


def test_closing_and_opening_by_the_pages(client: Client) -> None:
    boss, staff, heir = make_staff(roles=["manager"]), make_staff(), make_staff()
    client.force_login(boss)
    bad = client.post(f"/settings/staff/{staff.pk}/deactivate/", {"successor": "staff:abc"})
    assert bad.status_code in {400, 422}
    assert client.post(f"/settings/staff/{staff.pk}/deactivate/", {"successor": f"staff:{heir.pk}"}).status_code == 302
    assert not Staff.objects.get(pk=staff.pk).is_active
    assert client.post(f"/settings/staff/{staff.pk}/reactivate/").status_code == 302
    assert Staff.objects.get(pk=staff.pk).is_active
    with pytest.raises(Conflict):
        services.reactivate_staff(staff_id=staff.pk, actor=Actor.staff(boss), at=timezone.now())
    assert client.post(f"/settings/staff/{staff.pk}/sign-out/").status_code == 302
    assert Staff.objects.get(pk=staff.pk).session_version == 3
    with pytest.raises(NotFound):
        services.reactivate_staff(staff_id=10**9, actor=Actor.staff(boss), at=timezone.now())


def test_profile_saves_and_refuses_nonsense(client: Client) -> None:
    staff = make_staff(password=PASSWORD)
    client.force_login(staff)
    fields = {"version": 1, "display_name": "小王", "language": "en", "timezone": "Europe/Berlin", "theme": "dark"}
    done = client.post("/accounts/me/", fields)
    assert done.status_code == 302
    assert done.cookies["cs_lang"].value == "en"
    fresh = Staff.objects.get(pk=staff.pk)
    assert (fresh.display_name, fresh.timezone, fresh.theme, fresh.version) == ("小王", "Europe/Berlin", "dark", 2)
    assert client.post("/accounts/me/", fields).status_code == 409
    for name, value in (("timezone", "Mars/Base"), ("language", "xx"), ("theme", "pink"), ("display_name", "")):
        assert client.post("/accounts/me/", fields | {"version": 2, name: value}).status_code == 422
    extra = client.post(
        "/accounts/me/", fields | {"version": 2, "roles": ["admin"], "is_superuser": "1", "email": "x@y.example"}
    )
    assert extra.status_code == 302
    fresh.refresh_from_db()
    assert (fresh.roles, fresh.is_superuser, fresh.email) == (["agent"], False, staff.email)


def test_teams(client: Client) -> None:
    boss = make_staff(roles=["manager"], teams=())
    client.force_login(boss)
    assert client.post("/settings/teams/new/", {"name": "North"}).status_code == 302
    assert client.post("/settings/teams/new/", {"name": "north"}).status_code == 422
    team = boss.teams.model.objects.get()
    assert client.post(f"/settings/teams/{team.pk}/", {"name": "South", "version": 1}).status_code == 302
    stale = client.post(f"/settings/teams/{team.pk}/", {"name": "West", "version": 1})
    assert stale.status_code == 409
    assert b'value="West"' in stale.content
    make_staff(teams=[team])
    assert client.post(f"/settings/teams/{team.pk}/archive/").status_code in {400, 409}
    team.memberships.all().delete()
    assert client.post(f"/settings/teams/{team.pk}/archive/").status_code == 302
    assert client.get(f"/settings/teams/{team.pk}/").status_code == 404


def test_presence_and_its_own_row(client: Client) -> None:
    staff = make_staff()
    client.force_login(staff)
    assert client.post("/accounts/presence/", {"state": "busy", "next": "/accounts/me/"})["Location"] == "/accounts/me/"
    assert client.post("/accounts/presence/", {"state": "online", "next": "//evil.example"})["Location"] == "/desk/"
    staff.refresh_from_db()
    assert staff.presence.status == "online"
    assert client.post("/accounts/presence/", {"state": "nowhere"}).status_code in {400, 422}
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/board/?a=1"}
    part = client.get("/accounts/presence/", headers=headers)
    assert ('value="/board/?a=1"' in part.content.decode(), "<html" in part.content.decode()) == (True, False)


def test_a_page_of_somebody_marked_away_looks_again_at_her_status(client: Client) -> None:
    staff = make_staff()
    client.force_login(staff)
    services.set_presence(staff_id=staff.pk, status="online", at=timezone.now() - timedelta(minutes=10))
    services.mark_absent(at=timezone.now())
    assert "load delay:1s" in client.get("/accounts/me/").content.decode()
    part = client.get("/accounts/presence/", headers={"HX-Request": "true"}).content.decode()
    assert "live:presence from:document" in part
    assert ("load delay" in part, 'value="online" aria-pressed="true"' in part) == (False, True)


def test_email_is_kept_in_small_letters_and_once() -> None:
    make_staff("a@shop.example")
    from accounts.errors import EmailTaken

    with pytest.raises(EmailTaken):
        services.create_staff(
            email=" A@Shop.example ", password=PASSWORD, draft=draft(), actor=SYSTEM, at=timezone.now()
        )
