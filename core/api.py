"""DRF pieces shared by all apps: strict JSON, problem+json."""

from __future__ import annotations

import json
from typing import IO, Any

from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions, parsers, status
from rest_framework.response import Response

from core.errors import DomainError, InvalidInput, NotFound, RateLimited
from core.http.errors import problem

MAX_DEPTH = 20


class StrictJSONParser(parsers.BaseParser):
    """JSON without NaN, Infinity, duplicate keys, NUL characters, or nesting past twenty levels."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> Any:
        """Return the parsed body. Raises ParseError."""
        try:
            value = json.loads(
                stream.read().decode("utf-8"),
                parse_constant=_refuse,
                object_pairs_hook=_no_duplicates,
            )
        except (ValueError, RecursionError) as error:
            raise exceptions.ParseError(_("The body is not valid JSON.")) from error
        _check_depth(value, 0)
        return value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _check_depth(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise exceptions.ParseError(_("The body is nested too deeply."))
    if isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_depth(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_depth(item, depth + 1)
    elif isinstance(value, str):
        _check_text(value)


def _check_text(value: str) -> None:
    if "\x00" in value or any(0xD800 <= ord(char) <= 0xDFFF for char in value):
        raise exceptions.ParseError(_("The body holds characters that cannot be stored."))


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Render any expected error as RFC 9457 problem+json."""
    if isinstance(error, Http404):
        error = NotFound()
    if isinstance(error, OperationalError | InterfaceError):
        return None
    if isinstance(error, exceptions.ValidationError):
        error = InvalidInput(fields=flatten(error.detail))
    if isinstance(error, DomainError):
        response = Response(
            problem(error),
            status=error.http_status,
            content_type="application/problem+json",
        )
        if isinstance(error, RateLimited):
            response["Retry-After"] = str(error.retry_after)
        return response
    if isinstance(error, exceptions.APIException):
        code = error.get_codes() if isinstance(error.get_codes(), str) else error.default_code
        body = {
            "type": f"urn:cs-portal:error:{code}",
            "title": str(error.detail),
            "status": error.status_code,
            "code": code,
        }
        response = Response(body, status=error.status_code, content_type="application/problem+json")
        if error.status_code == status.HTTP_401_UNAUTHORIZED:
            response["WWW-Authenticate"] = "Bearer"
        return response
    return None


def flatten(detail: Any, prefix: str = "") -> dict[str, list[Any]]:
    """Return what a serializer found wrong by the path of each field."""
    if isinstance(detail, dict):
        result: dict[str, list[Any]] = {}
        for key, value in detail.items():
            # A list of objects is told by index (a number), an object by field name.
            path = f"{prefix}[{key}]" if isinstance(key, int) else f"{prefix}.{key}" if prefix else str(key)
            result.update(flatten(value, path))
        return result
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        result = {}
        for index, value in enumerate(detail):
            result.update(flatten(value, f"{prefix}[{index}]"))
        return result
    items = detail if isinstance(detail, list) else [detail]
    return {prefix or "body": [str(item) for item in items]} if items else {}
