"""Where reports go, as a configuration says it; and every mistake in that, told with its line."""

import subprocess
import sys
from pathlib import Path

import pytest
from hooks import KEY, SECRET
from pydantic import ValidationError

from streamedit.config import ServerSettings, Settings, from_environment, from_file
from streamedit.documents import ConfigError
from streamedit.providers import CATALOGUE
from streamedit.sinks import Otel, Webhook, otel_of

PROVIDERS = {name: entry.setup for name, entry in CATALOGUE.items()}

MODELS = """\
model_list:
  - model_name: mock
    litellm_params: {model: mock/mock}
"""

WITHOUT_THE_EXTRA = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Without())
from streamedit.config import ServerSettings, from_environment
from streamedit.providers import CATALOGUE

settings = from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, {"mock": CATALOGUE["mock"].setup})
print(settings.server.otel, settings.ignored)
ServerSettings.model_validate({"otel": {}})
"""


class TestWebhooks:
    """`server.webhooks`."""

    def test_a_receiver_has_an_address_a_secret_and_its_events(self, tmp_path: Path) -> None:
        """The secret may be in the environment; without a choice all events are sent."""
        text = f"""{MODELS}server:
  webhooks:
    - url: https://app.example/hooks/T0KEN
      secret: os.environ/HOOK_SECRET
    - {{url: "http://127.0.0.1:9000/", secret: os.environ/HOOK_SECRET, events: [image_edit.failed]}}
"""
        first, second = read(tmp_path, text, HOOK_SECRET=SECRET).server.webhooks
        assert (first.url, first.key, first.receiver, len(first.events)) == (
            "https://app.example/hooks/T0KEN", KEY, "app.example", 3,
        )  # fmt: skip
        assert second.events == ("image_edit.failed",)

    @pytest.mark.parametrize(
        ("url", "secret", "more", "mistake"),
        [
            ("ftp://x", SECRET, "", "webhooks[0].url: must be an address with http:// or https://"),
            ("http://[x", SECRET, "", "webhooks[0].url: must be an address with http:// or https://"),
            ("https://x:99999/", SECRET, "", "webhooks[0].url: must be an address with http:// or https://"),
            ("https://x/", "abc", "", "webhooks[0].secret: must be whsec_ and 24 to 64 random bytes in base64"),
            ("https://x/", "whsec_c2hvcnQ=", "", "webhooks[0].secret: must be whsec_ and 24 to 64 random bytes in base64"),
            ("https://x/", "whsec_!!!", "", "webhooks[0].secret: must be whsec_ and 24 to 64 random bytes in base64"),
            ("https://x/", SECRET, ", events: []", "webhooks[0].events: must name one at least"),
            ("https://x/", SECRET, ", events: [all]", "webhooks[0].events[0]: Input should be 'image_edit.completed'"),
            ("https://x/", SECRET, ", event: a", "webhooks[0].event: Extra inputs are not permitted"),
        ],
    )
    def test_mistakes_are_told_with_their_line(self, tmp_path: Path, url: str, secret: str, more: str, mistake: str) -> None:
        """And without the secret."""
        text = f'{MODELS}server:\n  webhooks:\n    - {{url: "{url}", secret: "{secret}"{more}}}\n'
        with pytest.raises(ConfigError) as caught:
            read(tmp_path, text)
        (told,) = caught.value.mistakes
        assert told.startswith(f"c.yaml:6: server.{mistake}")
        assert secret not in told

    def test_nobody_sees_the_secret(self) -> None:
        """Neither it nor an address that may hold one is in a representation."""
        settings = ServerSettings(webhooks=(Webhook(url="https://app.example/T0KEN", secret=SECRET),))
        assert SECRET not in repr(settings)
        assert "T0KEN" not in repr(settings)

    @pytest.mark.parametrize("secret", [SECRET, SECRET.rstrip("=")])
    def test_a_secret_may_be_padded_or_not(self, secret: str) -> None:
        """As the libraries of Standard Webhooks take it."""
        assert Webhook(url="https://app.example/", secret=secret).key == KEY


class TestOtel:
    """`server.otel`, and OpenTelemetry's own variables."""

    def test_an_endpoint_is_a_base(self, tmp_path: Path) -> None:
        """As in `OTEL_EXPORTER_OTLP_ENDPOINT`; the collector's key may be in the environment, and is not shown."""
        text = (
            f"{MODELS}server:\n  otel: {{endpoint: https://otel.example/, headers: {{x-key: os.environ/K}}, service_name: s}}\n"
        )
        otel = read(tmp_path, text, K="sk-otel").server.otel
        assert otel == Otel(endpoint="https://otel.example/", headers={"x-key": "sk-otel"}, service_name="s")
        assert otel.traces_url == "https://otel.example/v1/traces"
        assert "sk-otel" not in repr(otel)

    @pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
    def test_the_usual_variables_are_enough(self, tmp_path: Path, name: str) -> None:
        """With a file and without one; where the file names a collector, that is it."""
        environ = {name: "http://collector:4318"}
        assert from_environment(environ, PROVIDERS).server.otel == Otel()
        assert read(tmp_path, MODELS, **environ).server.otel == Otel()
        named = read(tmp_path, f"{MODELS}server:\n  otel: {{endpoint: http://mine}}\n", **environ).server.otel
        assert named == Otel(endpoint="http://mine")

    @pytest.mark.parametrize("off", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
    def test_whoever_has_turned_it_off_gets_no_traces(self, off: dict[str, str]) -> None:
        """As OpenTelemetry's own SDK understands it."""
        assert otel_of({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", **off}) is None

    def test_without_a_collector_there_are_no_traces(self) -> None:
        """Nothing is exported that nobody asked for."""
        assert from_environment({}, PROVIDERS).server.otel is None

    def test_who_cannot_trace_is_told(self) -> None:
        """Without the extra the variable has no effect, which is said; a configured collector is a mistake."""
        done = subprocess.run([sys.executable, "-c", WITHOUT_THE_EXTRA], capture_output=True, text=True, check=False)
        assert done.stdout == "None ('OTEL_EXPORTER_OTLP_ENDPOINT (needs streamedit[otel])',)\n"
        assert "pip install 'streamedit[otel]'" in done.stderr

    def test_an_unknown_key_is_a_mistake(self) -> None:
        """What nobody knows in `server` is one, everywhere."""
        with pytest.raises(ValidationError, match="Extra inputs"):
            ServerSettings.model_validate({"otel": {"url": "http://x"}})


def read(folder: Path, text: str, **environ: str) -> Settings:
    """The settings of a file with this text."""
    file = folder / "c.yaml"
    file.write_text(text)
    return from_file(file, environ, PROVIDERS)
