"""What the examples of the documents find where they run."""

from pathlib import Path

import examples
import pytest


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pictures that they name."""
    made = tmp_path_factory.mktemp("examples")
    examples.make_pictures(made)
    return made
