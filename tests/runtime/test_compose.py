"""docker-compose.yml against the settings: the same keys, pinned images, health checks where others wait."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cs_portal.env import KEYS

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image", "").startswith("cs-portal:")}
# A key the trial needs and production must not have.
TRIAL_ONLY = {"TRIAL", "BENCH", "DEBUG"}
NEEDED_IN_PRODUCTION = {"PUBLIC_URL", "ALLOWED_HOSTS", "SMTP_URL", "MAIL_DOMAIN", "TRUSTED_PROXIES", "LOG_JSON"}


def required_keys() -> set[str]:
    return {name for name, key in KEYS.items() if key.default is None}


def variables() -> set[str]:
    return set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))


def test_our_processes_are_all_there() -> None:
    assert set(OURS) == {"migrate", "web", "ws", "worker", "ticker", "mail", "backup"}


@pytest.mark.parametrize("name", OURS)
def test_environment_holds_only_keys_the_settings_know(name: str) -> None:
    assert set(OURS[name]["environment"]) - set(KEYS) == set()
    assert set(OURS[name]["environment"]) & TRIAL_ONLY == set()


@pytest.mark.parametrize("name", OURS)
def test_every_required_key_is_given(name: str) -> None:
    assert required_keys()
    assert (required_keys() | NEEDED_IN_PRODUCTION) - set(OURS[name]["environment"]) == set()


def test_the_example_names_every_variable_and_no_other() -> None:
    lines = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8").splitlines()
    named = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert named == variables()


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    with_default = set(re.findall(r"\$\{(\w+):-[^}]", text))
    assert with_default == {"BUSINESS_TIME_ZONE", "S3_ADDRESSING"}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    assert re.fullmatch(r"[\w./-]+:\d+(\.\d+)+([-\w.]*)?", SERVICES[name]["image"])


def test_base_image_is_pinned() -> None:
    images = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.M)
    assert all(re.fullmatch(r"python:3\.13\.\d+-[\w-]+", image) for image in images)


def test_whoever_is_waited_for_has_a_health_check() -> None:
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]


def test_the_broker_keeps_and_the_layer_forgets() -> None:
    broker, layer = SERVICES["broker"]["command"], SERVICES["layer"]["command"]
    assert broker[broker.index("--appendonly") + 1] == "yes"
    assert broker[broker.index("--maxmemory-policy") + 1] == "noeviction"
    assert layer[layer.index("--appendonly") + 1] == "no"


def test_sockets_take_no_frame_above_the_limit() -> None:
    command = SERVICES["ws"]["command"]
    assert command[command.index("--ws-max-size") + 1] == "65536"


def test_the_proxy_fills_every_place_of_its_template() -> None:
    template = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", template)) == set(SERVICES["proxy"]["environment"])


def test_named_volumes_are_declared() -> None:
    used = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith((".", "/"))
    }
    assert used == set(COMPOSE["volumes"])
