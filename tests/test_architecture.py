"""The house: imports go down only, each third-party package has one home, and there is one broad `except`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "streamedit"

LAYERS = [
    ["version", "errors", "clocks", "turns", "writes", "files", "uploads", "contents", "edits", "events"],
    ["failures", "targets", "health", "strategies", "routing", "routes"],
    ["budgets", "limits", "parties", "allowances", "overdrafts", "permissions", "usage", "sheets"],
    [
        "images",
        "decoders",
        "keys",
        "documents",
        "databases",
        "pricing",
        "worst_cases",
        "idempotency",
        "sinks",
        "keywords",
        "standards",
        "image_urls",
        "guard",
        "storage",
        "litellm_file",
        "environment",
        "config",
        "wire",
        "portkey",
    ],
    ["darkroom"],
    ["outcomes", "records", "metrics", "telemetry", "tally", "webhooks", "traces"],
    ["stores", "upstream"],
    ["deliveries", "moderation", "registrar", "fetching", "filing", "results", "janitor"],
    ["inputs"],
    ["providers"],
    ["attempt", "tracker"],
    ["account"],
    ["walk"],
    ["dispatch"],
    ["hosting"],
    ["permits", "claims"],
    ["admission"],
    ["producer"],
    ["gateway"],
    ["web"],
    ["sources", "reloads", "depot", "equipment"],
    ["workshop"],
    ["house"],
    ["app", "sdk"],
    ["__init__"],
    ["connections", "serving", "doctor"],
    ["cli", "__main__"],
]
"""Bottom first. A module imports from its own layer, from its own folder, or from below; `streamedit` itself is the SDK."""

HOMES = {
    "starlette": ("web", "app", "serving.py"),
    "sse_starlette": ("web/sse.py",),
    "httpx": (
        "upstream/reply.py",
        "upstream/connection.py",
        "upstream/transport.py",
        "upstream/client.py",
        "guard.py",
        "fetching.py",
        "cli/editing",
    ),
    "httptools": ("upstream/reply.py", "connections.py"),
    "aiohappyeyeballs": ("upstream/transport.py",),
    "uvicorn": ("serving.py", "connections.py"),
    "typer": ("cli",),
    "rich": ("cli",),
    "sqlalchemy": ("stores/sql", "databases.py"),
    "alembic": ("stores/sql/database.py", "stores/sql/migrations"),
    "yaml": ("documents.py",),
    "pydantic": (
        "config.py",
        "allowances.py",
        "litellm_file",
        "sinks.py",
        "standards.py",
        "image_urls.py",
        "storage.py",
        "wire",
        "portkey",
        "web/openapi.py",
        "providers/mock.py",
        "sdk/models.py",
    ),
    "python_multipart": ("wire",),
    "pybase64": ("wire", "providers"),
    "prometheus_client": ("metrics.py",),
    "structlog": (
        "telemetry.py",
        "deliveries.py",
        "hosting.py",
        "janitor.py",
        "reloads.py",
        "app.py",
        "house.py",
        "sdk",
        "depot.py",
        "equipment.py",
        "serving.py",
        "stores/outbox.py",
        "stores/sql/ledger.py",
    ),
    "opentelemetry": ("traces.py",),
    "obstore": ("stores/blobs",),
    "botocore": ("providers/bedrock/aws.py",),
    "google": ("providers/google/tokens.py",),
    "websockets": ("providers/comfyui/socket.py",),
    "pi_heif": ("decoders.py",),
    "cv2": ("darkroom",),
    "numpy": ("darkroom",),
    "PIL": ("cli/previews", "decoders.py", "darkroom", "providers/mock.py", "providers/pixels.py"),
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def _layer_of(module: str) -> int:
    return next(height for height, names in enumerate(LAYERS) if module in names)


def _imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [alias.name for alias in node.names] if node.module == "streamedit" else []
            yield from ([f"streamedit.{name}" for name in names] or [str(node.module)])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    """No module knows one that is above it."""
    own = _top(str(path.relative_to(PACKAGE)))
    for name in _imports_of(path):
        if not name.startswith("streamedit."):
            continue
        below = name.split(".")[1]
        assert below == own or _layer_of(below) <= _layer_of(own), f"{own} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_third_parties_stay_at_home(path: Path) -> None:
    """Replacing a library is a change of one module or folder."""
    where = str(path.relative_to(PACKAGE))
    for name in _imports_of(path):
        homes = HOMES.get(name.split(".")[0])
        if homes is not None:
            assert any(home == _top(where) or where == home or where.startswith(f"{home}/") for home in homes), (
                f"{where}: {name}"
            )


def test_there_are_no_cycles() -> None:
    """Every module can be read after the modules that it imports."""
    modules = {_name_of(path): set(_internal(path)) for path in MODULES}
    while modules:
        leaves = {name for name, needed in modules.items() if not needed & set(modules) - {name}}
        assert leaves, f"in a cycle: {sorted(modules)}"
        modules = {name: needed for name, needed in modules.items() if name not in leaves}


def test_one_broad_except() -> None:
    """Only the producer's runner may catch everything."""
    broad = [
        f"{path.relative_to(PACKAGE)}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]
    assert broad == ["producer.py"]


def test_nothing_else_at_the_top() -> None:
    """The top level of the project is fixed."""
    allowed = {"pyproject.toml", "README.md", "streamedit", "tests", "scripts", ".ci", ".gitignore", ".git"}
    ignored = {".venv", ".cache", "build", "dist", *(f".{tool}_cache" for tool in ("mypy", "ruff", "pytest")), ".hypothesis"}
    assert {path.name for path in PACKAGE.parent.iterdir()} <= allowed | ignored


def _internal(path: Path) -> Iterator[str]:
    """The modules of this package that a module imports; of `from package import name`, the module `name` if there is one."""
    names = {_name_of(module) for module in MODULES}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("streamedit"):
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & names
            yield from inner or {str(node.module)}


def _name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def _top(where: str) -> str:
    """The module or folder right below the package."""
    return where.partition("/")[0].removesuffix(".py")
