"""Vertex AI: where its models are, as whom they are called, and what it does beyond AI Studio."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from clients import post
from providers.fakes import KEY, b64, body_of, png
from providers.fakes.google import STREAM, USAGE, part, private_key, response, service_account, stream, token_answer
from providers.fakes.openai import in_format
from servers import RunningServer, serving, settings_of
from upstreams import Asked, Script, ScriptedUpstream, json_answer

from streamedit.config import from_file
from streamedit.errors import EditError
from streamedit.providers import CATALOGUE
from streamedit.providers.google.tokens import GoogleTokens
from streamedit.providers.google.vertex import SETUP, place_of
from streamedit.targets import Target

MODEL = "gemini-3-pro-image"
RED = png((200, 30, 30))
DONE = stream(response(part(RED), finish="STOP", usageMetadata=USAGE))
PUBLISHER = "/publishers/google/models/"


class Cloud:
    """Vertex AI and its token server, both at one scripted upstream; tokens are numbered."""

    def __init__(self, scripted: ScriptedUpstream) -> None:
        self.scripted = scripted
        self.lasts_s = 3600
        self.refusal: Script | None = None
        self.hold: threading.Event | None = None
        scripted.serve(self._answer)

    @property
    def key(self) -> dict[str, str]:
        return service_account(f"{self.scripted.url}/token")

    @property
    def tokens(self) -> int:
        return sum(asked.path == "/v1/token" for asked in self.scripted.asked)

    @property
    def edits(self) -> list[Asked]:
        return [asked for asked in self.scripted.asked if asked.path != "/v1/token"]

    def _answer(self, asked: Asked) -> Script:
        if asked.path != "/v1/token":
            return DONE
        if self.hold is not None:
            assert self.hold.wait(10)
        return self.refusal or token_answer(asked, f"ya29.token-{self.tokens}", self.lasts_s)


@pytest.fixture
def cloud(scripted: ScriptedUpstream) -> Cloud:
    """Google's side."""
    return Cloud(scripted)


@pytest.fixture
def play(cloud: Cloud) -> Iterator[Callable[..., Any]]:
    """Runs an edit with a configuration, and tells what Vertex AI was asked."""

    def run(params: Mapping[str, object] | None = None, model: str = MODEL, **target: Any) -> Asked:
        target = {"api_base": cloud.scripted.url, **target}
        params = {"vertex_credentials": cloud.key, **(params or {})}
        with serving(settings_of(Target("vertex_ai", model, params=params, **target))) as server:
            answer = _edit(server)
        assert answer.status == 200, answer.body
        return cloud.edits[-1]

    yield run


class TestPlace:
    """Where a model is."""

    @pytest.mark.parametrize(
        ("location", "host"),
        [
            ("us-central1", "us-central1-aiplatform.googleapis.com"),
            ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
            ("global", "aiplatform.googleapis.com"),
            (None, "aiplatform.googleapis.com"),
            ("us", "aiplatform.us.rep.googleapis.com"),
            ("eu", "aiplatform.eu.rep.googleapis.com"),
        ],
    )
    def test_each_location_has_its_host(self, location: str | None, host: str) -> None:
        """Regional, global and multi-regional; without one Gemini is asked globally."""
        target = Target("vertex_ai", MODEL, params={"vertex_location": location})
        path = f"/v1/projects/p-1/locations/{location or 'global'}{PUBLISHER}{MODEL}:{STREAM}"
        assert place_of(target, "p-1") == f"https://{host}{path}"

    def test_imagen_is_nowhere_global(self) -> None:
        """Without a location it is asked in the first region that had it."""
        target = Target("vertex_ai", "imagen-3.0-capability-001")
        host = "https://us-central1-aiplatform.googleapis.com"
        path = "/v1/projects/p-1/locations/us-central1/publishers/google/models/imagen-3.0-capability-001:predict"
        assert place_of(target, "p-1") == host + path

    def test_a_key_needs_no_project(self) -> None:
        """Express mode is global."""
        target = Target("vertex_ai", MODEL, KEY, params={"vertex_location": "europe-west4"})
        assert place_of(target, None) == f"https://aiplatform.googleapis.com/v1{PUBLISHER}{MODEL}:{STREAM}"

    @pytest.mark.parametrize(
        ("base", "path"),
        [
            ("", f"/v1/projects/p-1/locations/global{PUBLISHER}{MODEL}:{STREAM}"),
            ("/a/v1beta1", f"/v1/a/v1beta1/projects/p-1/locations/global{PUBLISHER}{MODEL}:{STREAM}"),
            ("/gateway/", f"/v1/gateway/v1/projects/p-1/locations/global{PUBLISHER}{MODEL}:{STREAM}"),
            ("/projects/q/locations/l/publishers/google", f"/v1/projects/q/locations/l{PUBLISHER}{MODEL}:{STREAM}"),
            ("/projects/q/locations/l/publishers/google/models/m", f"/v1/projects/q/locations/l{PUBLISHER}m:{STREAM}"),
            (f"{PUBLISHER}m:generateContent", f"/v1{PUBLISHER}m:generateContent"),
        ],
    )
    def test_a_base_of_ones_own_gets_the_token_too(
        self, cloud: Cloud, play: Callable[..., Asked], base: str, path: str
    ) -> None:
        """Wherever it ends: with a version or none, with a model, with a method."""
        asked = play({"vertex_project": "p-1"}, api_base=cloud.scripted.url + base)
        assert (asked.path, asked.headers["authorization"]) == (path, "Bearer ya29.token-1")

    @pytest.mark.parametrize("model", ["../../x", "x:rawPredict", "x?y"])
    def test_a_model_is_no_path(self, cloud: Cloud, model: str) -> None:
        """Where callers name the model they reach models only."""
        with serving(settings_of(Target("vertex_ai", model, KEY, cloud.scripted.url))) as server:
            assert _edit(server).error["code"] == "model_not_found"
        assert cloud.scripted.asked == []


