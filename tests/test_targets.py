"""Where a model can be had: what is told of it, and what is not."""

import pytest

from streamedit.targets import Limits, Setup, Target


def test_a_target_does_not_show_its_key() -> None:
    """A target may be logged: neither its key nor its extra headers are in its representation."""
    target = Target("openai", "m", "sk-secret", "http://upstream", {"extra_headers": {"authorization": "secret"}})
    assert "secret" not in repr(target)


def test_a_target_knows_its_secrets() -> None:
    """Key, headers and every parameter with a secret's name; too short ones are none."""
    params = {
        "aws_secret_access_key": "aws-secret",
        "vertex_project": "project",
        "token": "short",
        "extra_headers": {"x": "header-1"},
    }
    assert set(Target("p", "m", "sk-secret", params=params).secrets) == {"sk-secret", "aws-secret", "header-1"}


@pytest.mark.parametrize(("timeout", "seconds"), [(30, 30.0), (0.5, 0.5), (0, None), ("30", None), (None, None)])
def test_a_target_has_its_own_bound(timeout: object, seconds: float | None) -> None:
    """LiteLLM's `timeout`, in seconds."""
    assert Target("p", "m", params={"timeout": timeout}).timeout_s == seconds


def test_the_environment_fills_what_the_configuration_leaves_open() -> None:
    """The first variable that is set; the configuration goes first, and what nobody says is not there."""
    setup = Setup({"api_key": ("A_KEY", "B_KEY"), "api_base": ("BASE",), "region": ("REGION",), "zone": ("ZONE",)})
    environ = {"A_KEY": "", "B_KEY": "b", "BASE": "http://b", "REGION": "eu", "ZONE": ""}
    assert setup.completed(Target("p", "m"), environ) == Target("p", "m", "b", "http://b", {"region": "eu"})
    given = Target("p", "m", "own", "http://own", {"region": "us", "zone": None})
    assert setup.completed(given, environ) == Target("p", "m", "own", "http://own", {"region": "us"})


def test_a_parameter_is_text_or_nothing() -> None:
    """Empty ones are as if not there."""
    target = Target("p", "m", params={"a": 1, "b": "", "c": None})
    assert [target.text(name) for name in "abcd"] == ["1", None, None, None]


@pytest.mark.parametrize(("order", "number"), [(1, 1.0), (0, 0.0), (None, float("inf")), ("1", float("inf"))])
def test_a_target_without_an_order_comes_last(order: object, number: float) -> None:
    """As with LiteLLM: those that have one go first, the lowest of them."""
    assert Target("p", "m", params={"order": order}).order == number


def test_a_target_has_limits() -> None:
    """By LiteLLM's names; none where none is configured."""
    params = {"rpm": 5, "tpm": 1000, "max_parallel_requests": 2}
    assert Target("p", "m", params=params).limits == Limits(5, 1000, 2)
    assert Target("p", "m").limits == Limits(None, None, None)


@pytest.mark.parametrize(
    ("base", "model"),
    [(None, "my-deployment"), ("azure/gpt-image-2", "gpt-image-2"), ("gpt-image-2", "gpt-image-2"), ("", "my-deployment")],
)
def test_a_deployment_tells_its_model(base: str | None, model: str) -> None:
    """LiteLLM's `base_model`, with the provider or without."""
    assert Target("azure", "my-deployment", params={"base_model": base}).base_model == model


@pytest.mark.parametrize(
    ("api_base", "address"),
    [
        ("https://user:pass@api.example/v1?key=k", ("api.example", 443)),
        ("http://127.0.0.1:8080/v1", ("127.0.0.1", 8080)),
        (None, (None, None)),
        ("http://[broken", (None, None)),
    ],
)
def test_an_address_is_a_host_and_a_port(api_base: str | None, address: tuple[str | None, int | None]) -> None:
    """Nothing else of what may be secret in a URL; without one nothing is known."""
    assert Target("openai", "m", api_base=api_base).address == address
