"""What the README says is so."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from commands import started
from hooks import SECRET
from PIL import Image
from reports import EDIT, FAILED
from servers import RunningServer, serving, settings_of

from streamedit import tally
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.config import ServerSettings, from_file
from streamedit.darkroom.develop import Recipe, develop
from streamedit.darkroom.files import decode
from streamedit.darkroom.instructions import Scope
from streamedit.darkroom.repertoire import FAMILIES
from streamedit.darkroom.scaling import fit
from streamedit.darkroom.words.grammar import parse
from streamedit.edits import Wishes
from streamedit.images import inspect
from streamedit.litellm_file.sections import GeneralSettings, LiteLLMSettings, ModelParams, RouterSettings
from streamedit.metrics import Metrics
from streamedit.providers import available
from streamedit.providers.comfyui.workflow import Workflow
from streamedit.records import EditRecord, Report
from streamedit.reloads import AT_START
from streamedit.targets import Target
from streamedit.webhooks import notice_of, signed
from streamedit.wire.wishes import WishFields, WishHeaders

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

COMMANDS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
CONFIGURATIONS = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
EXAMPLES = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder from which the README's relative paths work."""
    for name in ("tests", "README.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def _run(command: list[str], folder: Path, environ: Mapping[str, str] = MappingProxyType({})) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environ}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_are_found() -> None:
    """The tests below see every command and program."""
    assert (len(COMMANDS), len(PROGRAMS)) == (11, 5)


def test_the_first_command_shows_the_stream(server: RunningServer, folder: Path) -> None:
    """Three partial images and the completed one."""
    shown = _run(["bash", "-c", COMMANDS[0].replace("http://127.0.0.1:8000", server.url)], folder)
    assert re.findall(r"^event: image_edit\.(\w+)$", shown, re.MULTILINE) == ["partial_image"] * 3 + ["completed"]


def test_the_plain_command_makes_a_picture(server: RunningServer, folder: Path) -> None:
    """The file is a PNG."""
    _run(["bash", "-c", COMMANDS[1].replace("http://127.0.0.1:8000", server.url)], folder)
    assert (folder / "sketch.png").read_bytes().startswith(b"\x89PNG")


def test_the_dropped_connection_is_resumed(server: RunningServer, folder: Path) -> None:
    """What the README shows is what its commands print."""
    shown = _run(["bash", "-c", COMMANDS[2].replace("http://127.0.0.1:8000", server.url)], folder)
    assert shown == "--- the connection" + README.partition("```text\n--- the connection")[2].partition("```")[0]


def test_the_json_command_gives_an_answer(server: RunningServer, folder: Path) -> None:
    """An ImagesResponse begins."""
    command = next(command for command in COMMANDS if "image_url" in command)
    shown = _run(["bash", "-c", command.replace("http://127.0.0.1:8000", server.url)], folder)
    assert re.match(r'\{"created":\d+,"data":\[\{"b64_json":"UklGR', shown)


def test_the_mock_command_plays_its_script(server: RunningServer, folder: Path) -> None:
    """One partial image, then the error that the script wants."""
    command = next(command for command in COMMANDS if "mock_fault" in command)
    shown = _run(["bash", "-c", command.replace("http://127.0.0.1:8000", server.url)], folder)
    assert re.findall(r"^event: (\S+)$", shown, re.MULTILINE) == ["image_edit.partial_image", "error"]


def test_a_file_is_uploaded_named_and_deleted(folder: Path, tmp_path: Path) -> None:
    """The picture that was downloaded is one, and the file is gone."""
    command = next(command for command in COMMANDS if "/v1/files" in command)
    darkroom = Target("darkroom", "darkroom")
    with serving(settings_of(darkroom, database_url=f"sqlite:///{tmp_path / 'readme.db'}")) as keeping:
        shown = _run(["bash", "-c", command.replace("http://127.0.0.1:8000", keeping.url)], folder)
        assert json.loads(shown)["deleted"]
    with Image.open(folder / "sepia.png") as picture:
        assert picture.size == (451, 300)


def test_edens_command_tells_who_made_it_for_how_much(server: RunningServer, folder: Path) -> None:
    """What the README shows is what its command prints."""
    command = next(command for command in COMMANDS if "/v3/images/edits" in command)
    shown = _run(["bash", "-c", command.replace("http://127.0.0.1:8000", server.url)], folder)
    assert shown == README.partition(command)[2].partition("```text\n")[2].partition("```")[0]


def test_the_program_saves_the_stages(server: RunningServer, folder: Path) -> None:
    """Four pictures, made with OpenAI's package."""
    program = PROGRAMS[0].replace("http://127.0.0.1:8000", server.url)
    shown = _run([sys.executable, "-W", "ignore::ResourceWarning", "-c", program], folder)
    assert shown.split("\n")[:-1] == ["image_edit.partial_image 512x512"] * 3 + ["image_edit.completed 512x512"]
    assert all((folder / f"stage-{number}.png").read_bytes().startswith(b"\x89PNG") for number in range(4))


def test_a_program_needs_no_server(folder: Path) -> None:
    """A picture is saved."""
    program = next(program for program in PROGRAMS if "golden-hour.png" in program)
    assert _run([sys.executable, "-c", program], folder) == "darkroom 512x512 0.0\n"
    assert (folder / "golden-hour.png").read_bytes().startswith(b"\x89PNG")


def test_a_program_streams_without_a_server(folder: Path) -> None:
    """Its events, and the failure that it waits for."""
    program = next(program for program in PROGRAMS if "image_edit(" in program and "stream=True" in program)
    shown = _run([sys.executable, "-W", "ignore::ResourceWarning", "-c", program], folder).splitlines()
    kinds = [line.split()[0] for line in shown]
    assert kinds == ["image_edit.partial_image"] * 2 + ["image_edit.completed", "400"]
    assert shown[-1] == "400 n n: Input should be less than or equal to 10"


def test_a_program_keeps_an_editor(folder: Path) -> None:
    """Three pictures, and a stream."""
    program = next(program for program in PROGRAMS if "AsyncEditor" in program)
    shown = _run([sys.executable, "-c", program], folder).splitlines()
    assert ["b64_json='iVBORw0KGgo" in line for line in shown[:3]] == [True] * 3
    assert shown[3:] == ["image_edit.partial_image", "image_edit.completed"]


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    """The YAML example loads, with nothing ignored, and each of its keys has an effect."""
    example = next(example for example in CONFIGURATIONS if "general_settings" in example)
    file = tmp_path / "streamedit.yaml"
    file.write_text(example)
    settings = from_file(file, {"AZURE_API_KEY": "a", "OPENAI_API_KEY": "k", "STREAMEDIT_API_KEY": "s"}, available())
    assert settings.ignored == ()
    assert settings.routes.default_model == "darkroom"
    assert settings.routes.find("mock/anything").targets[0].model == "anything"
    stages = settings.routes.plan("gpt-image-2", Wishes(tags=("eu",))).stages
    assert [stage.model for stage in stages] == ["gpt-image-2"]
    assert [(target.name, target.api_key) for target in stages[0].targets] == [("azure/images-sweden", "a")]
    assert [stage.model for stage in settings.routes.plan("gpt-image-2").stages] == ["gpt-image-2", "local", "local"]
    assert settings.routes.find("dall-e-2").targets[1].api_key == "k"
    assert "old-name" not in settings.routes.names


@pytest.mark.parametrize("section", ["image_urls:", "reserve_bytes:", "os.environ/S3_KEY", "MINIO_ROOT_USER"])
def test_the_examples_of_a_section_are_valid(tmp_path: Path, section: str) -> None:
    """They load with nothing ignored, beside any model."""
    example = next(example for example in CONFIGURATIONS if section in example)
    file = tmp_path / "streamedit.yaml"
    file.write_text(f"model_list: [{{model_name: mock, litellm_params: {{model: mock}}}}]\n{example}")
    secrets = ("S3_KEY", "S3_SECRET", "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD")
    settings = from_file(file, {"HOME": str(tmp_path), **dict.fromkeys(secrets, "secret")}, available())
    assert settings.ignored == ()
    assert settings.server.storage.bucket is None or settings.server.storage.bucket.access_key_id == "secret"


def test_every_routing_key_is_explained() -> None:
    """Each key of LiteLLM's that has an effect here stands in the README."""
    sections = (RouterSettings, LiteLLMSettings, GeneralSettings, ModelParams)
    keys = {name for section in sections for name in section.model_fields} - {"headers", "max_retries", "custom_llm_provider"}
    assert sorted(name for name in keys if not re.search(rf"\b{name}\b", README)) == []


def test_the_configuration_is_checked(tmp_path: Path) -> None:
    """What the README shows is what its command says of its example."""
    example = next(example for example in CONFIGURATIONS if "general_settings" in example)
    (tmp_path / "streamedit.yaml").write_text(example)
    keys = {"AZURE_API_KEY": "a", "OPENAI_API_KEY": "k", "STREAMEDIT_API_KEY": "s"}
    shown = next(command for command in COMMANDS if "streamedit check" in command)
    command = shlex.split(shown.replace(".venv/bin/streamedit", f"{sys.executable} -m streamedit"))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True, env=os.environ | keys)
    told = README.partition(shown)[2].partition("```text\n")[2].partition("```")[0]
    assert [line.rstrip() for line in done.stdout.splitlines()] == told.splitlines()