class TestIdentity:
    """As whom Vertex AI is called."""

    def test_an_api_key_is_sent_as_such(self, cloud: Cloud, play: Callable[..., Asked]) -> None:
        """And no token is fetched."""
        asked = play(api_key=KEY)
        assert (asked.headers["x-goog-api-key"], cloud.tokens) == (KEY, 0)
        assert "authorization" not in asked.headers

    @pytest.mark.parametrize("form", ["object", "text", "file"])
    def test_credentials_come_in_three_forms(self, cloud: Cloud, play: Callable[..., Asked], form: str, tmp_path: Path) -> None:
        """As an object, as JSON, as a path; the project is that of the credentials unless another is configured."""
        file = tmp_path / "key.json"
        file.write_text(json.dumps(cloud.key))
        credentials = {"object": cloud.key, "text": json.dumps(cloud.key), "file": str(file)}[form]
        asked = play({"vertex_credentials": credentials})
        assert asked.headers["authorization"] == "Bearer ya29.token-1"
        assert asked.path.startswith("/v1/projects/project-of-the-key/")
        assert play({"vertex_credentials": credentials, "vertex_project": "p-1"}).path.startswith("/v1/projects/p-1/")

    def test_a_users_credentials_say_who_pays(self, cloud: Cloud, play: Callable[..., Asked]) -> None:
        """Their quota project travels in its header, and a token that they bring is taken."""
        user = {
            "type": "authorized_user",
            "client_id": "c",
            "client_secret": "s",
            "refresh_token": "r",
            "token": "ya29.of-a-user",
            "expiry": "2099-01-01T00:00:00Z",
            "quota_project_id": "q-1",
        }
        asked = play({"vertex_credentials": user, "vertex_project": "p-1"})
        assert (asked.headers["authorization"], asked.headers["x-goog-user-project"]) == ("Bearer ya29.of-a-user", "q-1")
        assert cloud.tokens == 0

    def test_a_project_must_come_from_somewhere(self, cloud: Cloud) -> None:
        """A user's credentials have none."""
        user = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r", "token": "ya29.u"}
        params = {"vertex_credentials": {**user, "expiry": "2099-01-01T00:00:00Z"}}
        with serving(settings_of(Target("vertex_ai", MODEL, None, cloud.scripted.url, params))) as server:
            answer = _edit(server)
        assert (answer.status, answer.error["code"]) == (502, "upstream_unauthorized")
        assert "vertex_project" in answer.error["message"]

    def test_one_token_serves_until_it_ends(self, cloud: Cloud) -> None:
        """A thousand edits that begin at once wait for one; later ones take the same."""
        tokens = GoogleTokens()

        async def at_once() -> list[str]:
            found = await asyncio.gather(*(tokens.token(cloud.key) for _ in range(1000)))
            return [token.text for token in [*found, await tokens.token(cloud.key)]]

        assert set(asyncio.run(at_once())) == {"ya29.token-1"}
        assert cloud.tokens == 1

    def test_a_token_that_ends_is_fetched_anew(self, cloud: Cloud) -> None:
        """Before it ends: what is left of this one is too little."""
        cloud.lasts_s = 60
        tokens = GoogleTokens()

        async def twice() -> list[str]:
            return [(await tokens.token(cloud.key)).text for _ in range(2)]

        assert asyncio.run(twice()) == ["ya29.token-1", "ya29.token-2"]

    def test_the_server_goes_on_while_a_token_is_fetched(self, cloud: Cloud) -> None:
        """The wait is a thread's."""
        cloud.hold = threading.Event()
        target = Target("vertex_ai", MODEL, None, cloud.scripted.url, {"vertex_credentials": cloud.key})
        with serving(settings_of(target)) as server:
            began = threading.Thread(target=_edit, args=(server,))
            began.start()
            assert cloud.scripted.came.acquire(timeout=10)
            server.run(lambda: asyncio.sleep(0))
            cloud.hold.set()
            began.join(10)
        assert len(cloud.edits) == 1

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"type": "service_account", "private_key": "no key"}, "upstream_unauthorized"),
            ({"type": "of nothing"}, "upstream_unauthorized"),
            ({"token_uri": "http://127.0.0.1:1/token"}, "upstream_unreachable"),
        ],
    )
    def test_credentials_that_do_not_work_are_this_servers_matter(
        self, cloud: Cloud, change: Mapping[str, str], code: str
    ) -> None:
        """A 502 that quotes nothing of them; another target may be tried."""
        target = Target("vertex_ai", MODEL, None, cloud.scripted.url, {"vertex_credentials": {**cloud.key, **change}})
        with serving(settings_of(target)) as server:
            answer = _edit(server)
            assert private_key()[40:80] not in answer.body.decode() + server.log_text
        assert (answer.status, answer.error["code"]) == (502, code)
        assert cloud.edits == []

    def test_a_refused_service_account_is_told(self, cloud: Cloud) -> None:
        """Without what the token server says of it."""
        cloud.refusal = [
            json_answer({"error": "invalid_grant", "error_description": "account p-1 not found"}, "400 Bad Request")
        ]
        with pytest.raises(EditError) as raised:
            asyncio.run(GoogleTokens().token(cloud.key))
        assert (raised.value.detail.code, raised.value.detail.retryable) == ("upstream_unauthorized", True)
        assert "p-1" not in raised.value.detail.message

    def test_all_who_wait_share_one_failure(self, cloud: Cloud) -> None:
        """It is not tried again for each of them, but it is for whoever comes later."""
        cloud.refusal = [json_answer({"error": "invalid_grant"}, "400 Bad Request")]
        tokens = GoogleTokens()

        async def fail() -> set[str | None]:
            found = await asyncio.gather(*(tokens.token(cloud.key) for _ in range(20)), return_exceptions=True)
            return {error.detail.code for error in found if isinstance(error, EditError)}

        async def fail_then_work() -> str:
            assert await fail() == {"upstream_unauthorized"}
            assert cloud.tokens == 1
            cloud.refusal = None
            return (await tokens.token(cloud.key)).text

        assert asyncio.run(fail_then_work()) == "ya29.token-2"

    def test_a_missing_file_is_told(self) -> None:
        """As credentials that do not work."""
        with pytest.raises(EditError) as raised:
            asyncio.run(GoogleTokens().token("/nowhere/key.json"))
        assert raised.value.detail.code == "upstream_unauthorized"


