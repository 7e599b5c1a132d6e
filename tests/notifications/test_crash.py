"""A worker that dies between the server's "250" and our commit sends the same mail again, not another one."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.utils import timezone

from core.jobs import drain
from core.models import Job
from notifications.models import Delivery
from tests.factories.notifications import queue
from tests.notifications.test_listener import ROOT, environment
from tests.smtp import Sink

DIES = """
import os, django
django.setup()
from core.jobs import drain
from notifications.services import sending

def die(**facts):
    os._exit(9)

sending.settle_delivery = die
drain(seconds=10)
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_death_between_accept_and_commit_repeats_the_same_mail(sink: Sink) -> None:
    delivery = queue()
    done = subprocess.run(
        [sys.executable, "-c", DIES],
        cwd=ROOT,
        env=environment(SMTP_URL=sink.url, PYTHONPATH=str(ROOT)),
        check=False,
        capture_output=True,
    )
    assert done.returncode == 9, done.stderr.decode()
    delivery.refresh_from_db()
    assert (delivery.state, len(sink.mails)) == ("sending", 1)
    Job.objects.filter(state="running").update(lease_until=timezone.now())
    drain(seconds=10)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("sent", 2)
    assert [mail["Message-ID"] for mail in sink.mails] == [delivery.message_id] * 2
    assert Delivery.objects.count() == 1
    assert sink.envelopes[0].original_content == sink.envelopes[1].original_content or (
        sink.mails[0]["Date"] == sink.mails[1]["Date"]
    )
