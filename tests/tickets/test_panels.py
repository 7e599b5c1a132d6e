"""Every panel beside a conversation, an order or a customer is a part of a page, never a page in a page."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from core import registry
from tests.factories.accounts import make_staff
from tests.factories.desk import make_desk_order, make_desk_ticket, make_person


@pytest.mark.django_db
def test_every_panel_is_a_part_for_htmx_and_a_page_by_itself(client: Client) -> None:
    client.force_login(make_staff(roles=["admin"]))
    person = make_person()
    order = make_desk_order(customer=person)
    ids = {"ticket": make_desk_ticket(customer=person, order=order).pk, "order": order.pk, "customer": person.pk}
    panels = [panel for panel in registry.PANELS.values() if panel.subject_type in ids]
    assert len({panel.key for panel in panels}) > 6
    for panel in panels:
        url = reverse(panel.url_name, args=[ids[panel.subject_type]])
        part = client.get(url, HTTP_HX_REQUEST="true")
        assert part.status_code == 200, url
        assert "<html" not in part.content.decode(), url
        assert "presence-menu" not in part.content.decode(), url
        whole = client.get(url)
        assert whole.status_code == 200, url
        assert "<html" in whole.content.decode(), url


@pytest.mark.django_db
def test_the_page_of_a_ticket_holds_one_page_whatever_its_open_tab(client: Client) -> None:
    client.force_login(make_staff(roles=["admin"]))
    person = make_person()
    ticket = make_desk_ticket(customer=person, order=make_desk_order(customer=person))
    tabs = {
        panel.key for subject in ("ticket", "order", "customer") for panel in registry.panels_for("context", subject)
    }
    for tab in sorted(tabs):
        page = client.get(reverse("tickets:ticket", args=[ticket.pk]), {"tab": tab}).content.decode()
        assert page.count("<html") == 1, tab
        assert page.count('id="presence-menu"') == 1, tab


@pytest.mark.django_db
def test_a_ticket_opened_by_a_boosted_link_holds_no_page_in_its_panel(client: Client) -> None:
    client.force_login(make_staff(roles=["admin"]))
    ticket = make_desk_ticket(customer=make_person())
    marks = {"HTTP_HX_REQUEST": "true", "HTTP_HX_BOOSTED": "true", "HTTP_HX_TARGET": "conversation"}
    for tab in ("tasks", "promises"):
        part = client.get(reverse("tickets:ticket", args=[ticket.pk]), {"tab": tab}, **marks)  # type: ignore[arg-type]
        assert "presence-menu" not in part.content.decode(), tab
