"""The files and the machine around a configuration."""

import resource
from pathlib import Path

from examined import patient

from streamedit.doctor.survey import survey
from streamedit.storage import StorageSettings

FILE = """\
model_list:
  - model_name: a
    litellm_params: {model: openai/a, api_key: sk-canary-1, input_cost_per_token: 0.1, extra_headers: {Authorization: canary2}}
  - model_name: b
    litellm_params: {model: openai/b, api_key: os.environ/KEY}
  - model_name: c
    litellm_params: {model: hosted_vllm/c, api_key: none, api_base: http://h}
environment_variables: {OPENAI_API_KEY: canary3, AZURE_API_KEY: os.environ/AZURE, REGION: sweden}
router_settings: {redis_url: "redis://:canary4@h", redis_password: os.environ/PASSWORD}
server: {database_url: postgresql://u@h/d, webhooks: [{url: https://h, secret: canary5}]}
"""


def test_secrets_that_stand_in_a_file(tmp_path: Path) -> None:
    """By their places; the names of variables are none, nor are numbers, addresses without passwords and placeholders."""
    file = tmp_path / "a.yaml"
    file.write_text(FILE)
    assert set(survey(patient(), file, "127.0.0.1", 1).literals) == {
        "environment_variables.OPENAI_API_KEY",
        "model_list[0].litellm_params.api_key",
        "model_list[0].litellm_params.extra_headers.Authorization",
        "router_settings.redis_url",
        "server.webhooks[0].secret",
    }


def test_files_and_folders(tmp_path: Path) -> None:
    """Their permissions, and how much is in them; nothing is made."""
    file, database, ledger = tmp_path / "a.yaml", tmp_path / "data" / "a.db", tmp_path / "ledger"
    settings = patient(
        database_url=f"sqlite:///{database}",
        ledger_folder=ledger,
        log_folder=tmp_path / "not" / "there",
        storage=StorageSettings(folder=tmp_path / "blobs"),
    )
    file.write_text("a: 1")
    file.chmod(0o640)
    before = survey(settings, file, "0.0.0.0", 2)
    assert before.storage is not None
    assert (before.storage.path, before.storage.mode) == (tmp_path / "blobs", None)
    assert (before.host, before.workers, before.file_mode) == ("0.0.0.0", 2, 0o640)
    assert (before.database_mode, before.database_folder_mode, before.backlog_bytes) == (None, None, None)
    assert before.log_free_bytes is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml"]
    database.parent.mkdir(0o750)
    database.touch(0o604)
    (ledger / "box-1").mkdir(parents=True)
    (ledger / "box-1" / "kept-1").write_bytes(b"x" * 7)
    after = survey(settings, file, "0.0.0.0", 2)
    assert (after.database_mode, after.database_folder_mode, after.backlog_bytes) == (0o604, 0o750, 7)


def test_without_a_file_there_is_the_machine() -> None:
    """How many files a process may have open, and how much room there is where nothing is said of it."""
    facts = survey(patient(), None, "127.0.0.1", 1)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert facts.open_files == (None if hard == resource.RLIM_INFINITY else hard)
    assert (facts.file_mode, facts.literals, facts.database_mode) == (None, (), None)
    assert facts.storage is None
    assert facts.log_free_bytes is not None
