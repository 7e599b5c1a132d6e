"""Words of three frequencies, and what a scan of every message would have found."""

from __future__ import annotations

import re
from random import Random
from urllib.parse import quote

from bench.desk.places import Place, Row
from bench.harness import Client
from bench.seeding.words import FREQUENT, MEDIUM, NOWHERE, RARE

BANDS = {"frequent": FREQUENT, "medium": MEDIUM, "rare": RARE}
FILTER = "status:open carrier:sf "
RECALL_WORDS = 20  # of each band, where a scan of all messages takes seconds
FEW, MANY = 10_000, 200_000  # tickets
HIT = re.compile(r'<a class="[^"]*\bticket\b[^"]*"[^>]*\bhref="/desk/t/(\d+)/')
SCAN = """
WITH found AS MATERIALIZED (
  SELECT ticket_id, max(id) AS newest FROM tickets_message
   WHERE text LIKE %(like)s OR heading LIKE %(like)s GROUP BY ticket_id)
SELECT t.id FROM found JOIN tickets_ticket t ON t.id = found.ticket_id
 WHERE (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s
        OR (t.team_id IS NULL AND (t.shop_id IS NULL OR t.shop_id = ANY(%(shops)s))))
   AND t.merged_into_id IS NULL AND NOT t.is_spam
 ORDER BY found.newest DESC LIMIT %(n)s
"""


def searches(samples: int, pick: Random, size: int) -> dict[str, tuple[str, list[str], list[Row]]]:
    """Return case → (raw statement, addresses, its values).

    Growth compares one page at two sizes. A word of the middle band with a filter finds a page of tickets among many
    and next to none among few, so there the page is one of a frequent word with that filter.
    """
    cases: dict[str, tuple[str, list[str], list[Row]]] = {}
    for band, words in BANDS.items():
        wanted = [pick.choice(words) for _ in range(samples)]
        values = [{"words": word} for word in wanted]
        cases[f"search_{band}"] = "search", [f"/desk/search/?q={quote(word)}" for word in wanted], values
        if size <= FEW and band == "medium":
            wanted = [pick.choice(FREQUENT) for _ in range(samples)]
            values = [{"words": word} for word in wanted]
        narrowed = [f"/desk/search/?q={quote(FILTER + word)}" for word in wanted]
        cases[f"search_{band}_filtered"] = "search_filtered", narrowed, values
    nothing = [pick.choice(NOWHERE) for _ in range(samples)]
    addresses = [f"/desk/search/?q={quote(word)}" for word in nothing]
    cases["search_no_hit"] = "search", addresses, [{"words": word} for word in nothing]
    return cases


def recall(place: Place, client: Client, scope: Row) -> float:
    """Return how much of what a scan finds stands on the page, in the same order, least over the words of all bands.

    Every word up to 200,000 tickets, beyond that twenty of each band.
    """
    pick, worst = Random(place.size), 1.0
    for words in BANDS.values():
        for word in pick.sample(words, len(words) if place.size <= MANY else RECALL_WORDS):
            shown = list(dict.fromkeys(HIT.findall(client.visit(f"/desk/search/?q={quote(word)}").body)))
            rows = place.rows(SCAN, {**scope, "like": f"%{word}%", "n": max(len(shown), 20)})
            wanted = [str(row["id"]) for row in rows]
            if not wanted:
                continue
            same = sum(one == other for one, other in zip(shown, wanted, strict=False))
            worst = min(worst, same / len(wanted))
    return round(worst, 3)
