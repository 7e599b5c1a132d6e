"""Lines for the system page and figures for scraping: are parcels heard of, are the providers' accounts well."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.registry import Figure
from core.ui import when
from orders.carrying_words import words_for
from orders.selectors.carrying import account_states, freshness

GOOD, POOR = 0.99, 0.95


def carrier_health() -> list[dict[str, Any]]:
    """Return {label, value, state, hint} lines; five queries. None while no account exists."""
    now = timezone.now()
    accounts = account_states(now)
    if not accounts:
        return []
    rows = freshness(now)
    under_way, fresh = sum(row.under_way for row in rows), sum(row.fresh for row in rows)
    share = fresh / under_way if under_way else 1.0
    silent = under_way - fresh
    hint = ngettext("%(n)s parcel was silent for two hours.", "%(n)s parcels were silent for two hours.", silent)
    lines = [
        {
            "label": _("Parcels under way heard of within two hours"),
            "value": f"{int(share * 1000) / 10:g} %",
            "state": "ok" if share >= GOOD else "warn" if share >= POOR else "bad",
            "hint": hint % {"n": silent} if silent else "",
        }
    ]
    for one in accounts:
        account = one.account
        code = account.halted_code or (account.last_error_code if one.state == "paused" else "")
        state = {"halted": "bad", "paused": "warn"}.get(one.state, "ok")
        lines.append(
            {
                "label": _("Tracking through %(name)s") % {"name": account.name},
                "value": when(account.last_ok_at) if account.last_ok_at else _("Not yet"),
                "state": "warn" if state == "ok" and one.unread else state,
                "hint": str(words_for(code)) or (_("Some of its pushes could not be applied.") if one.unread else ""),
            }
        )
    return lines


def carrier_figures() -> list[Figure]:
    """Return gauges by carrier and by account."""
    now, found = timezone.now(), []
    for row in freshness(now):
        labels = {"carrier": row.carrier.code}
        found.append(Figure("cs_parcels_under_way", "Parcels under way", labels, row.under_way))
        found.append(Figure("cs_parcels_fresh", "Parcels under way heard of within two hours", labels, row.fresh))
    for one in account_states(now):
        labels = {"account": str(one.account.pk), "provider": one.account.provider}
        found.append(Figure("cs_carrier_account_up", "1 while the account is asked", labels, float(one.state == "ok")))
        found.append(Figure("cs_carrier_numbers_waiting", "Numbers to be subscribed", labels, one.waiting))
        found.append(Figure("cs_carrier_pushes_stored", "Pushes not applied yet", labels, one.stored))
        found.append(Figure("cs_carrier_pushes_refused", "Pushes that could not be applied", labels, one.unread))
        found.append(Figure("cs_carrier_pushes_forged", "Pushes with a wrong signature", labels, one.account.forged))
    return found
