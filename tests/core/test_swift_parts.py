"""What is worked out once says what Django would say each time."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.template import Context, Engine, Template
from django.urls import NoReverseMatch, get_resolver, reverse, set_script_prefix
from django.utils import translation
from django.utils.safestring import mark_safe

from core.addresses import address
from core.ui.widgets import PlainControls

PLAIN = Engine(builtins=["django.templatetags.i18n"])


def _names(resolver: Any, space: str = "") -> list[tuple[str, str]]:
    found = []
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            found += _names(pattern, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        elif pattern.name:
            found.append((f"{space}{pattern.name}", pattern.pattern))
    return found


def test_every_address_is_the_one_django_gives() -> None:
    names = _names(get_resolver())
    filled = 0
    for name, pattern in names:
        count = pattern.regex.groups
        for keys in [(7, 0, 123456, 3)[:count], ("a-b", "c", "d", "e")[:count]] if count < 5 else []:
            try:
                expected = reverse(name, args=keys)
            except NoReverseMatch:
                with pytest.raises(NoReverseMatch):
                    address(name, *keys)
                continue
            assert address(name, *keys) == expected
            filled += bool(keys)
    assert filled > 150


def test_an_address_follows_where_the_site_stands() -> None:
    assert address("tickets:ticket", 5) == "/desk/t/5/"
    set_script_prefix("/service/")
    try:
        assert address("tickets:ticket", 5) == "/service/desk/t/5/"
    finally:
        set_script_prefix("/")
    for key in (-1, True, "5x"):
        with pytest.raises(NoReverseMatch):
            address("tickets:ticket", key, key)


@pytest.mark.parametrize(
    "source",
    [
        '{% translate "Orders" %}',
        "{% translate 'Orders' as words %}<{{ words }}>",
        '{% trans "Orders" %}{% translate "Orders" noop %}',
        '{% translate "All" context "order list" %}',
        "{% translate named %}{% translate named as words %}{{ words }}",
        '{% translate "Orders"|upper %}',
        '{% translate "50%% <b> & \\"more\\"" %}',
        '{% autoescape off %}{% translate "<b> & more" %}{% endautoescape %}{% translate "<b> & more" %}',
    ],
)
def test_fixed_words_are_what_django_says_in_every_language(source: str) -> None:
    swift, usual = Template(source), PLAIN.from_string(source)
    for language in ("zh-hans", "en", "zh-hans"):
        with translation.override(language):
            for _time in range(2):
                context = {"named": "Orders"}
                assert swift.render(Context(context)) == usual.render(Context(context))


def test_words_change_with_the_language() -> None:
    page = Template('{% translate "Orders" %}')
    told = set()
    for language in ("en", "zh-hans"):
        with translation.override(language):
            told.add(page.render(Context()))
    assert told == {"Orders", "订单"}


@pytest.mark.parametrize(
    "source",
    [
        "{% url 'tickets:ticket' key %}",
        "{% url 'tickets:ticket' key as there %}[{{ there }}]",
        "{% url 'tickets:nowhere' key as there %}[{{ there }}]",
        "{% url 'tickets:ticket' '' as there %}[{{ there }}]",
        "{% url name %}{% url 'tickets:desk' %}?a=1&b=2",
        "{% url 'tickets:ticket' ticket_id=key %}",
    ],
)
def test_addresses_in_templates_are_what_django_says(source: str) -> None:
    context = {"key": 5, "name": "tickets:desk"}
    assert Template(source).render(Context(context)) == PLAIN.from_string(source).render(Context(context))


def test_a_page_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(NoReverseMatch):
        Template("{% url 'tickets:ticket' key %}").render(Context({"key": None}))


class Sample(forms.Form):
    text = forms.CharField(widget=forms.TextInput(attrs={"data-x": True, "data-y": False, "placeholder": '<&">'}))
    much = forms.CharField(widget=forms.Textarea)
    count = forms.IntegerField(localize=True)
    safe = forms.CharField(initial=mark_safe("a&amp;b"))
    day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))
    secret = forms.CharField(widget=forms.PasswordInput)
    hidden = forms.CharField(widget=forms.HiddenInput)
    told = forms.BooleanField()
    one = forms.ChoiceField(choices=[("", "–"), ("Group <1>", [("a", "A & b"), ("b", "B")]), (3, 1000)])
    many = forms.MultipleChoiceField(choices=[("x", mark_safe("<i>X</i>")), ("y", "Y")], widget=forms.SelectMultiple)
    kind = forms.ChoiceField(choices=[("x", "X"), ("y", "Y")], widget=forms.RadioSelect)


@pytest.mark.parametrize(
    "data",
    [None, {}, {"text": '"><script>', "much": "\n<b>", "count": "1234", "told": "on", "one": "3", "many": ["x", "y"]}],
)
def test_plain_controls_are_what_django_makes(data: dict[str, Any] | None) -> None:
    swift, usual = (Sample(data, renderer=made()) for made in (PlainControls, DjangoTemplates))
    for field, same in zip(swift, usual, strict=True):
        plain = "".join(line.strip() for line in str(same).splitlines()) if field.name in {"one", "many"} else str(same)
        assert str(field) == plain
