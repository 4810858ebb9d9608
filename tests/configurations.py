"""Configuration files for tests."""

from pathlib import Path

import pytest

from streamedit.config import Settings, from_file
from streamedit.documents import ConfigError
from streamedit.providers import CATALOGUE

PROVIDERS = {name: entry.setup for name, entry in CATALOGUE.items()}

CONFIGS = Path(__file__).parent / "configs"

MINIMAL = """\
model_list:
  - model_name: mock
    litellm_params: {model: mock/mock}
"""


def kept(name: str, **environ: str) -> Settings:
    """The settings of a file that is kept beside the tests."""
    return from_file(CONFIGS / name, environ, PROVIDERS)


def read(folder: Path, text: str, **environ: str) -> Settings:
    """The settings of a file with this text."""
    path = folder / "streamedit.yaml"
    path.write_text(text, encoding="utf-8")
    return from_file(path, environ, PROVIDERS)


def mistakes_of(folder: Path, text: str, **environ: str) -> tuple[str, ...]:
    """What is wrong with a file of this text."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text, **environ)
    return caught.value.mistakes
