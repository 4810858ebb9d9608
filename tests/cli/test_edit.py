"""`streamedit edit`: what it is given, where its pictures go, and how it ends."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from commanded import PHOTO, command
from PIL import Image
from servers import RunningServer, serving, settings_of
from typer.testing import Result

from streamedit.targets import Target

NOBODY = "http://127.0.0.1:1"
"""Whoever ends with 2 before this one has asked nobody."""


def events_of(done: Result) -> list[dict[str, Any]]:
    """What was told in lines."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def kind_of(content: bytes) -> str | None:
    """As Pillow has it."""
    with Image.open(io.BytesIO(content)) as picture:
        return picture.format


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "PNG"), (".jpg", "JPEG"), (".jpeg", "JPEG"), (".webp", "WEBP")])
def test_the_file_is_what_its_name_says(server: RunningServer, tmp_path: Path, suffix: str, kind: str) -> None:
    """-o chooses the format, and all that is told is on stderr."""
    path = tmp_path / f"out{suffix}"
    done = command("edit", PHOTO, "p", "-m", "mock", "-o", str(path), "--server", server.url)
    assert (done.exit_code, done.stdout) == (0, "")
    assert kind_of(path.read_bytes()) == kind
    assert "completed" in done.stderr and str(path) in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_format_that_is_named_counts_more(server: RunningServer, tmp_path: Path) -> None:
    """Whatever the file is called."""
    path = tmp_path / "out.bin"
    assert command("edit", PHOTO, "p", "-m", "mock", "-o", str(path), "--format", "jpg", "--server", server.url).exit_code == 0
    assert kind_of(path.read_bytes()) == "JPEG"


@pytest.mark.parametrize("output", [(), ("-o", "-")])
def test_a_pipe_gets_the_picture(server: RunningServer, output: tuple[str, ...]) -> None:
    """And nothing else."""
    done = command("edit", PHOTO, "p", "-m", "mock", *output, "--server", server.url)
    assert done.exit_code == 0
    assert kind_of(done.stdout_bytes) == "PNG"


def test_a_picture_may_come_through_a_pipe(server: RunningServer) -> None:
    """`-` is stdin: edits can be chained."""
    first = command("edit", PHOTO, "sepia", "-m", "darkroom", "--quiet", "--server", server.url)
    second = command("edit", "-", "rotate it by 90 degrees", "-q", "--server", server.url, stdin=first.stdout_bytes)
    with Image.open(io.BytesIO(second.stdout_bytes)) as picture:
        assert picture.size == (400, 600)
    assert (first.stderr, second.stderr) == ("", "")


def test_several_pictures_are_numbered(server: RunningServer, tmp_path: Path) -> None:
    """Images first, the prompt last; each of n pictures has its number."""
    done = command("edit", PHOTO, PHOTO, "p", "-m", "mock", "-n", "3", "-o", str(tmp_path / "out.png"), "--server", server.url)
    assert done.exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out-1.png", "out-2.png", "out-3.png"]
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 3


