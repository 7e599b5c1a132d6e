"""The lint of the house: each rule catches its sample, and the product keeps them all."""

import pytest

from tests.house_rules import faults_in, faults_of_tree

BAD = {
    "mark_safe('x')": "mark_safe",
    "eval(x)": "eval",
    "import pickle": "pickle",
    "run(x, shell=True)": "shell",
    "task.apply_async(eta=1)": "eta",
    "task.apply_async(countdown=1)": "eta",
    "datetime.now()": "naive",
    "date.today()": "today",
    "class M:\n    fields = '__all__'": "__all__",
    "from django.utils.translation import gettext_lazy as later": "catalogue",
    "c.execute(f'select {x}')": "SQL",
    "c.execute('select %s' % x)": "SQL",
    "c.execute('select {}'.format(x))": "SQL",
    "c.execute('select ' + x)": "SQL",
}
GOOD = [
    "datetime.now(UTC)",
    "from django.utils.translation import gettext_lazy as _, pgettext",
    "c.execute('select %s', [x])",
    "c.execute(sql.SQL('select {}').format(x))",
    "task.apply_async(kwargs={})",
    "mark_safe('x')  # allowed: made of constants",
    "run(x, shell=False)",
]


@pytest.mark.parametrize("source", BAD)
def test_a_bad_line_is_caught(source: str) -> None:
    (found,) = faults_in(source, "a.py")
    assert BAD[source] in found


@pytest.mark.parametrize("source", GOOD)
def test_a_good_line_passes(source: str) -> None:
    assert faults_in(source, "a.py", reads_only=True) == []


@pytest.mark.parametrize("source", ["Ticket.objects.create(a=1)", "ticket.save(update_fields=['a'])", "t.save()"])
def test_a_write_outside_services_is_caught(source: str) -> None:
    assert len(faults_in(source, "tickets/views.py", reads_only=True)) == 1
    assert faults_in(source, "tickets/services.py") == []


def test_the_product_keeps_the_rules() -> None:
    assert faults_of_tree() == []