def test_the_command_edits(server: RunningServer, folder: Path) -> None:
    """Its files are there, and what the README shows is what it prints, but for ids and times."""
    command = next(command for command in COMMANDS if "streamedit edit" in command)
    shown = README.partition(command)[2].partition("```text\n")[2].partition("```")[0]
    script = command.replace("http://127.0.0.1:8000", server.url).replace(
        ".venv/bin/streamedit", f"{sys.executable} -m streamedit"
    )
    made = _run(["bash", "-ec", script], folder)
    assert [_without_times(line) for line in made.splitlines()] == [_without_times(line) for line in shown.splitlines()]
    kinds = [inspect((folder / name).read_bytes()) for name in ("golden.webp", "sketch.png", "sepia.jpg")]
    assert [info and info.kind for info in kinds] == ["webp", "png", "jpeg"]
    assert len(list((folder / "stages").iterdir())) == 3


def _without_times(line: str) -> dict[str, object]:
    """One JSON object, without what is another one each time."""
    return {name: value for name, value in json.loads(line).items() if not (name.endswith("_s") or name == "edit_id")}


def test_a_key_is_given_out_and_its_use_is_told(folder: Path, tmp_path: Path) -> None:
    """What the README shows is what its commands print, but for the key's id and the times."""
    command = next(command for command in COMMANDS if "keys create" in command)
    shown = README.partition(command)[2].partition("```text\n")[2].partition("```")[0]
    environ = {"STREAMEDIT_DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}"}
    with started(STREAMEDIT_API_KEY="sk-master", **environ) as (_, url, _lines):
        script = command.replace("http://127.0.0.1:8000", url).replace(
            ".venv/bin/streamedit", f"{sys.executable} -m streamedit"
        )
        made = _run(["bash", "-c", script], folder, environ)
    assert _without_what_varies(made) == _without_what_varies(shown)


