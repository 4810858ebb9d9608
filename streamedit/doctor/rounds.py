"""Visits whom a configuration needs, side by side, each within seconds. Nobody is asked for anything that costs money."""

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import urlsplit

from streamedit import databases
from streamedit.config import ServerSettings, Settings
from streamedit.doctor.facts import Facts, Visit
from streamedit.errors import StoreUnavailable
from streamedit.providers import xai
from streamedit.providers.black_forest_labs import black_forest_labs
from streamedit.providers.fal import request as fal
from streamedit.providers.google import gemini, vertex
from streamedit.providers.openai import openai, responses
from streamedit.providers.openrouter import http as openrouter
from streamedit.providers.recraft import recraft
from streamedit.providers.stability import stability
from streamedit.stores.sql.inspection import Inspection, inspect

_VISIT_S = 3.0

_SWEPT_S = 120.0
"""A server that runs has settled, or let lapse, what is older."""

_BASES: Mapping[str, str] = {
    "black_forest_labs": black_forest_labs.API_BASE,
    "fal_ai": fal.API_BASE,
    "gemini": gemini.API_BASE,
    "openai": openai.API_BASE,
    "openai_responses": responses.API_BASE,
    "openrouter": openrouter.API_BASE,
    "recraft": recraft.API_BASE,
    "stability": stability.API_BASE,
    "vertex_ai": f"https://{vertex.HOST}",
    "xai": xai.API_BASE,
}
"""Where providers are when the configuration does not say so. Bedrock has an address for each region."""

_STATUS = re.compile(r"status code: ([0-9]{3})")

_BUCKETS_STATUS = {"401": "it does not let us in", "403": "it does not let us in", "404": "there is no such bucket"}

_Address: TypeAlias = tuple[str, int, bool]
"""Host, port, and whether it speaks TLS."""


async def made(settings: Settings, facts: Facts, within_s: float = _VISIT_S) -> Facts:
    """The facts, with who could be reached in time, and with what the database says."""
    async with asyncio.TaskGroup() as tasks:
        database = tasks.create_task(_inspected(settings.server, facts.now_s))
        redis = tasks.create_task(_redis(settings.server, within_s))
        bucket = tasks.create_task(_bucket(settings.server, within_s))
        hosts = [tasks.create_task(_host(address, within_s)) for address in _addresses(settings)]
    visit, inspection = database.result()
    visits = [*visit, *redis.result(), *bucket.result(), *(host.result() for host in hosts)]
    return replace(facts, visits=visits, database=inspection)


async def _inspected(server: ServerSettings, now_s: float) -> tuple[Sequence[Visit], Inspection | None]:
    if server.database_url is None:
        return (), None
    name = f"the database, {databases.shown(server.database_url)},"
    path = databases.place_of(server.database_url).path
    if path is not None and not path.exists():
        # The first start makes it. A look would, too.
        return (), None
    try:
        return [Visit(name)], await inspect(server.database_url, now_s - _SWEPT_S)
    except (StoreUnavailable, OSError) as error:
        lacks = "it does not answer as one" if isinstance(error, StoreUnavailable) else str(error.strerror)
        return [Visit(name, lacks, is_needed=True)], None


async def _redis(server: ServerSettings, within_s: float) -> Sequence[Visit]:
    if server.redis_url is None:
        return ()
    from streamedit.stores.reach import knock  # noqa: PLC0415 - an optional extra

    name = f"Redis at {urlsplit(server.redis_url).hostname or 'a socket'}"
    try:
        await knock(server.redis_url, within_s)
    except StoreUnavailable:
        return [Visit(name, "it does not answer, or not to this password", is_needed=True)]
    return [Visit(name)]


async def _bucket(server: ServerSettings, within_s: float) -> Sequence[Visit]:
    kept = server.storage.bucket
    if kept is None:
        return ()
    from streamedit.stores.blobs.bucket import BucketBlobs  # noqa: PLC0415 - an optional extra
    from streamedit.stores.blobs.client import Bucket  # noqa: PLC0415

    name = f"the bucket {kept.name} at {urlsplit(kept.endpoint or '').hostname or 'its provider'}"
    try:
        async with BucketBlobs(Bucket(kept, within_s)).serving():
            return [Visit(name)]
    except StoreUnavailable as error:
        return [Visit(name, _told(error.__cause__, within_s), is_needed=True)]


def _told(cause: BaseException | None, within_s: float) -> str:
    """What kept a bucket away. obstore tells a status in its text alone, which has more in it than is to be shown."""
    if isinstance(cause, TimeoutError):
        return f"no answer in {within_s:g} s"
    status = _STATUS.search(str(cause))
    return _BUCKETS_STATUS.get(status[1] if status else "", "it does not answer as one")


async def _host(address: _Address, within_s: float) -> Visit:
    host, port, has_tls = address
    name = f"{host}:{port}"
    try:
        async with asyncio.timeout(within_s):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context() if has_tls else None)
        writer.transport.abort()
    except TimeoutError:
        return Visit(name, f"no answer in {within_s:g} s")
    except ssl.SSLCertVerificationError as error:
        return Visit(name, f"its certificate is not good: {error.verify_message}")
    except ssl.SSLError:
        return Visit(name, "it does not speak TLS")
    except socket.gaierror:
        return Visit(name, "nobody knows this name")
    except OSError as error:
        return Visit(name, error.strerror or "the connection failed")
    return Visit(name)


def _addresses(settings: Settings) -> Sequence[_Address]:
    """The providers', each once."""
    targets = [target for route in settings.routes.all for target in route.targets]
    bases = [target.api_base or _BASES.get(target.provider) for target in targets]
    found = [_address(base) for base in bases if base]
    return list(dict.fromkeys(filter(None, found)))


def _address(base: str) -> _Address | None:
    try:
        parts = urlsplit(base)
        port = parts.port
    except ValueError:
        return None
    has_tls = parts.scheme == "https"
    return (parts.hostname, port or (443 if has_tls else 80), has_tls) if parts.hostname else None
