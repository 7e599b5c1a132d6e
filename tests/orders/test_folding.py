"""Where a parcel stands does not depend on the order, the repetition or the batches in which its news comes."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.enums import ScanStatus
from orders.services.folding import step_of, take_news
from orders.services.imports.bulk import ParcelDraft
from tests.factories.orders import AT

HOUR = timedelta(hours=1)
NEWS = st.tuples(st.integers(0, 6), st.sampled_from(ScanStatus.values), st.sampled_from(["", "1", "2"]))


class Draft:
    """A parcel nobody told anything of."""

    def __init__(self):
        draft = ParcelDraft("shunfeng", "SF1")
        self.__dict__ = {name: getattr(draft, name) for name in ParcelDraft.__slots__}
        self.problem_at, self.problem_code = None, ""


def told(news):
    return [(AT + hours * HOUR, status, code) for hours, status, code in news]


def fold(*batches):
    draft = Draft()
    for batch in batches:
        take_news(draft, told(batch))
    return draft.__dict__


@given(news=st.lists(NEWS, max_size=12), seed=st.integers(0, 10**6))
def test_any_order_repetition_and_batches_give_the_same_parcel(news, seed):
    rng = random.Random(seed)
    again = news + (rng.choices(news, k=4) if news else [])
    rng.shuffle(again)
    cut = rng.randint(0, len(again))
    assert fold(again[:cut], again[cut:]) == fold(news)
    assert fold(*[[one] for one in again]) == fold(news)


@given(news=st.lists(NEWS, max_size=12))
def test_no_rank_is_reached_twice_and_loss_and_finding_alternate(news):
    draft, ranks, lost = Draft(), [10], []
    for one in news:
        before, rank = str(draft.status), draft.rank
        take_news(draft, told([one]))
        step = step_of(before, str(draft.status), rank_before=rank, rank=draft.rank)
        assert draft.rank >= rank
        if step in {"lost", "found"}:
            lost.append(step)
        elif step:
            assert draft.rank > ranks[-1] or before == "lost"
            ranks.append(draft.rank)
            if before == "lost":
                lost.append("found")
    assert ranks == sorted(set(ranks))
    assert all(step == ("lost", "found")[index % 2] for index, step in enumerate(lost))


@pytest.mark.parametrize(
    ("news", "status"),
    [
        ([(1, "in_transit"), (2, "out_for_delivery"), (3, "in_transit")], "out_for_delivery"),  # tried in vain
        ([(1, "out_for_delivery"), (2, "ready_for_pickup"), (3, "delivered")], "delivered"),
        ([(1, "delivered"), (2, "in_transit"), (3, "lost"), (4, "refused")], "delivered"),
        ([(1, "lost"), (2, "in_transit")], "in_transit"),
        ([(1, "out_for_delivery"), (2, "lost"), (3, "in_transit")], "out_for_delivery"),  # found: where it had come to
        ([(1, "in_transit"), (2, "lost"), (2, "problem")], "lost"),
        ([(1, "refused"), (2, "delivered")], "delivered"),
        ([(1, "refused"), (2, "returning"), (3, "returned")], "returned"),
        ([(1, "returning"), (2, "delivered")], "delivered"),  # it turned round after all
        ([(1, "delivered"), (2, "returning")], "returning"),
        ([(1, "delivered"), (2, "returning"), (3, "lost")], "lost"),
        ([(1, "returning"), (2, "returned"), (3, "delivered")], "returned"),  # the sender signed
        ([(1, "in_transit"), (2, "problem")], "in_transit"),
    ],
)
def test_where_a_trace_leads(news, status):
    assert fold([(hours, one, "") for hours, one in news])["status"] == status


def test_a_delivery_to_the_sender_is_none():
    assert fold([(2, "returned", ""), (3, "delivered", "")])["delivered_at"] is None
    assert fold([(1, "delivered", ""), (2, "returned", "")])["delivered_at"] == AT + HOUR


def test_the_latest_problem_is_kept_with_its_code():
    state = fold([(2, "problem", "201"), (1, "problem", "9"), (2, "problem", "205")])
    assert (state["problem_at"], state["problem_code"]) == (AT + 2 * HOUR, "205")
