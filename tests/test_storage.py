"""Where blobs are, as a configuration says it; every mistake in that; and where they are without one."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from streamedit.documents import ConfigError
from streamedit.storage import BucketSettings, StorageSettings, default_folder

WITHOUT_THE_EXTRA = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.startswith("obstore") else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
from streamedit.storage import StorageSettings
print(StorageSettings().bucket)
StorageSettings.model_validate({"bucket": {"name": "bucket"}})
"""


def test_without_a_word_there_are_defaults() -> None:
    """Neither place is named; what each key may store is bounded."""
    settings = StorageSettings()
    assert (settings.folder, settings.bucket) == (None, None)
    assert (settings.reserve_bytes, settings.file_bytes) == (1 << 30, 512 << 20)
    assert (settings.key_bytes, settings.key_files) == (10 << 30, 10_000)
    assert (settings.results_s, settings.rehost) == (3600, False)


def test_a_section_can_say_everything() -> None:
    """Of a bucket; `None` stands for no bound."""
    bucket = {
        "name": "my.bucket-1",
        "prefix": "streamedit/prod",
        "endpoint": "http://127.0.0.1:9000/",
        "region": "eu-central-1",
        "access_key_id": "id",
        "secret_access_key": "s3cret",
        "session_token": "t0ken",
        "allow_http": True,
        "virtual_hosted_style": True,
    }
    settings = StorageSettings.model_validate({"bucket": bucket, "key_bytes": None, "key_files": None, "reserve_bytes": 0})
    assert settings.bucket is not None
    assert settings.bucket.model_dump() == bucket
    assert (settings.key_bytes, settings.key_files, settings.reserve_bytes) == (None, None, 0)


def test_secrets_are_not_shown() -> None:
    """Neither is the name of who has them."""
    settings = BucketSettings(name="bucket", access_key_id="kkk", secret_access_key="sss", session_token="ttt")
    assert not any(secret in repr(settings) for secret in ("kkk", "sss", "ttt"))


@pytest.mark.parametrize(
    ("endpoint", "is_in_host", "address"),
    [
        (None, True, None),
        ("https://s3.example", False, "https://s3.example"),
        ("https://s3.example/", False, "https://s3.example"),
        ("https://s3.example:9000/", True, "https://bucket.s3.example:9000"),
    ],
)
def test_the_bucket_is_in_the_host_or_in_the_path(endpoint: str | None, is_in_host: bool, address: str | None) -> None:
    """The endpoint is written alike for both."""
    told = {"name": "bucket", "endpoint": endpoint, "virtual_hosted_style": is_in_host}
    assert BucketSettings.model_validate(told).address == address


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        ({"folder": "/a", "bucket": {"name": "bucket"}}, "has both a folder and a bucket"),
        ({"reserve_bytes": -1}, "greater than or equal to 0"),
        ({"file_bytes": 0}, "greater than 0"),
        ({"key_files": 0}, "greater than 0"),
        ({"results_s": float("inf")}, "finite"),
        ({"place": "/a"}, "Extra inputs"),
        ({"bucket": {}}, "Field required"),
        ({"bucket": {"name": "My Bucket"}}, "match pattern"),
        ({"bucket": {"name": "bucket", "prefix": "/a"}}, "match pattern"),
        ({"bucket": {"name": "bucket", "prefix": "a/../b"}}, "match pattern"),
        ({"bucket": {"name": "bucket", "endpoint": "s3.example"}}, "match pattern"),
        ({"bucket": {"name": "bucket", "endpoint": "https://s3.example/bucket"}}, "match pattern"),
        ({"bucket": {"name": "bucket", "endpoint": "https://[s3.example"}}, "must have a host"),
        ({"bucket": {"name": "bucket", "endpoint": "https://:9000"}}, "must have a host"),
        ({"bucket": {"name": "bucket", "endpoint": "https://s3.example:99999"}}, "and a port from 1 to 65535"),
        ({"bucket": {"name": "bucket", "endpoint": "https://s3.example:x"}}, "and a port from 1 to 65535"),
        ({"bucket": {"name": "bucket", "endpoint": "http://s3.example"}}, "use https://, or set allow_http"),
        ({"bucket": {"name": "bucket", "access_key_id": "id"}}, "both access_key_id and secret_access_key"),
        ({"bucket": {"name": "bucket", "session_token": "t"}}, "has a session_token for no access_key_id"),
    ],
)
def test_mistakes_are_told(section: dict[str, object], mistake: str) -> None:
    """In words that say what to do."""
    with pytest.raises(ValidationError, match=mistake):
        StorageSettings.model_validate(section)


def test_a_bucket_needs_its_extra() -> None:
    """Which is named; without a bucket nobody misses it."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_THE_EXTRA], capture_output=True, text=True, check=False)
    assert done.stdout == "None\n"
    assert "needs obstore: pip install 'streamedit[s3]'" in done.stderr


def test_the_default_is_beside_the_default_database(tmp_path: Path) -> None:
    """Below the folder for a user's data, else below the home."""
    assert default_folder({"XDG_DATA_HOME": str(tmp_path)}) == tmp_path / "streamedit" / "blobs"
    assert default_folder({"HOME": str(tmp_path)}) == tmp_path / ".local" / "share" / "streamedit" / "blobs"


def test_without_a_home_a_folder_has_to_be_named() -> None:
    """Other folders do not last."""
    with pytest.raises(ConfigError, match=r"server\.storage\.folder"):
        default_folder({"HOME": ""})
