"""What a form says about a field is ours, not the framework's translation."""

import pytest
from django import forms
from django.utils import translation


class Visit(forms.Form):
    name = forms.CharField()
    mail = forms.EmailField()
    note = forms.CharField(max_length=2)
    kind = forms.ChoiceField(choices=[("call", "call")])
    tries = forms.IntegerField(min_value=1)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "zh-hans",
            {
                "name": ["请填写此项。"],
                "mail": ["邮箱地址不完整或有误，请检查一下。"],
                "note": ["最多 2 个字，现在有 3 个。"],
                "kind": ["“walk”已不可用，请重新选择。"],
                "tries": ["请不要小于 1。"],
            },
        ),
        ("en", {"name": ["This field is required."], "mail": ["Enter a valid email address."]}),
    ],
)
def test_fields_speak_like_the_service_lead(language: str, words: dict[str, list[str]]) -> None:
    with translation.override(language):
        errors = Visit({"mail": "x", "note": "abc", "kind": "walk", "tries": "0"}).errors
        assert {name: [str(line) for line in errors[name]] for name in words} == words
