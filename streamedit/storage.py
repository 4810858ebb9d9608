"""Where uploaded files and hosted results are kept, and how much of them, as a configuration says it."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from streamedit import databases
from streamedit.documents import ConfigError

_Secret = Annotated[str | None, Field(min_length=1, repr=False)]


class BucketSettings(BaseModel):
    """A bucket of S3, or of what speaks as S3 does. `prefix`: of all keys in it.

    `endpoint`: without the bucket; None for the environment's, else AWS'. Without an `access_key_id` credentials are those that
    the environment names (`AWS_ACCESS_KEY_ID` ..., a web identity, a container's), else those of the machine.
    `virtual_hosted_style`: the bucket is named in the host, not in the path.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str | None = Field(None, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?$")
    endpoint: str | None = Field(None, pattern=r"^https?://[^\s/?#@]+/?$")
    region: str | None = Field(None, min_length=1)
    access_key_id: _Secret = None
    secret_access_key: _Secret = None
    session_token: _Secret = None
    allow_http: bool = False
    virtual_hosted_style: bool = False

    @field_validator("endpoint")
    @classmethod
    def _has_a_host(cls, endpoint: str | None) -> str | None:
        """And a port that can be one: obstore panics over what is none."""
        try:
            parts = urlsplit(endpoint or "https://host")
            is_address = bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise PydanticCustomError("bucket", "must have a host, and a port from 1 to 65535 or none")
        return endpoint

    @model_validator(mode="after")
    def _has_a_client(self) -> Self:
        if find_spec("obstore") is None:
            raise PydanticCustomError("bucket", "needs obstore: pip install 'streamedit[s3]'")
        return self

    @model_validator(mode="after")
    def _has_whole_credentials(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise PydanticCustomError("bucket", "must have both access_key_id and secret_access_key, or neither")
        if self.session_token is not None and self.access_key_id is None:
            raise PydanticCustomError("bucket", "has a session_token for no access_key_id")
        return self

    @model_validator(mode="after")
    def _is_encrypted_unless_allowed(self) -> Self:
        if self.endpoint is not None and self.endpoint.startswith("http://") and not self.allow_http:
            raise PydanticCustomError("bucket", "has an endpoint without encryption: use https://, or set allow_http")
        return self

    @property
    def address(self) -> str | None:
        """The endpoint, with the bucket where it belongs into the host; None for AWS."""
        if self.endpoint is None:
            return None
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{self.name}.{parts.netloc}" if self.virtual_hosted_style else self.endpoint.rstrip("/")


class StorageSettings(BaseModel):
    """The `server.storage` section. A `folder` or a `bucket`; without both the default folder.

    `reserve_bytes`: what stays free on the folder's disk. `file_bytes`: the largest uploaded file. `key_bytes`, `key_files`:
    what each API key may have stored, None for any amount. `results_s`: how long a hosted result can be read. `rehost`:
    results that a provider hosts are hosted here, too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    folder: Annotated[Path, AfterValidator(Path.expanduser)] | None = None
    bucket: BucketSettings | None = None
    reserve_bytes: int = Field(1 << 30, ge=0)
    file_bytes: int = Field(512 << 20, gt=0)
    key_bytes: int | None = Field(10 << 30, gt=0)
    key_files: int | None = Field(10_000, gt=0)
    results_s: float = Field(3600, gt=0, le=366 * 24 * 3600)
    rehost: bool = False

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        if self.folder is not None and self.bucket is not None:
            raise PydanticCustomError("storage", "has both a folder and a bucket")
        return self


def default_folder(environ: Mapping[str, str]) -> Path:
    """Below the folder for a user's data (XDG), beside the default database. Raises ConfigError where there is none."""
    try:
        return databases.data_folder(environ) / "blobs"
    except ConfigError:
        raise ConfigError(["There is no home for files: set server.storage.folder."]) from None