def test_without_a_name_nothing_is_overwritten(server: RunningServer, tmp_path: Path) -> None:
    """The pictures are beside the first image, each under a new name with the suffix of what it is."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(Path(PHOTO).read_bytes())
    before = photo.read_bytes()
    for options in ((), (), ("--format", "webp")):
        assert command("edit", str(photo), "p", "-m", "mock", "--json", *options, "--server", server.url).exit_code == 0
    made = {"photo.jpg", "photo-edited.png", "photo-edited-2.png", "photo-edited.webp"}
    assert {path.name for path in tmp_path.iterdir()} == made
    assert photo.read_bytes() == before


def test_a_folder_may_be_named(server: RunningServer, tmp_path: Path) -> None:
    """The file in it has a new name."""
    command("edit", PHOTO, "p", "-m", "mock", "-o", str(tmp_path), "--server", server.url)
    assert [path.name for path in tmp_path.iterdir()] == ["coffee-edited.png"]


def test_events_in_lines(server: RunningServer, tmp_path: Path) -> None:
    """A JSON object for each, in order, without the pictures; where they are, and the summary at the end."""
    folder = tmp_path / "stages"
    out = tmp_path / "o.png"
    done = command("edit", PHOTO, "sepia", "--json", "--save-partials", str(folder), "-o", str(out), "--server", server.url)
    *partials, completed, summary = events_of(done)
    assert (done.exit_code, done.stderr) == (0, "")
    assert [(event["type"], event["index"], event["size"]) for event in partials] == [
        ("image_edit.partial_image", index, "600x400") for index in range(3)
    ]
    paths = [folder / f"coffee-partial-{number}.png" for number in (1, 2, 3)]
    assert [event["path"] for event in partials] == list(map(str, paths))
    assert [event["bytes"] for event in partials] == [path.stat().st_size for path in paths]
    assert (completed["type"], completed["path"], completed["bytes"]) == (
        "image_edit.completed", str(out), out.stat().st_size
    )  # fmt: skip
    assert (summary["type"], summary["provider"], summary["cost_usd"], summary["paths"]) == (
        "summary", "darkroom", 0.0, [str(out)]
    )  # fmt: skip
    assert 0 <= summary["first_event_s"] == partials[0]["elapsed_s"] <= summary["total_s"]
    assert summary["edit_id"].startswith("edit_")
    assert len(done.stdout) < 3000


@pytest.mark.parametrize(("options", "partials"), [((), 0), (("--partial-images", "2"), 2), (("--json",), 3)])
def test_partial_images_are_for_those_who_look(server: RunningServer, options: tuple[str, ...], partials: int) -> None:
    """Nobody pays for what nobody sees, unless it is asked for."""
    done = command("edit", PHOTO, "p", "-m", "mock", *options, "-o", "/dev/null", "--server", server.url)
    told = done.stdout + done.stderr
    assert done.exit_code == 0
    assert told.count("partial image ") + told.count('"image_edit.partial_image"') == partials


def test_fields_of_the_providers_own(server: RunningServer) -> None:
    """--set hands them on, and --seed is one of them."""
    done = command("edit", PHOTO, "p", "-m", "mock", "--set", "mock_bytes=5000", "--seed", "7", "--server", server.url)
    assert len(done.stdout_bytes) == 5000


def test_errors_in_lines(server: RunningServer, tmp_path: Path) -> None:
    """With the four keys, as they come over HTTP."""
    done = command("edit", PHOTO, "frobnicate", "--json", "-o", str(tmp_path / "a.png"), "--server", server.url)
    (told,) = events_of(done)
    assert (done.exit_code, told["error"].keys()) == (1, {"message", "type", "param", "code"})
    assert (told["error"]["param"], told["error"]["code"]) == ("prompt", "prompt_not_understood")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--model", "nope"), 1, "Parameter: model (--model)"),
        (("--model", "nope"), 1, "`streamedit models` lists"),
        (("--model", "darkroom"), 1, "`streamedit models darkroom` shows all that it can do"),
        (("--model", "darkroom", "--set", "frob=1"), 1, "Parameter: frob"),
        (("--model", "mock", "--set", "mock_fault=refuse"), 1, "Refused: The mock refuses this edit."),
        (("--model", "mock", "--set", "mock_fault=error"), 3, "Failed: The mock broke off."),
        (("--model", "mock", "--set", "mock_fault=unavailable"), 3, "Failed: "),
    ],
)
def test_how_it_ends(server: RunningServer, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    """By an exit code, in words, and without a file. In its own process it ends alike."""
    out = ("-o", str(tmp_path / "out.png"))
    for place in (("--server", server.url), ()):
        done = command("edit", PHOTO, "flurb", *arguments, *out, *place)
        assert (done.exit_code, list(tmp_path.iterdir())) == (code, [])
        assert said in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.jpg", "p"), "There is no file none.jpg."),
        (("golden hour", PHOTO), "The prompt comes last"),
        ((str(Path(PHOTO).parent), "p", "-o", "a.png"), "cannot be read: Is a directory"),
        (("-", "p", "-o", "a.png"), "stdin is empty"),
        (("-", "-", "p", "-o", "a.png"), "Only one picture can come from stdin"),
        ((PHOTO, "p", "-o", "none/a.png"), "No such file or directory"),
        ((PHOTO, "p", "-o", "/proc/a.png"), "Nothing can be written to /proc"),
        ((PHOTO, "p", "-o", "a.tiff"), "none of png, jpg and webp"),
        ((PHOTO, "p", "-n", "2"), "do not fit into one pipe"),
        ((PHOTO, "p", "-o", "-", "--json"), "cannot both go to stdout"),
        ((PHOTO, "p", "--save-partials", f"{PHOTO}/a"), "cannot be made: Not a directory"),
        ((PHOTO, "p", "--set", "size=1"), "look for its option"),
        ((PHOTO, "p", "--set", "size"), "is not NAME=VALUE"),
        ((PHOTO, "p", "--config", "a.yaml"), "a server has a configuration of its own"),
        ((PHOTO, "p", "--key", "a\nb"), "letters, digits and signs"),
        ((PHOTO, "p", "-n", "11"), "equal to 10"),
        ((PHOTO,), "Missing argument"),
    ],
)
def test_what_cannot_be_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, before anybody is asked."""
    monkeypatch.chdir(tmp_path)
    done = command("edit", *arguments, "--server", NOBODY, stdin=b"")
    assert (done.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert said in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize("url", ["ftp://h", "h", "http://"])
def test_what_is_no_server(url: str) -> None:
    """Exit code 2, and no attempt."""
    done = command("edit", PHOTO, "p", "-o", "/dev/null", "--server", url)
    assert (done.exit_code, "no server's address" in done.stderr) == (2, True)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """Exit code 4, within seconds."""
    done = command("edit", PHOTO, "p", "-o", str(tmp_path / "a.png"), "--server", f"{NOBODY}/v1/")
    assert done.exit_code == 4
    assert "http://127.0.0.1:1 cannot be reached: Connection refused." in done.stderr


def test_keys_open_servers_and_are_not_shown() -> None:
    """By option or by variable; a wrong one is refused without being repeated."""
    with serving(settings_of(Target("mock", "mock", params={"mock_pace_s": 0}), keys=("sk-canary-right",))) as server:
        by_option = command("edit", PHOTO, "p", "-o", "/dev/null", "--server", server.url, "--key", "sk-canary-right")
        environ = {"STREAMEDIT_SERVER": f"{server.url}/", "STREAMEDIT_KEY": "sk-canary-right\n"}
        by_variables = command("edit", PHOTO, "p", "-o", "/dev/null", environ=environ)
        wrong = command("edit", PHOTO, "p", "-o", "/dev/null", environ={**environ, "STREAMEDIT_KEY": "sk-canary-wrong"})
        none = command("edit", PHOTO, "p", "-o", "/dev/null", "--json", "--server", server.url)
    assert (by_option.exit_code, by_variables.exit_code, wrong.exit_code, none.exit_code) == (0, 0, 1, 1)
    assert "STREAMEDIT_KEY" in wrong.stderr
    assert events_of(none)[0]["error"]["code"] == "invalid_api_key"
    everything = "".join(done.stdout + done.stderr for done in (by_option, by_variables, wrong, none))
    assert "canary" not in everything and "token=" not in everything


def test_credentials_of_an_address_are_not_shown() -> None:
    """Nor is the password in it."""
    done = command("edit", PHOTO, "p", "-o", "/dev/null", "--server", "http://ada:canary@127.0.0.1:1/x?canary")
    assert done.exit_code == 4
    assert "canary" not in done.stdout + done.stderr


def test_without_a_server_it_is_made_here(tmp_path: Path) -> None:
    """By the darkroom, without a key, a database or a file; with a mask and a second image."""
    mask = Image.new("RGBA", (600, 400), "black")
    mask.paste((0, 0, 0, 0), (0, 0, 300, 400))
    mask.save(tmp_path / "mask.png")
    out = tmp_path / "out.png"
    home = {"HOME": str(tmp_path / "home"), "XDG_DATA_HOME": str(tmp_path / "home")}
    options = ("--mask", str(tmp_path / "mask.png"), "--partial-images", "1", "--json")
    done = command("edit", PHOTO, "black and white", *options, "-o", str(out), environ=home)
    assert [event["type"].partition(".")[2] for event in events_of(done)] == ["partial_image", "completed", ""]
    with Image.open(out) as picture, Image.open(PHOTO) as photo:
        red, green, blue = picture.crop((0, 0, 200, 400)).convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc] # RGB has three
        assert max(red, green, blue) - min(red, green, blue) < 5
        assert picture.crop((400, 0, 600, 400)).convert("RGB").tobytes() == photo.crop((400, 0, 600, 400)).tobytes()
    assert not (tmp_path / "home").exists()


