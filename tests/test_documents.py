"""A YAML file, those that it includes, and where each value stands."""

from pathlib import Path

import pytest
from configurations import MINIMAL, kept, mistakes_of, read

from streamedit.documents import ConfigError, Document


def test_included_files_are_one_with_theirs() -> None:
    """Lists are added, whatever else they say counts instead; files name others beside themselves, and are read once."""
    routes = kept("include.yaml").routes
    assert [route.model for route in routes.all] == ["one", "two", "three"]
    assert routes.find("one").policy.retries == 6


def test_a_mistake_is_told_of_the_right_file(tmp_path: Path) -> None:
    """With the name by which it is included, and the line there."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "more.yaml").write_text("# a comment\nmodel_list:\n  - model_name: b\n")
    assert mistakes_of(tmp_path, f"include: [parts/more.yaml]\n{MINIMAL}") == (
        "parts/more.yaml:3: model_list[1].litellm_params: Field required",
    )


@pytest.mark.parametrize(
    ("include", "told"),
    [
        ("[nowhere.yaml]", "streamedit.yaml:1: include: nowhere.yaml: No such file or directory"),
        ("nowhere.yaml", "streamedit.yaml:1: include: should be a list of files"),
        ("[[a]]", "streamedit.yaml:1: include: should be a list of files"),
        ("[list.yaml]", "streamedit.yaml:1: include: list.yaml: should be sections with their names"),
    ],
)
def test_what_cannot_be_included_is_a_mistake(tmp_path: Path, include: str, told: str) -> None:
    """Told where it is included."""
    (tmp_path / "list.yaml").write_text("- a\n")
    assert mistakes_of(tmp_path, f"include: {include}\n{MINIMAL}") == (told,)


def test_a_broken_included_file_is_a_mistake(tmp_path: Path) -> None:
    """Its own name and line are told."""
    (tmp_path / "broken.yaml").write_text("a: b\nc: [\n")
    [mistake] = mistakes_of(tmp_path, f"include: [broken.yaml]\n{MINIMAL}")
    assert mistake.startswith("broken.yaml:3: ")


def test_the_file_sets_variables(tmp_path: Path) -> None:
    """They count more than the environment's, and may be taken from there; what that does not have stays as it is."""
    path = tmp_path / "a.yaml"
    path.write_text("environment_variables: {A: 1, B: os.environ/OUTER, C: os.environ/UNSET, D: null}\nkey: os.environ/B\n")
    document = Document(path)
    environ = document.environment({"A": "0", "OUTER": "outer", "C": "c"})
    assert environ == {"A": "1", "OUTER": "outer", "B": "outer", "C": "c"}
    assert document.resolved(environ) == {"key": "outer"}


def test_variables_are_names_with_values(tmp_path: Path) -> None:
    """A list of them is a mistake."""
    assert mistakes_of(tmp_path, f"{MINIMAL}environment_variables: [A]\n") == (
        "streamedit.yaml:4: environment_variables: should be names with their values",
    )


def test_a_date_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    """YAML takes it for a date all the same."""
    with pytest.raises(ConfigError, match=r"^streamedit.yaml:4: not a valid timestamp$"):
        read(tmp_path, f"{MINIMAL}server: {{log_folder: 2026-13-01}}\n")


@pytest.mark.parametrize("text", ["a: " + "[" * 5000 + "]" * 5000, "a: &a [*a]"])
def test_what_is_nested_too_deeply_is_a_mistake(tmp_path: Path, text: str) -> None:
    """Also what is nested in itself."""
    with pytest.raises(ConfigError, match=r"^streamedit.yaml:1: something is nested too deeply, or in itself$"):
        read(tmp_path, f"{text}\n{MINIMAL}")