class TestBeyondAIStudio:
    """What only Vertex AI takes."""

    @pytest.mark.parametrize(
        ("fields", "config"),
        [
            ({}, None),
            ({"output_format": "jpeg"}, {"imageOutputOptions": {"mimeType": "image/jpeg"}}),
            (
                {"output_format": "jpeg", "output_compression": "60", "size": "1024x1024"},
                {
                    "aspectRatio": "1:1",
                    "imageSize": "1K",
                    "imageOutputOptions": {"mimeType": "image/jpeg", "compressionQuality": 60},
                },
            ),
            ({"output_format": "png"}, {"imageOutputOptions": {"mimeType": "image/png"}}),
            ({"output_format": "webp"}, None),
        ],
    )
    def test_formats_that_it_makes_are_asked_for(
        self, cloud: Cloud, fields: Mapping[str, str], config: Mapping[str, object] | None
    ) -> None:
        """The others are made here of what comes."""
        with serving(settings_of(Target("vertex_ai", MODEL, KEY, cloud.scripted.url))) as server:
            assert _edit(server, fields).status == 200
        assert body_of(cloud.edits[0])["generationConfig"].get("imageConfig") == config

    def test_what_came_in_the_right_format_stays(self, cloud: Cloud) -> None:
        """Byte for byte."""
        jpeg = in_format(RED, "jpeg")
        answer = stream(response(part(jpeg, media_type="image/jpeg"), finish="STOP", usageMetadata=USAGE))
        cloud.scripted.serve(lambda _: answer)
        with serving(settings_of(Target("vertex_ai", MODEL, KEY, cloud.scripted.url))) as server:
            assert _edit(server, {"output_format": "jpeg", "output_compression": "9"}).json["data"] == [{"b64_json": b64(jpeg)}]

    def test_labels_go_beside_the_contents(self, cloud: Cloud) -> None:
        """For the bill."""
        with serving(settings_of(Target("vertex_ai", MODEL, KEY, cloud.scripted.url))) as server:
            assert _edit(server, {"labels": '{"team": "a"}'}).status == 200
        assert body_of(cloud.edits[0])["labels"] == {"team": "a"}

    def test_size_means_the_same_as_at_ai_studio(self, cloud: Cloud) -> None:
        """One request, two services, one picture."""
        asked = []
        for provider in ("vertex_ai", "gemini"):
            with serving(settings_of(Target(provider, MODEL, KEY, cloud.scripted.url))) as server:
                assert _edit(server, {"size": "1536x1024"}).status == 200
            asked.append(body_of(cloud.edits[-1])["generationConfig"]["imageConfig"])
        assert asked == [{"aspectRatio": "3:2", "imageSize": "1K"}] * 2


