"""Finish the OpenAPI schema: bearer keys, and the refusals every door has, as RFC 9457 problems."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

REFUSALS = {
    "401": "No key, or one that is not valid.",
    "403": "The key lacks the scope.",
    "406": "Only JSON is spoken here.",
    "429": "Too many calls; see Retry-After.",
}
BODY_REFUSALS = {
    "400": "The body is not JSON.",
    "409": "Something else happened in between.",
    "415": "Send application/json.",
    "422": "Something sent cannot be accepted; `errors` says what.",
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457: what went wrong, as a code for programs and a sentence for people.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        "context": {"type": "object", "additionalProperties": {}},
        "changes": {"type": "array", "items": {"type": "object", "additionalProperties": {}}},
    },
}


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Say how a key is sent."""

    target_class = "accounts.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the bearer scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A key made under Settings › API keys (`csk_…`)."}


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Give every operation the refusals all of them have, and every refusal its media type."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                _complete(operation)
    return result


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    wanted = REFUSALS | (BODY_REFUSALS if "requestBody" in operation else {})
    if any(place.get("in") == "query" for place in operation.get("parameters", ())):
        wanted = wanted | {"422": BODY_REFUSALS["422"]}
    if any(place.get("in") == "path" for place in operation.get("parameters", ())):
        wanted = wanted | {"404": "There is no such thing, or the key may not see it."}
    for code, words in wanted.items():
        responses.setdefault(code, {"description": words})
    for code, response in responses.items():
        if code.startswith("4"):
            response["content"] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