def _without_what_varies(shown: str) -> list[list[str]]:
    """The words of each line, without ids and times."""
    shown = re.sub("─+", "─", shown)
    same = re.sub(r"\b\d+\.\d\d s\b", "N s", re.sub(r"\bkey_[a-z0-9]{12}\b", "key_ID", shown))
    return [line.split() for line in same.splitlines()]


def test_what_takes_a_restart_is_marked() -> None:
    """With a star, and nothing else is."""
    table = README.partition("| `server:` |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)` \*", table)) == set(AT_START)


def test_the_workflow_is_one(tmp_path: Path) -> None:
    """ComfyUI's example loads, with nothing ignored, and its names are the callers' fields."""
    example = next(example for example in CONFIGURATIONS if "workflow:" in example)
    file = tmp_path / "streamedit.yaml"
    file.write_text(example.replace("tests/workflows", str(ROOT / "tests" / "workflows")))
    settings = from_file(file, {}, available())
    assert settings.ignored == ()
    target = settings.routes.find("local").targets[0]
    assert {"seed", "strength", "negative_prompt"} <= set(Workflow.of(target).extras)


def test_every_provider_is_told_with_its_variables() -> None:
    """Each has its row, with the names of its keys and addresses in the environment."""
    for name, setup in available().items():
        if setup.environment:
            row = next(line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
            keys = [variables[0] for field, variables in setup.environment.items() if field in ("api_key", "api_base")]
            assert [key for key in keys if f"`{key}`" not in row] == []


def test_every_setting_is_explained() -> None:
    """Each field of `server:` stands in the table."""
    assert [name for name in ServerSettings.model_fields if f"`{name}`" not in README] == []


def test_every_wish_and_fact_is_told() -> None:
    """The fields and headers that say how a request is to be handled, and those that tell what was done."""
    aliases = [str(field.alias) for field in WishHeaders.model_fields.values()]
    assert [name for name in (*WishFields.model_fields, *aliases, *tally.HEADERS) if f"`{name}`" not in README] == []


def test_the_log_line_is_one() -> None:
    """It has what a record has, and what the logger adds."""
    line = next(json.loads(example) for example in EXAMPLES if "edit ended" in example)
    assert list(line) == [*(field.name for field in fields(EditRecord)), "event", "level", "timestamp"]


def test_every_metric_is_told() -> None:
    """No name of the exposition is missing in the table, and none stands there that is not there."""
    metrics = Metrics(int, SYSTEM_CLOCKS.now_s)
    metrics.attempted(FAILED)
    metrics.ended(EDIT)
    names = re.findall(r"^# TYPE (\w+) ", metrics.exposition().decode(), re.MULTILINE)
    shown = {name for name in names if not name.endswith("_created")}
    assert set(re.findall(r"`(streamedit_\w+)`", README)) == shown


def test_the_webhook_is_one(tmp_path: Path) -> None:
    """Its settings load, its event has the fields of a real one, and the program verifies that."""
    example = next(example for example in CONFIGURATIONS if "webhooks:" in example)
    file = tmp_path / "streamedit.yaml"
    file.write_text(f"model_list: [{{model_name: mock, litellm_params: {{model: mock}}}}]\n{example}")
    (hook,) = from_file(file, {"WEBHOOK_SECRET": SECRET}, available()).server.webhooks
    notice = notice_of(Report(EDIT), time.time())
    shown = next(json.loads(example) for example in EXAMPLES if "evt_" in example)
    real = json.loads(notice.content)
    assert (list(shown), list(shown["data"])) == (list(real), list(real["data"]))
    program = next(program for program in PROGRAMS if "standardwebhooks" in program)
    names: dict[str, Any] = {}
    exec(program.replace("whsec_...", SECRET), names)
    assert names["received"](notice.content, dict(signed(notice, hook.key, time.time()))) == "image_edit.completed edit_1"


def test_every_instruction_is_listed() -> None:
    """The table has darkroom's whole repertoire, by families."""
    table = README.partition("| | instructions |")[2].partition("\n\n")[0]
    told = {family: names.split(", ") for family, names in re.findall(r"^\| ([a-z]+) \| (.+) \|$", table, re.MULTILINE)}
    assert told == {family: [row.name for row in rows] for family, rows in FAMILIES.items()}


PROMPTS = re.findall(
    r"^\| (.+?)( \*+)? \| (.+) \|$", README.partition("<!-- prompts -->")[2].partition("\nA ")[0], re.MULTILINE
)[1:]


def test_there_are_sixty_prompts() -> None:
    """As many as there should be to try."""
    assert len(PROMPTS) == len({prompt for prompt, _, _ in PROMPTS}) == 60


@pytest.mark.parametrize(("prompt", "needs", "told"), PROMPTS, ids=[prompt for prompt, _, _ in PROMPTS])
def test_every_prompt_does_what_its_row_says(prompt: str, needs: str, told: str) -> None:
    """Its instructions are those of the table, and the picture is another one afterwards."""
    instructions = parse(prompt, masked=needs == " *")
    scopes = {Scope.ALL: "", Scope.SUBJECT: " (subject)", Scope.BACKGROUND: " (background)"}
    assert ", ".join(f"{each.name}{scopes[each.scope]}" for each in instructions) == told
    photograph = fit(decode((ROOT / "tests" / "photos" / "chelsea.png").read_bytes()), (300, 200))
    weight = np.zeros((200, 300), np.float32)
    weight[60:120, 40:110] = 1
    others = (np.full((80, 120, 3), (0.2, 0.4, 0.7), np.float32),) if needs == " **" else ()
    (made,) = develop(photograph, weight if needs == " *" else None, Recipe(instructions, others=others), 0)
    nothing_to_do = made.size_px == photograph.size_px and made.alpha is None and np.array_equal(made.rgb, photograph.rgb)
    assert nothing_to_do == (prompt == "straighten the horizon")  # it is level


def test_every_error_code_is_told() -> None:
    """No code that the server makes up itself is missing, but for the many of one parameter."""
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "streamedit").rglob("*.py") if "darkroom" not in str(path)
    )
    made = set(re.findall(r'code ?= ?"(\w+)"', sources)) - set(re.findall(r"mock_\w+", sources))
    told = set(re.findall(r"`(\w+)`", README))
    unnamed = made - told
    assert unnamed <= PARAMETER_CODES, json.dumps(sorted(unnamed))


