"""What travels without TLS beyond this machine."""

from typing import Any

import pytest
from examined import found, patient

from streamedit.config import Settings
from streamedit.doctor.findings import Level
from streamedit.sinks import Otel
from streamedit.storage import BucketSettings, StorageSettings
from streamedit.targets import Target

WARNING, RISK, NOTE = Level.WARNING, Level.RISK, Level.NOTE
SECRET = "whsec_" + "A" * 32


def at(base: str, key: str | None) -> Settings:
    """A provider there."""
    return patient(Target("openai", "m", key, base))


@pytest.mark.parametrize(
    ("base", "key", "level"),
    [
        ("http://api.example/v1", "sk-1", RISK),
        ("http://93.184.215.14/v1", "sk-1", RISK),
        ("http://10.0.0.5:8000", "sk-1", WARNING),
        ("http://comfyui:8188", "sk-1", WARNING),
        ("http://gpu.internal", None, NOTE),
        ("https://api.example/v1", "sk-1", None),
        ("http://127.0.0.1:8000", "sk-1", None),
        ("http://[::1]:8000", "sk-1", None),
        ("http://[broken", "sk-1", None),
    ],
)
def test_keys_for_providers(base: str, key: str | None, level: Level | None) -> None:
    """Worst is a key through the world, less bad one through one's own network."""
    assert found(at(base, key)).get("plain_provider") is level


@pytest.mark.parametrize(
    ("url", "topics"),
    [
        ("redis://cache.example:6379/0", {"open_redis": RISK, "plain_redis": WARNING}),
        ("rediss://cache.example:6379/0", {"open_redis": RISK}),
        ("redis://:secret@cache.example/0", {"plain_redis": WARNING}),
        ("redis://cache.example/0?password=secret", {"plain_redis": WARNING}),
        ("rediss://u:secret@cache.example/0", {}),
        ("redis://127.0.0.1:6379", {}),
        ("unix:///run/redis.sock", {}),
    ],
)
def test_redis(url: str, topics: dict[str, Level]) -> None:
    """Without a password it is everybody's."""
    said = found(patient(redis_url=url))
    assert {topic: level for topic, level in said.items() if topic.endswith("redis")} == topics


@pytest.mark.parametrize(
    ("url", "is_plain"),
    [
        ("postgresql://db.example/d", True),
        ("postgresql://db.example/d?sslmode=prefer", True),
        ("postgresql:///d?host=db.example", True),
        ("postgresql://db.example/d?sslmode=verify-full", False),
        ("postgresql://127.0.0.1/d", False),
        ("postgresql:///d", False),
        ("postgresql:///d?host=/run/postgresql", False),
        ("sqlite:////a.db", False),
    ],
)
def test_the_database(url: str, is_plain: bool) -> None:
    """PostgreSQL's client takes no TLS where it gets none, unless it is told not to."""
    assert ("plain_database" in found(patient(database_url=url))) is is_plain


@pytest.mark.parametrize(
    ("topic", "plain", "good"),
    [
        ("plain_links", {"public_base_url": "http://a.example"}, {"public_base_url": "https://a.example"}),
        ("plain_links", {"public_base_url": "http://a.example"}, {"public_base_url": "http://localhost:8000"}),
        ("plain_custom_host", {"custom_hosts": ("http://a.example",)}, {"custom_hosts": ("https://a.example",)}),
        (
            "plain_receiver",
            {"webhooks": ({"url": "http://a.example", "secret": SECRET},)},
            {"webhooks": ({"url": "https://a.example", "secret": SECRET},)},
        ),
        ("plain_receiver", {"otel": Otel(endpoint="http://a.example")}, {"otel": Otel()}),
    ],
)
def test_addresses_without_tls(topic: str, plain: dict[str, Any], good: dict[str, Any]) -> None:
    """Are warned of, those with TLS and of this machine are not."""
    assert found(patient(**plain))[topic] is WARNING
    assert topic not in found(patient(**good))


@pytest.mark.parametrize(
    ("endpoint", "level"),
    [
        ("http://minio.lan:9000", WARNING),
        ("https://minio.lan:9000", None),
        ("http://127.0.0.1:9000", None),
        (None, None),
    ],
)
def test_the_bucket(endpoint: str | None, level: Level | None) -> None:
    """What callers have sent should travel as they have sent it; a signature alone does not see to that."""
    bucket = BucketSettings(name="pictures", endpoint=endpoint, allow_http=True)
    assert found(patient(storage=StorageSettings(bucket=bucket))).get("plain_bucket") is level
