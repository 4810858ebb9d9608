"""Other ways to put something in front of an image stream: gateways, and what one writes oneself. Made when asked for."""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from .environments import FOLDER, node_folder, virtual_environment
from .footprints import Footprint, node_modules, python_packages
from .relays import Relay, Site

_SERVER = ("starlette==1.10.0", "sse-starlette==3.7.0", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0")
_ALONE = (*_SERVER, "httpx==0.28.1", "httpx-aiohttp==0.2.0", "aiohttp==3.14.5")
_OBVIOUS = (*_SERVER, "httpx==0.28.1", "httpx-sse==0.4.3", "python-multipart==0.0.34")
_LITELLM = (
    "litellm[proxy]==1.106.2",
    "aiohttp==3.14.5",
    "fastapi==0.165.0",
    "httpx==0.28.1",
    "openai==2.54.0",
    "python-multipart==0.0.34",
    "starlette==1.10.0",
    "uvicorn==0.54.0",
    "uvloop==0.23.0",
)
# left to itself npm takes a newer @hono/node-server, with which this gateway answers 500 to every streamed edit
_PORTKEY = ("@portkey-ai/gateway@1.15.2", "hono@4.9.7", "@hono/node-server@1.13.5", "@hono/node-ws@1.2.0")


# -- programs of one file --


def _python(folder: str) -> str:
    return str(FOLDER / folder / "bin/python")


def _written(name: str, source: str, packages: Sequence[str]) -> Relay:
    """A relay that is one file beside this one, run as `python FILE PORT UPSTREAM`."""
    script = str(Path(__file__).with_name(source).absolute())
    return Relay(
        name,
        partial(shutil.which, _python(name)),
        lambda program, site: [program, script, str(site.port), site.upstream],
        version=_versions(name, packages),
        hint="--peers",
        footprint=partial(python_packages, FOLDER / name, *(package.partition("==")[0] for package in packages)),
        install=partial(virtual_environment, FOLDER / name, packages),
        plain=False,
    )


def _versions(folder: str, packages: Sequence[str]) -> Sequence[str]:
    return [_python(folder), "-c", f"import platform; print({' '.join(packages)!r}, 'on Python', platform.python_version())"]


# -- Portkey's gateway --


def _portkey_command(program: str, site: Site) -> Sequence[str]:
    server = FOLDER / "portkey/node_modules/@portkey-ai/gateway/build/start-server.js"
    return [program, str(server), f"--port={site.port}", "--headless"]


def _portkey_headers(site: Site) -> Mapping[str, str]:
    return {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{site.upstream}/v1"}


def _portkey_footprint() -> Footprint:
    return node_modules(FOLDER / "portkey", Path(shutil.which("node") or "node"))


_PORTKEY_RELAY = Relay(
    "portkey",
    partial(shutil.which, "node"),
    _portkey_command,
    version=["node", "-p", f"{' '.join(_PORTKEY)!r} + ' on node ' + process.version"],
    hint="apt-get install nodejs npm",
    footprint=_portkey_footprint,
    ready="/",
    headers=_portkey_headers,
    # the upstream's certificate is the bench's own
    environment={"NODE_ENV": "production", "NODE_TLS_REJECT_UNAUTHORIZED": "0"},
    install=partial(node_folder, FOLDER / "portkey", _PORTKEY),
)

# -- LiteLLM's proxy --


def _litellm_command(program: str, site: Site) -> Sequence[str]:
    config = site.folder / "litellm.yaml"
    config.write_text(f"""model_list:
  - model_name: bench
    litellm_params:
      model: openai/gpt-image-1
      api_base: {site.upstream}/v1
      api_key: none
litellm_settings:
  ssl_verify: false
  telemetry: false
""")
    proxy = str(Path(program).with_name("litellm"))
    return [program, proxy, "--config", str(config), "--host", "127.0.0.1", "--port", str(site.port)]


_LITELLM_RELAY = Relay(
    "litellm",
    partial(shutil.which, _python("litellm")),
    _litellm_command,
    version=_versions("litellm", _LITELLM),
    hint="--peers",
    footprint=partial(python_packages, FOLDER / "litellm", "litellm[proxy]"),
    ready="/health/readiness",
    ready_s=120.0,
    # or it would fetch its price list before it answers, and want a key, which the bench does not check anywhere
    environment={"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"},
    install=partial(virtual_environment, FOLDER / "litellm", _LITELLM),
    streams=False,
)

PEERS = [
    _written("packages-alone", "libraries.py", _ALONE),
    _written("obvious", "obvious.py", _OBVIOUS),
    _PORTKEY_RELAY,
    _LITELLM_RELAY,
]