PARAMETER_CODES = {
    "empty_image",
    "internal_error",
    "invalid_data_url",
    "invalid_encoding",
    "string_above_max_length",
    "unsupported_image_url",
    "unsupported_parameter",
}
"""400s that their `param` and message explain, and the 500 that nobody should see."""


def test_the_tried_edit_is_as_it_is_shown(folder: Path) -> None:
    """Its lines, but for their times: the darkroom makes the same bytes each time."""
    script = str(ROOT / "scripts" / "try_provider.py")
    arguments = shlex.split(re.findall(r"^\./scripts/try_provider (darkroom .*)$", README, re.MULTILINE)[0])
    shown = README.partition(f"try_provider {' '.join(arguments[:2])}")[2].partition("```text\n")[2].partition("```")[0]
    made = _run([sys.executable, script, *arguments], folder)
    assert re.sub(r"^ *[\d.]+ s", "", made, flags=re.MULTILINE) == re.sub(r"^ *[\d.]+ s", "", shown, flags=re.MULTILINE)


def test_the_table_of_providers_is_todays() -> None:
    """It is what `./scripts/provider_table` draws from the providers' capabilities."""
    table = _run([sys.executable, str(ROOT / "scripts" / "provider_table.py")], ROOT)
    assert f"\n\n{table}\n" in README


def test_the_pictures_are_there() -> None:
    """Every picture that the README shows exists, and is small."""
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert shown
    assert all(0 < (ROOT / path).stat().st_size < 200_000 for path in shown)
