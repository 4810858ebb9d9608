"""JSON as form fields, both ways: `a[b]` for members, `a[]` for elements, as OpenAI's SDKs write them."""

from collections.abc import Callable, Iterable, Sequence

from streamedit.events import Json
from streamedit.wire import payloads

_MAX_DEPTH = 32


def flatten(name: str, value: Json) -> list[tuple[str, str]]:
    """A JSON field as form fields; null is left out."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [pair for key, member in value.items() for pair in flatten(f"{name}[{key}]", member)]
    if isinstance(value, list):
        return [pair for element in value for pair in flatten(f"{name}[]", element)]
    if isinstance(value, bool):
        return [(name, "true" if value else "false")]
    return [(name, str(value))]


def root_of(name: str) -> str:
    """The field that a form field is a part of: `a` of `a[b][]`."""
    return name.partition("[")[0]


def scalar(text: str) -> Json:
    """A text that is JSON by itself as that."""
    try:
        return payloads.loads(text.encode())
    except ValueError:
        return text


def unflatten(pairs: Iterable[tuple[str, str]], read: Callable[[str], Json] = scalar) -> dict[str, Json]:
    """Form fields as the JSON that they came from; `read` makes the value of a text.

    Elements that are objects cannot be told apart in a form: members of the same name begin a new one. Raises ValueError for
    names that contradict each other, or go too deep.
    """
    root: dict[str, Json] = {}
    for name, text in pairs:
        path = [part.removesuffix("]") for part in name.split("[")]
        if len(path) > _MAX_DEPTH:
            raise ValueError("it is nested too deep")
        _put(root, path, read(text))
    return root


def _put(place: dict[str, Json], path: Sequence[str], value: Json) -> None:
    name, *rest = path
    if not rest:
        place[name] = value
        return
    if rest[0]:
        _put(_inner(place, name, dict), rest, value)
        return
    elements = _inner(place, name, list)
    if len(rest) == 1:
        elements.append(value)
        return
    if not elements or rest[1] in elements[-1]:
        elements.append({})
    _put(elements[-1], rest[1:], value)


def _inner(place: dict[str, Json], name: str, kind: type) -> Json:
    inner = place.setdefault(name, kind())
    if not isinstance(inner, kind):
        raise ValueError(f"{name} is two things")
    return inner
