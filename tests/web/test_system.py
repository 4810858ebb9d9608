"""What a server says of itself."""

from collections.abc import Iterator

import httpx
import openapi_spec_validator
import pytest
from clients import PNG, post
from prometheus_client.parser import text_string_to_metric_families
from servers import RunningServer, server_of, serving, settings_of
from upstreams import ScriptedUpstream, answer, completed, json_answer

from streamedit.config import Settings
from streamedit.darkroom.repertoire import TABLE
from streamedit.health import CoolRules
from streamedit.routes import Route, Routes
from streamedit.routing import Policy
from streamedit.targets import Target
from streamedit.web import facts
from streamedit.wire import schemas
from streamedit.wire.wishes import WishHeaders


@pytest.mark.parametrize("path", ["/v1/models", "/models"])
def test_models_are_listed_with_what_they_can_do(server: RunningServer, path: str) -> None:
    """OpenAI's list object, each model with its provider, its capabilities and whether it is the default."""
    listed = httpx.get(server.url + path).json()
    models = {model["id"]: model for model in listed["data"]}
    assert listed["object"] == "list"
    assert set(models) == {"darkroom", "mock"}
    assert (models["darkroom"]["owned_by"], models["darkroom"]["default"], models["mock"]["default"]) == (
        "darkroom",
        True,
        False,
    )
    assert models["darkroom"]["capabilities"]["formats"] == ["png", "jpeg", "webp"]
    assert all(model["object"] == "model" and model["created"] > 1_700_000_000 for model in models.values())


def test_the_darkrooms_repertoire_is_listed(server: RunningServer) -> None:
    """All that a prompt can ask it for, from the table by which prompts are read; other models have no such list."""
    models = {model["id"]: model["capabilities"] for model in httpx.get(f"{server.url}/v1/models").json()["data"]}
    rows = models["darkroom"]["repertoire"]
    assert [row["name"] for row in rows] == [row.name for row in TABLE]
    assert {"name": "vignette", "family": "light", "example": "a strong vignette", "kinds": [], "needs": None} in rows
    assert [row["needs"] for row in rows if row["name"] == "erase"] == ["mask"]
    assert "repertoire" not in models["mock"]


@pytest.mark.parametrize(("path", "status"), [("/health/live", "live"), ("/health/ready", "ready")])
def test_health_is_told(server: RunningServer, path: str, status: str) -> None:
    """A running server is live and ready."""
    response = httpx.get(server.url + path)
    assert (response.status_code, response.json()) == (200, {"status": status})