class TestConfiguration:
    """What an operator may say."""

    def test_the_environment_fills_what_is_not_said(self) -> None:
        """Under LiteLLM's names, the first one first."""
        environ = {
            "VERTEXAI_PROJECT": "p",
            "GOOGLE_CLOUD_PROJECT": "other",
            "VERTEX_LOCATION": "us",
            "GOOGLE_APPLICATION_CREDENTIALS": "/key.json",
        }
        target = SETUP.completed(Target("vertex_ai", MODEL, params={"vertex_location": "eu"}), environ)
        assert target.params == {"vertex_project": "p", "vertex_location": "eu", "vertex_credentials": "/key.json"}

    @pytest.mark.parametrize(
        ("params", "told"),
        [
            ({"vertex_location": "evil.example/x"}, "vertex_location must be a name of letters, digits and dashes"),
            ({"vertex_project": "a/b"}, "vertex_project must be a name of letters, digits and dashes"),
            ({"mask": True}, "mask must be 'composite'"),
            ({"vertex_location": "us-central1", "vertex_project": "example.com:p-1", "mask": "composite"}, None),
        ],
    )
    def test_a_mistake_is_told(self, params: Mapping[str, object], told: str | None) -> None:
        """A location is part of a host, and a project of a path."""
        assert SETUP.mistake(Target("vertex_ai", MODEL, params=params)) == told

    def test_a_file_of_litellms_is_read_whole(self, tmp_path: Path) -> None:
        """Nothing of it is ignored."""
        file = tmp_path / "streamedit.yaml"
        file.write_text(
            "model_list:\n- model_name: a\n  litellm_params:\n    model: vertex_ai/gemini-3-pro-image\n    vertex_project: p\n"
            "    vertex_location: global\n    vertex_credentials: /key.json\n    mask: composite\n    safetySettings: []\n"
        )
        settings = from_file(file, {}, {name: entry.setup for name, entry in CATALOGUE.items()})
        assert settings.ignored == ()

    def test_google_auth_is_only_loaded_when_it_is_needed(self) -> None:
        """The provider is there without it."""
        program = "import sys, streamedit.providers.google.vertex; sys.exit('google.auth' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", program], check=False, timeout=30).returncode == 0


def _edit(server: RunningServer, fields: Mapping[str, str] | None = None) -> Any:
    return post(server.edits_url, fields, [("image", ("a.png", RED, "image/png"))])
