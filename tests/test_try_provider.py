"""`scripts/try_provider`: what a provider answers, as it comes, without a server."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from commands import clean_environ
from PIL import Image
from providers.fakes import KEY, Fake, Outcome, body_of
from providers.fakes.openai_responses import OpenAIResponses
from providers.fakes.xai import XAI
from upstreams import ScriptedUpstream

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts" / "try_provider.py"
LINE = re.compile(r" *(\d+\.\d{3}) s  (\w[\w ]*): (\d+x\d+) (\w+), ([\d,]+) bytes(.*)")


@pytest.fixture
def photo(photos: Path) -> Path:
    """A cat."""
    return photos / "chelsea.png"


@pytest.fixture
def xai(scripted: ScriptedUpstream) -> Iterator[Fake]:
    """xAI on a local socket."""
    fake = XAI()
    scripted.serve(fake.answer)
    yield fake


def tried(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """The script, run to its end, with nothing of the providers in its environment but what is given."""
    clean = {name: value for name, value in clean_environ().items() if not name.startswith("XAI_")}
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    environ = {**clean, "PYTHONPATH": str(ROOT), **environ}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=50, check=False)


def shown(done: subprocess.CompletedProcess[str]) -> Sequence[tuple[str, ...]]:
    """What is told of each event: seconds, name, size, format, bytes, and the rest."""
    assert done.returncode == 0, done.stderr
    lines = [LINE.fullmatch(line) for line in done.stdout.splitlines()]
    assert lines
    assert None not in lines, done.stdout
    return [line.groups() for line in lines if line]


@pytest.mark.parametrize("model", ["mock", "darkroom"])
def test_the_embedded_providers_need_nothing(photo: Path, model: str) -> None:
    """Two interim pictures and the finished one, at times that do not go back."""
    events = shown(tried(model, photo, "sepia"))
    assert [event[1] for event in events] == ["partial 0 0", "partial 0 1", "completed 0"]
    times = [float(event[0]) for event in events]
    assert times == sorted(times)


def test_the_pictures_are_saved(photo: Path, tmp_path: Path) -> None:
    """Each is the picture that its line tells of."""
    events = shown(tried("darkroom", photo, "sepia", "--save", tmp_path / "out", "--partial-images", "1", "--size", "120x80"))
    assert [event[2:4] for event in events] == [("120x80", "png")] * 2
    for _, name, size, _, size_bytes, rest in events:
        path = tmp_path / "out" / f"{name.replace(' ', '-')}.png"
        assert rest.endswith(f" -> {path}")
        assert path.stat().st_size == int(size_bytes.replace(",", ""))
        with Image.open(path) as image:
            assert size == f"{image.width}x{image.height}"


def test_a_provider_is_asked_at_its_api_base(photo: Path, xai: Fake, scripted: ScriptedUpstream) -> None:
    """With the key of the environment and the fields that were given; its cost is told."""
    options = ("--n", "2", "--param", "quality=high", "--param", "user=u1", "--size", "1024x1024")
    done = tried(xai.name, photo, "make it night", *options, XAI_API_KEY=KEY, XAI_API_BASE=scripted.url)
    assert sorted(event[1] for event in shown(done)) == ["completed 0", "completed 1"]
    assert {event[5] for event in shown(done)} == {"; no tokens told, $0.060000"}
    bodies = [body_of(asked) for asked in scripted.asked]
    assert [(body["quality"], body["user"], body["aspect_ratio"]) for body in bodies] == [("medium", "u1", "1:1")] * 2
    assert xai.images_of(scripted.asked[0]) == [photo.read_bytes()]


def test_mask_and_usage(photo: Path, tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """A provider that streams, with a mask, further pictures and its tokens."""
    fake = OpenAIResponses()
    scripted.serve(fake.answer)
    mask = tmp_path / "mask.png"
    Image.new("RGBA", (451, 300), (0, 0, 0, 0)).save(mask)
    environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": scripted.url}
    events = shown(tried(fake.name, photo, "p", "--mask", mask, "--image", photo, **environ))
    assert [event[1] for event in events] == ["partial 0 0", "partial 0 1", "completed 0"]
    assert events[-1][5] == "; 800 tokens in (480 image, 160 cached), 1040 out (50 text), cost not known"
    [asked] = scripted.asked
    assert fake.images_of(asked) == [photo.read_bytes()] * 2
    assert fake.mask_of(asked).getextrema() == (255, 255)


def test_a_configuration_names_the_model(photo: Path, tmp_path: Path, xai: Fake, scripted: ScriptedUpstream) -> None:
    """A file as the server takes it, with its mistakes told."""
    file = tmp_path / "streamedit.yaml"
    params = f"{{model: {xai.name}, api_key: {KEY}, api_base: '{scripted.url}'}}"
    file.write_text(f"model_list:\n  - model_name: night\n    litellm_params: {params}\n")
    assert [event[1] for event in shown(tried("night", photo, "p", "--config", file))] == ["completed 0"]
    assert "404 model_not_found" in failed(tried("day", photo, "p", "--config", file))
    file.write_text("model_list: []\n")
    assert "model_list" in failed(tried("night", photo, "p", "--config", file))


def test_a_failure_is_told(photo: Path, xai: Fake, scripted: ScriptedUpstream) -> None:
    """Status, code and message, without the key, and whether it may have cost something."""
    environ = {"XAI_API_KEY": KEY, "XAI_API_BASE": scripted.url}
    xai.outcome = Outcome.BLOCKED
    assert failed(tried(xai.name, photo, "p", **environ)).startswith("400 moderation_blocked: The provider's moderation")
    xai.outcome = Outcome.REFUSED
    assert failed(tried(xai.name, photo, "p", **environ)) == "400 invalid-argument: bad request of ***"
    xai.outcome = Outcome.GARBAGE
    assert failed(tried(xai.name, photo, "p", **environ)).endswith("is not JSON. It may have been paid.")
    assert "(param: mask)" in failed(tried(xai.name, photo, "p", "--mask", photo, **environ))


def test_what_is_missing_is_named(photo: Path) -> None:
    """A key with its variable, a provider with those that there are, a file with its path."""
    assert failed(tried("xai/grok-imagine-image", photo, "p")) == "xai needs a key: set XAI_API_KEY."
    assert "there are: azure, " in failed(tried("nobody/model", photo, "p"))
    assert "nowhere.png: No such file" in failed(tried("mock", "nowhere.png", "p"))
    assert "nowhere.yaml: No such file" in failed(tried("mock", photo, "p", "--config", "nowhere.yaml"))


def test_the_wrapper_runs_it() -> None:
    """A script like the others: it may be run, and is one that bash understands."""
    wrapper = SCRIPT.with_suffix("")
    assert os.access(wrapper, os.X_OK)
    assert subprocess.run(["bash", "-n", wrapper], check=False).returncode == 0


def failed(done: subprocess.CompletedProcess[str]) -> str:
    """What a failure says."""
    assert (done.returncode, done.stdout) == (1, ""), done.stdout
    return done.stderr.strip()