def test_metrics_count_what_happened() -> None:
    """Prometheus' own parser reads edits by outcome, images, bytes and latencies, and the kept bytes."""
    with serving(settings_of(Target("mock", "mock", params={"mock_pace_s": 0}))) as fresh:
        size = len(post(fresh.edits_url, {"stream": "true", "partial_images": "2"}).body)
        post(fresh.edits_url, {"mock_fault": "refuse"})
        fresh.wait_until_idle()
        text = httpx.get(f"{fresh.url}/metrics").text
    samples = {
        (sample.name, sample.labels.get("outcome"), sample.labels.get("le")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["streamedit_edits_total", "completed", None] == 1
    assert samples["streamedit_edits_total", "mock_refused", None] == 1
    assert samples["streamedit_images_total", None, None] == 1
    assert size - 200 < samples["streamedit_event_bytes_total", None, None] < size
    assert samples["streamedit_log_bytes", None, None] == samples["streamedit_event_bytes_total", None, None]
    assert samples["streamedit_edit_seconds_count", None, None] == 2
    assert samples["streamedit_first_event_seconds_count", None, None] == 2
    assert samples["streamedit_running_edits", None, None] == 0
    assert samples["streamedit_open_streams", None, None] == 0


def test_a_cooldown_is_seen(scripted: ScriptedUpstream) -> None:
    """A target that fails is one that cools down, in the metrics and in the log, while another makes the edit."""
    scripted.play([json_answer({"error": {"message": "Busy."}}, "429 Too Many Requests")], [answer(completed())])
    targets = tuple(Target("openai", f"gpt-image-{number}", "sk-1", scripted.url, id=f"t{number}") for number in (1, 2))
    route = Route("edits", targets, Policy(cooling=CoolRules(cooldown_s=60)))
    with serving(Settings(Routes([route], "edits"), server_of(drain_timeout_s=0))) as fresh:
        assert post(fresh.edits_url).status == 200
        fresh.wait_until_idle()
        lines = httpx.get(f"{fresh.url}/metrics").text.splitlines()
        assert '"event": "target cools down"' in fresh.log_text
    assert 'streamedit_cooling_targets{provider="openai",target="gpt-image-1"} 1.0' in lines
    assert 'streamedit_attempts_total{outcome="rate_limit_exceeded",provider="openai",target="gpt-image-1"} 1.0' in lines
    assert 'streamedit_attempts_total{outcome="completed",provider="openai",target="gpt-image-2"} 1.0' in lines


def test_the_openapi_description_is_valid_and_tells_the_limits(server: RunningServer) -> None:
    """`/openapi.json` passes the OpenAPI 3.1 validator and shows the ranges that requests are checked against."""
    document = httpx.get(f"{server.url}/openapi.json").json()
    openapi_spec_validator.validate(document)
    fields = document["components"]["schemas"]["EditForm"]["properties"]
    ranges = {name: next(choice for choice in fields[name]["anyOf"] if "maximum" in choice) for name in ("n", "partial_images")}
    assert [(r["minimum"], r["maximum"]) for r in ranges.values()] == [(1, 10), (0, 3)]
    assert fields["prompt"]["maxLength"] == 32_000
    assert document["components"]["schemas"]["EditBody"]["properties"]["images"]["maxItems"] == 16


def test_the_openapi_description_tells_what_other_gateways_callers_use(server: RunningServer) -> None:
    """The headers that a request may have and an answer tells, and Eden AI's route with its two fields."""
    paths = httpx.get(f"{server.url}/openapi.json").json()["paths"]
    edit, edens = paths["/v1/images/edits"]["post"], paths["/v3/images/edits"]["post"]
    asked = {parameter["name"] for parameter in edit["parameters"]}
    assert {str(field.alias) for field in WishHeaders.model_fields.values()} <= asked
    assert {f"x-portkey-{name}" for name in ("provider", "api-key", "config", "custom-host", "request-timeout")} <= asked
    assert all(set(facts.HEADERS) <= set(edit["responses"][status]["headers"]) for status in ("200", "default"))
    told = edens["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    answered = post(f"{server.url}/v3/images/edits", {"model": "mock/mock"})
    assert set(answered.json) <= set(vars(schemas)[told].model_fields)
    assert {"cost", "provider"} <= set(vars(schemas)[told].model_fields)


@pytest.fixture(scope="module")
def locked() -> Iterator[RunningServer]:
    """A server with three keys."""
    with serving(
        settings_of(Target("mock", "mock", params={"mock_pace_s": 0}), keys=("sk-right", "sk-other", "My API Key"))
    ) as running:
        yield running


KEY_HEADERS = ["x-litellm-api-key", "authorization", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key"]


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer "])
@pytest.mark.parametrize("name", KEY_HEADERS)
def test_a_key_opens_the_server_wherever_clients_put_it(locked: RunningServer, name: str, prefix: str) -> None:
    """OpenAI's header and those of LiteLLM's clients carry the key; a wrong one is 401 `invalid_api_key` in any of them."""
    for key, status in (("sk-right", 200), ("sk-other", 200), ("My API Key", 200), ("sk-wrong", 401), ("API Key", 401)):
        answered = post(
            locked.edits_url, headers={name: f"{prefix or 'Bearer '}{key}" if name == "authorization" else prefix + key}
        )
        assert answered.status == status
        assert status == 200 or answered.error["code"] == "invalid_api_key"


def test_litellms_own_header_comes_first(locked: RunningServer) -> None:
    """Its clients keep `Authorization` for somebody else's key."""
    headers = {"authorization": "Bearer sk-upstreams", "x-litellm-api-key": "Bearer sk-right"}
    assert post(locked.edits_url, headers=headers).status == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer"}, {"authorization": "Basic c2stcmlnaHQ6"}, {"api-key": ""}])
def test_without_a_key_a_locked_server_stays_shut(locked: RunningServer, headers: dict[str, str]) -> None:
    """No key, an empty one or another scheme: 401 on edits, models and metrics; health and the description stay open."""
    files = [("image", ("a.png", PNG, "image/png"))]
    assert post(locked.edits_url, {}, files, headers).error["code"] == "invalid_api_key"
    statuses = {path: httpx.get(locked.url + path, headers=headers).status_code for path in PATHS}
    assert statuses == PATHS


PATHS = {"/v1/models": 401, "/metrics": 401, "/health/live": 200, "/health/ready": 200, "/openapi.json": 200}


def test_every_answer_has_an_id_of_its_own(server: RunningServer) -> None:
    """`x-request-id` is there on success and failure, and never twice the same, whatever the client sends."""
    responses = [httpx.get(server.url + path, headers={"x-request-id": "mine"}) for path in ("/v1/models", "/nothing") * 3]
    ids = {r.headers["x-request-id"] for r in responses}
    assert len(ids) == len(responses)
    assert all(id_.startswith("req_") for id_ in ids)
