"""The settings of a process that is no server."""

from pathlib import Path

import pytest

from streamedit.documents import ConfigError
from streamedit.sdk.settings import no_log, settings_of

FILE = """
model_list: [{{model_name: a, litellm_params: {{model: mock}}}}]
router_settings: {{redis_host: localhost}}
server: {{retention_s: 60, {more}}}
"""


def test_nothing_is_kept_unless_it_is_said(tmp_path: Path) -> None:
    """No database, no Redis, no files, no edits."""
    file = tmp_path / "streamedit.yaml"
    file.write_text(FILE.format(more=""))
    for config in (None, file):
        server = settings_of(config, {"HOME": str(tmp_path)}).server
        assert (server.database_url, server.redis_url, server.storage.folder, server.retention_s) == (None, None, None, 0)


def test_a_database_that_is_named_is_used(tmp_path: Path) -> None:
    """By the environment, or by the file; then files can be kept, too."""
    url = f"sqlite:///{tmp_path / 'books.db'}"
    file = tmp_path / "streamedit.yaml"
    file.write_text(FILE.format(more=f"database_url: '{url}'"))
    home = {"HOME": str(tmp_path)}
    for settings in (settings_of(file, home), settings_of(None, {**home, "STREAMEDIT_DATABASE_URL": url})):
        assert settings.server.database_url == url
        assert settings.server.storage.folder == tmp_path / ".local/share/streamedit/blobs"


def test_a_budget_needs_a_database(tmp_path: Path) -> None:
    """It would not hold without one."""
    file = tmp_path / "streamedit.yaml"
    file.write_text(FILE.format(more="budgets: [{dollars: 1, per: day}]"))
    with pytest.raises(ConfigError, match="budget"):
        settings_of(file, {"HOME": str(tmp_path)})


def test_a_log_that_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """At any level."""
    log = no_log()
    for say in (log.debug, log.info, log.warning, log.error):
        say("something", why="that")
    assert capfd.readouterr() == ("", "")
