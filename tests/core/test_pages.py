"""The core's own pages: front door, settings hub, system page, health, error shapes."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from core.models import Company, Job, JobState
from tests.factories.accounts import make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    return Company.objects.create(id=1, name="暖阳家居", set_up_at=timezone.now())


@pytest.fixture
def admin(client):
    staff = make_staff(roles=["admin"])
    client.force_login(staff)
    return staff


def _stuck(**fields):
    return Job.objects.create(
        name="probe.stuck",
        key=str(Job.objects.count()),
        due_at=timezone.now(),
        state=JobState.QUARANTINED,
        attempts=3,
        done_at=timezone.now(),
        last_error="ValueError: no luck",
        **fields,
    )


def test_the_front_door_shows_customers_the_ways_in(client, company):
    response = client.get("/")
    assert response.status_code == 200
    assert "暖阳家居" in response.content.decode()


def test_an_empty_installation_leads_to_its_wizard(client):
    assert client.get("/")["Location"] == "/welcome/"


def test_staff_go_to_the_desk(client, company, admin):
    assert client.get("/")["Location"] == "/desk/"


def test_the_hub_lists_only_what_the_role_may_open(client, admin):
    everything = client.get("/settings/").content.decode()
    assert "/settings/calendars/" in everything
    client.force_login(make_staff(roles=["agent"]))
    assert "/settings/calendars/" not in client.get("/settings/").content.decode()


def test_the_system_page_shows_and_replays_quarantine(client, admin):
    job = _stuck()
    assert "no luck" in client.get("/system/").content.decode()
    assert client.post(f"/system/jobs/{job.pk}/replay/").status_code == 302
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("ready", 0)
    assert client.post(f"/system/jobs/{job.pk}/replay/").status_code == 404


def test_discarding_closes_for_good(client, admin):
    job = _stuck()
    client.post(f"/system/jobs/{job.pk}/discard/")
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_the_system_page_costs_the_same_with_one_and_three_stuck_jobs(client, admin):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for _ in range(2):
        _stuck()
        with CaptureQueriesContext(connection) as seen:
            client.get("/system/")
        counts.append(len(seen))
        _stuck()
    assert counts[0] == counts[1]


def test_agents_do_not_see_the_system_page(client):
    client.force_login(make_staff(roles=["agent"]))
    assert client.get("/system/").status_code == 403


def test_health_and_metrics(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}
    assert b"cs_jobs" in client.get("/metrics").content
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 404


def test_an_unknown_page_is_polite_in_three_shapes(client):
    page = client.get("/nothing/here/")
    assert page.status_code == 404
    assert "html" in page["Content-Type"]
    fragment = client.get("/nothing/here/", headers={"HX-Request": "true"})
    assert "toast" in json.loads(fragment["HX-Trigger"])
    problem = client.get("/api/v1/nothing/")
    assert problem.status_code == 404
    assert problem.json()["code"] == "not_found"


def test_language_follows_cookie_then_browser_then_chinese(client, company):
    assert 'lang="zh' in client.get("/").content.decode()
    assert 'lang="en' in client.get("/", headers={"Accept-Language": "en-GB,en"}).content.decode()
    client.cookies["cs_lang"] = "zh-hans"
    assert 'lang="zh' in client.get("/", headers={"Accept-Language": "en"}).content.decode()
