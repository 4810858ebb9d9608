"""Targets and their ids."""

from dataclasses import replace
from pathlib import Path

import pytest
from configurations import read

from streamedit.litellm_file.deployments import identity
from streamedit.targets import Target

TARGET = Target("openai", "gpt-image-2", "sk-secret", "https://a.example/v1", {"organization": "o", "rpm": 1})


def test_an_id_is_the_same_each_time() -> None:
    """It is a fixed digest: other processes, versions of Python and later starts come to the same."""
    assert identity(TARGET) == "8fdab6cbebb787ec"


@pytest.mark.parametrize(
    "change",
    [
        {"provider": "azure"},
        {"model": "gpt-image-1"},
        {"api_key": "sk-other"},
        {"api_base": None},
        {"params": {"organization": "p", "rpm": 1}},
        {"params": {"rpm": 1}},
    ],
)
def test_another_place_has_another_id(change: dict[str, object]) -> None:
    """Whoever answers another account's calls has a health of its own."""
    assert identity(replace(TARGET, **change)) != identity(TARGET)  # type: ignore[arg-type] # one of several fields


def test_what_is_asked_of_a_place_is_not_its_id() -> None:
    """Limits, weights, prices and tags may change without its health being forgotten; nor does the order of keys count."""
    params = {"rpm": 9, "weight": 2, "tags": ["a"], "input_cost_per_token": 1.0, "organization": "o"}
    assert identity(replace(TARGET, params=params)) == identity(TARGET)


def test_an_id_shows_no_secret() -> None:
    """It is a few hexadecimal digits."""
    assert len(identity(TARGET)) == 16
    assert set(identity(TARGET)) <= set("0123456789abcdef")


def test_a_file_may_name_ids(tmp_path: Path) -> None:
    """`model_info.id` is taken as it is; numbers are names, too. Entries that say the same have the same."""
    entry = "  - {model_name: m, litellm_params: {model: mock/m}, model_info: {%s}}\n"
    text = "model_list:\n" + "".join(entry % info for info in ("id: mine", "id: 7", "", "mode: image_edit"))
    first, second, third, fourth = (target.id for target in read(tmp_path, text).routes.find("m").targets)
    assert (first, second) == ("mine", "7")
    assert third == fourth is not None


def test_numbers_may_be_text(tmp_path: Path) -> None:
    """Variables of the environment are."""
    params = "{model: mock/m, rpm: os.environ/RPM, output_cost_per_image: '0.01', drop_params: 'true', timeout: '5'}"
    text = f"model_list:\n  - {{model_name: m, litellm_params: {params}}}\n"
    [target] = read(tmp_path, text, RPM="30").routes.find("m").targets
    assert (target.limits.rpm, target.timeout_s) == (30, 5)
    assert (target.params["drop_params"], target.params["output_cost_per_image"]) == (True, 0.01)


def test_what_an_entry_says_counts_more_than_the_defaults(tmp_path: Path) -> None:
    """Of bounds and dropped parameters; a price beside the parameters counts more than one in `model_info`."""
    params = "{model: mock/m, timeout: 5, drop_params: false, input_cost_per_token: 1}"
    info = "{input_cost_per_token: 2, output_cost_per_token: 3}"
    text = f"model_list:\n  - {{model_name: m, litellm_params: {params}, model_info: {info}}}\n"
    text += "litellm_settings: {drop_params: true, request_timeout: 60}\nrouter_settings: {timeout: 50}\n"
    [target] = read(tmp_path, text).routes.find("m").targets
    assert (target.timeout_s, target.params["drop_params"]) == (5, False)
    assert (target.params["input_cost_per_token"], target.params["output_cost_per_token"]) == (1, 3)


def test_each_model_has_its_own_retries_of_a_target(tmp_path: Path) -> None:
    """The same place under two names may be asked again once for one of them, and thrice for the other."""
    entry = "  - {model_name: %s, litellm_params: {model: mock/m, %s}}\n"
    said = {"a": "num_retries: 1", "b": "max_retries: 3, num_retries: 2", "c": "max_retries: 3", "d": ""}
    routes = read(tmp_path, "model_list:\n" + "".join(entry % each for each in said.items())).routes.all
    assert [list(route.policy.retries_by_target.values()) for route in routes] == [[1], [2], [3], []]
    assert len({route.targets[0].id for route in routes}) == 1
