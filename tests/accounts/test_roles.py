import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.enums import Permission as P
from accounts.models import Membership
from accounts.permissions import has, require, shop_scope, team_scope
from accounts.roles import ROLES, permissions_of, reach_of
from core.errors import NotAllowed
from tests.factories.accounts import make_api_key, make_staff, make_team

pytestmark = pytest.mark.django_db

# Each role's rights in full, so that a change in accounts/roles.py must be made here as well, knowingly.
DESK = {P.DESK_USE, P.KNOWLEDGE_VIEW}
READ = DESK | {P.TICKET_VIEW, P.ORDER_VIEW, P.CUSTOMER_VIEW, P.INCIDENT_VIEW}
SERVE = READ | {
    P.TICKET_REPLY, P.TICKET_NOTE, P.TICKET_EDIT, P.TICKET_RESOLVE, P.VISIT_WORK, P.TASK_WORK, P.EXCEPTION_WORK,
    P.ORDER_NOTE, P.ORDER_NOTIFY,
}  # fmt: skip
AGENT = SERVE | {
    P.PII_REVEAL, P.TICKET_MERGE, P.CUSTOMER_EDIT, P.TICKET_BLOCK, P.CALL_LISTEN,
    P.ORDER_ADDRESS, P.ORDER_HOLD, P.ORDER_CANCEL, P.ORDER_SPLIT, P.ORDER_RESEND,
}  # fmt: skip
SENIOR = AGENT | {P.TICKET_ASSIGN, P.ORDER_EDIT, P.ORDER_ANSWER, P.TICKET_BULK, P.SURVEY_VIEW}
LEAD = SENIOR | {P.BOARD_VIEW, P.VISIT_MANAGE, P.STAFF_VIEW, P.TICKET_REDACT}
SUPERVISOR = LEAD | {
    P.INCIDENT_MANAGE,
    P.BOARD_MANAGE, P.ORDER_IMPORT, P.SETTINGS_MANAGE, P.SURVEY_MANAGE, P.KNOWLEDGE_EDIT, P.EXPORT, P.CUSTOMER_MERGE,
    P.ACCESS_LOG_VIEW, P.SYSTEM_VIEW, P.QUALITY_REVIEW, P.QUALITY_MANAGE, P.ARCHIVE_EXPORT,
}  # fmt: skip
TABLE = {
    "agent_junior": SERVE,
    "agent": AGENT,
    "agent_senior": SENIOR,
    "agent_lead": LEAD,
    "tech_support": SERVE | {P.KNOWLEDGE_EDIT, P.PII_REVEAL, P.CALL_LISTEN},
    "crm_specialist": READ
    | {P.TICKET_NOTE, P.CUSTOMER_EDIT, P.CUSTOMER_MERGE, P.PII_REVEAL, P.VISIT_WORK, P.VISIT_MANAGE, P.SURVEY_VIEW,
       P.SURVEY_MANAGE, P.EXPORT},
    "trainer": READ | {P.KNOWLEDGE_EDIT, P.BOARD_VIEW, P.STAFF_VIEW},
    "quality": READ | {P.TICKET_NOTE, P.BOARD_VIEW, P.SURVEY_VIEW, P.STAFF_VIEW, P.QUALITY_REVIEW, P.CALL_LISTEN},
    "warehouse": DESK
    | {P.ORDER_VIEW, P.ORDER_ANSWER, P.ORDER_NOTE, P.INCIDENT_VIEW, P.TICKET_VIEW, P.TICKET_NOTE, P.PII_REVEAL,
       P.TASK_WORK},
    "department": DESK | {P.TICKET_VIEW, P.ORDER_VIEW, P.TASK_WORK, P.AREA_VIEW},
    "analyst": READ | {P.BOARD_VIEW, P.SURVEY_VIEW, P.EXPORT},
    "supervisor": SUPERVISOR,
    "manager": SUPERVISOR | {P.STAFF_MANAGE, P.CUSTOMER_ERASE},
    "admin": set(P),
}  # fmt: skip
COMPANY = {"crm_specialist", "trainer", "quality", "analyst", "manager", "admin"}


def test_table_names_every_role() -> None:
    assert set(TABLE) == set(ROLES)


@pytest.mark.parametrize("role", sorted(TABLE))
def test_role_holds_exactly_its_rights(role: str) -> None:
    staff = make_staff(roles=[role])
    assert {p for p in P if has(staff, p)} == TABLE[role]
    assert reach_of([role]) == ("company" if role in COMPANY else "area" if role == "department" else "teams")
    assert str(ROLES[role].sentence).endswith((".", "。"))


def test_roles_add_up_and_unknown_ones_give_nothing() -> None:
    assert permissions_of(["warehouse", "analyst"]) == TABLE["warehouse"] | TABLE["analyst"]
    assert permissions_of(["gone"]) == frozenset()


def test_the_widest_reach_counts() -> None:
    assert reach_of(["department", "agent"]) == "teams"
    assert reach_of(["department", "analyst"]) == "company"
    assert reach_of([]) == "teams"


def test_anonymous_and_closed_accounts_hold_nothing() -> None:
    closed = make_staff(roles=["admin"], is_active=False)
    for user in (AnonymousUser(), closed):
        assert not has(user, P.DESK_USE)
        with pytest.raises(NotAllowed):
            require(user, P.DESK_USE)
    assert shop_scope(closed) == []
    assert team_scope(closed) == []


def test_scopes_follow_teams() -> None:
    north, south, everywhere = make_team(shop_ids=[3, 1]), make_team(shop_ids=[2, 3]), make_team()
    both = make_staff(teams=[north, south])
    assert shop_scope(both) == [1, 2, 3]
    assert team_scope(both) == [north.pk, south.pk]
    assert shop_scope(make_staff(teams=[north, everywhere])) is None
    loner = make_staff(teams=())
    assert shop_scope(loner) == []
    assert team_scope(loner) == []
    manager = make_staff(roles=["manager"], teams=())
    assert shop_scope(manager) is None
    assert team_scope(manager) is None


def test_archived_team_opens_nothing() -> None:
    from django.utils import timezone

    assert shop_scope(make_staff(teams=[make_team(archived_at=timezone.now())])) == []


def test_team_change_counts_from_the_next_request() -> None:
    team = make_team(shop_ids=[7])
    staff = make_staff(teams=[team])
    assert shop_scope(staff) == [7]
    Membership.objects.filter(staff=staff).delete()
    assert shop_scope(type(staff).objects.get(pk=staff.pk)) == []


def test_scope_of_an_api_key() -> None:
    from django.utils import timezone

    key, _plain = make_api_key(shop_ids=[5])
    assert shop_scope(key) == [5]
    key.shop_ids = []
    assert shop_scope(key) is None
    key.revoked_at = timezone.now()
    assert shop_scope(key) == []


def test_scopes_cost_one_query(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    staff = make_staff(teams=[make_team(), make_team()])
    with django_assert_num_queries(1):
        shop_scope(staff)
        team_scope(staff)
