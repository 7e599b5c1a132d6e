"""The whole API against its own schema: every operation, made-up and mutated input, on a real server."""

from __future__ import annotations

import pytest
import schemathesis
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, Phase, settings

from accounts.enums import ApiScope
from core.models import RateCounter
from tests.factories.accounts import make_api_key, make_team
from tests.factories.orders import make_shop
from tests.factories.tickets import make_ticket

SECRET_NAMES = ("token", "secret", "password", "key_hash", "_enc", "_index")


@pytest.fixture
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def fields_of(schema):
    for name, part in schema["components"]["schemas"].items():
        for field in part.get("properties", {}):
            yield f"{name}.{field}"


def test_the_schema_is_valid_and_shows_no_secret(schema):
    validate_schema(schema)
    assert schema["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    assert [field for field in fields_of(schema) if any(word in field.lower() for word in SECRET_NAMES)] == []


def test_every_operation_names_its_refusals(schema):
    lacking = []
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if method not in {"get", "post", "put", "patch", "delete"}:
                continue
            wanted = {"401", "403", "429"} - set(operation["responses"])
            if wanted or not operation.get("summary"):
                lacking.append((method, path, sorted(wanted)))
    assert lacking == []


@pytest.mark.django_db
def test_the_docs_pages_open():
    client = Client()
    assert client.get("/api/v1/schema/").status_code == 200
    assert client.get("/api/v1/docs/").status_code == 200


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_no_input_breaks_the_api(live_server, monkeypatch):
    """Every answer is one the schema promises, none is a 5xx."""
    monkeypatch.setattr("accounts.api.authentication.PER_MINUTE", 10_000_000)
    make_team("Service desk")
    make_shop(code="main")
    make_ticket()
    _row, plain = make_api_key(scopes=ApiScope.values)
    api = schemathesis.openapi.from_url(f"{live_server.url}/api/v1/schema/")
    checks = (
        schemathesis.checks.not_a_server_error,
        schemathesis.specs.openapi.checks.status_code_conformance,
        schemathesis.specs.openapi.checks.content_type_conformance,
        schemathesis.specs.openapi.checks.response_schema_conformance,
    )

    def play(operation):
        @settings(
            max_examples=25, phases=[Phase.explicit, Phase.generate], deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @schemathesis_given(operation)
        def one(case):
            case.call_and_validate(headers={"Authorization": f"Bearer {plain}"}, checks=list(checks))

        one()

    for result in api.get_all_operations():
        play(result.ok())
    assert not RateCounter.objects.filter(scope="api.bad-key").exists()


def schemathesis_given(operation):
    """Generate cases of an operation, sound and unsound ones."""
    from hypothesis import given
    from hypothesis import strategies as st
    from schemathesis import GenerationMode

    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    return given(case=st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes]))
