"""Django's i18n and url tags, with what cannot change between two renders worked out once.

A page of the desk holds two hundred fixed words and a hundred addresses; looking each up anew was a sixth of its time.
They come with `ui`, so templates are written as anywhere else.
Decision 0023-worked-out-once.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context, Node
from django.template.base import FilterExpression, Parser, Token, Variable
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as make_url
from django.templatetags import i18n
from django.urls import NoReverseMatch
from django.utils.html import conditional_escape
from django.utils.translation import get_language

from core.addresses import address

register = template.Library()


class FixedWords(Node):
    """A translated literal: what Django's own node makes of it, kept by language and escaping."""

    child_nodelists = ()

    def __init__(self, usual: i18n.TranslateNode) -> None:
        self._usual, self._asvar = usual, usual.asvar
        usual.asvar = None
        self._known: dict[tuple[str | None, bool], str] = {}

    def render(self, context: Context) -> str:
        """Return the words, or put them where the tag says."""
        key = get_language(), context.autoescape
        words = self._known.get(key)
        if words is None:
            words = self._known[key] = self._usual.render(context)
        if self._asvar is None:
            return words
        context[self._asvar] = words
        return ""


class KnownAddress(URLNode):
    """An address by a literal name, filled into its known form."""

    def render(self, context: Context) -> str:
        """Return the address, or put it where the tag says."""
        name, values = self.view_name.var, [arg.resolve(context) for arg in self.args]
        try:
            found = address(name, *values)
        except NoReverseMatch:
            if self.asvar is None:
                raise
            found = ""
        if self.asvar:
            context[self.asvar] = found
            return ""
        return conditional_escape(found) if context.autoescape else found


def _is_literal(expression: FilterExpression | None) -> bool:
    if expression is None:
        return True
    literal = expression.var.literal if isinstance(expression.var, Variable) else expression.var
    return isinstance(literal, str) and not expression.filters


@register.tag("translate")
@register.tag("trans")
def translate(parser: Parser, token: Token) -> Node:
    """Say a literal in the reader's language; anything else as Django does."""
    usual = i18n.do_translate(parser, token)
    fixed = _is_literal(usual.filter_expression) and _is_literal(usual.message_context)
    return FixedWords(usual) if fixed else usual


@register.tag
def url(parser: Parser, token: Token) -> Node:
    """Give the address of a page by its name; with named parts, or a name from a variable, as Django does."""
    usual: Any = make_url(parser, token)
    if usual.kwargs or not isinstance(usual.view_name.var, str) or usual.view_name.filters:
        return usual  # type: ignore[no-any-return]
    return KnownAddress(usual.view_name, usual.args, usual.kwargs, usual.asvar)
