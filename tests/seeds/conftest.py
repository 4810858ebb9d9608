"""What the examples of the documents find where they run."""

from collections.abc import Iterator
from pathlib import Path

import examples
import pytest
from galleries import Gallery, exhibiting


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pictures that they name."""
    made = tmp_path_factory.mktemp("examples")
    examples.make_pictures(made)
    return made


@pytest.fixture(scope="package")
def gallery(folder: Path) -> Iterator[Gallery]:
    """The same pictures at URLs."""
    with exhibiting({f"/{file.name}": file.read_bytes() for file in folder.iterdir()}) as running:
        yield running
