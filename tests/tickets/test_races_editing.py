"""Two people save the same thing at once, on real connections: one is first, the other is told, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from core.actors import Actor
from core.errors import Conflict, StaleEdit
from core.models import Event
from orders.models import Incident
from orders.services.incidents import IncidentDraft, declare_incident
from tests.factories.accounts import make_staff, make_team
from tests.tickets.test_races import at_once
from tickets.models import CustomField, Macro, SavedView
from tickets.services.fields import FieldWords, save_field
from tickets.services.macros import MacroWords, save_macro
from tickets.services.saved_views import save_view

pytestmark = pytest.mark.django_db(transaction=True)
Save = Callable[[str, int], Any]
Look = Callable[[], Any]
ROUNDS = 5


def edit_macro() -> tuple[Save, Look]:
    words = MacroWords(title="催单", body="马上为您催", add_tags=("催单",))
    row = save_macro(pk=None, words=words)

    def save(name: str, version: int) -> Macro:
        told = replace(words, title=name, body=f"{name}的话", add_tags=(name,))
        return save_macro(pk=row.pk, words=told, version=version)

    return save, lambda: Macro.objects.filter(pk=row.pk).values("title", "body", "add_tags", "version").get()


def edit_field() -> tuple[Save, Look]:
    words = FieldWords(key="batch", label_zh="批次", label_en="Batch")
    row = save_field(pk=None, words=words)

    def save(name: str, version: int) -> CustomField:
        return save_field(pk=row.pk, words=replace(words, label_zh=name, label_en=f"{name} en"), version=version)

    return save, lambda: CustomField.objects.filter(pk=row.pk).values("label_zh", "label_en", "version").get()


def edit_filter() -> tuple[Save, Look]:
    """A filter of a team is edited by whoever assigns its tickets."""
    team = make_team("同组")
    people = {name: make_staff(roles=["agent_senior"], teams=[team]) for name in ("甲", "乙")}
    first = people["甲"]
    row = save_view(staff=first, name="共用", conditions={"tags": ["共用"]}, team_id=team.pk, at=timezone.now())

    def save(name: str, version: int) -> SavedView:
        return save_view(
            staff=people[name], name=name, conditions={"tags": [name]}, team_id=team.pk, view_id=row.pk,
            version=version, at=timezone.now(),
        )  # fmt: skip

    return save, lambda: SavedView.objects.filter(pk=row.pk).values("name", "conditions", "version").get()


@pytest.mark.parametrize("edit", [edit_macro, edit_field, edit_filter])
def test_of_two_who_save_at_once_one_is_told_what_the_other_wrote(edit: Any) -> None:
    save, look = edit()
    for _round in range(ROUNDS):
        before = look()["version"]
        results = at_once(partial(save, "甲", before), partial(save, "乙", before))
        refused = [one for one in results if isinstance(one, StaleEdit)]
        assert len(refused) == 1
        winner, loser = ("乙", "甲") if isinstance(results[0], StaleEdit) else ("甲", "乙")
        row = look()
        assert row["version"] == before + 1
        assert {winner in str(value) for name, value in row.items() if name != "version"} == {True}
        assert loser not in str(row)
        told = {one["theirs"] for one in refused[0].changes}
        assert any(winner in theirs for theirs in told)
        save(loser, row["version"])  # she has seen it and saves hers over it
        assert loser in str(look())


def test_an_incident_declared_twice_at_once_is_one() -> None:
    boss = make_staff(roles=["manager"])
    draft = IncidentDraft(title="货车侧翻", kind="lost_truck", owner_id=boss.pk)
    for number in range(1, ROUNDS + 1):
        form = uuid4()

        def declare(form: Any = form) -> Incident:
            return declare_incident(draft=draft, actor=Actor.staff(boss), at=timezone.now(), client_id=form)

        results = at_once(*[declare] * 4)
        assert len({row.pk for row in results}) == 1
        assert Incident.objects.count() == number
        assert Event.objects.filter(kind="incident.declared", subject_id=results[0].pk).count() == 1
    other = Actor.staff(make_staff(roles=["manager"]))
    with pytest.raises(Conflict):  # somebody else's form is never answered with this one
        declare_incident(draft=draft, actor=other, at=timezone.now(), client_id=form)
    assert connection.in_atomic_block is False