def test_a_configuration_says_who_makes_it(tmp_path: Path) -> None:
    """The models of a file; its mistakes are told in lines, with exit code 2."""
    file = tmp_path / "a.yaml"
    file.write_text("model_list: [{model_name: editor, litellm_params: {model: mock/any, mock_pace_s: 0, mock_bytes: 4000}}]\n")
    done = command("edit", PHOTO, "anything", "--config", str(file), environ={"STREAMEDIT_SERVER": NOBODY})
    assert (done.exit_code, len(done.stdout_bytes)) == (0, 4000)
    file.write_text("model_list: [{model_name: b}]\nserver: {heartbeat_s: -3}\n")
    bad = command("edit", PHOTO, "anything", "--config", str(file), "-o", str(tmp_path / "a.png"))
    assert bad.exit_code == 2
    assert "a.yaml:1: model_list[0]" in bad.stderr and "a.yaml:2: server.heartbeat_s" in bad.stderr


def test_help_tells_what_there_is() -> None:
    """The arguments in their order, the exit codes, examples; and `-h` is enough."""
    told = command("edit", "-h", environ={"COLUMNS": "120"}).stdout
    assert "[OPTIONS] IMAGE... PROMPT" in told
    for code in (0, 1, 2, 3, 4, 130):
        assert f"- {code}: " in told
    assert 'streamedit edit photo.jpg "golden hour, film grain"' in told
