"""What Redis holds of edits, and the steps that must happen there as one.

Below the prefix: `edit:ID` (a hash: meta, last event id, whether it has ended, whether it is to be cancelled), `events:ID` (a
stream whose entry `0-N` is event N), `payload:ID:N`, `claim:KEY`, and `running` (a sorted set: until when the process that
makes an edit has promised to be alive). Each key expires by itself. The clock is Redis' own. Keys are made inside the scripts,
so a cluster of several shards is not supported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from streamedit.idempotency import Claim

Answer: TypeAlias = Any
"""What a script gives back."""

_LEFTOVER_MS = 24 * 3600 * 1000
"""How long is remembered that an edit was there, that a key was claimed; and the life of what nobody ends."""

_COMMON = """
local prefix = ARGV[1]
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function promise(id, lease_ms)
  redis.call('ZADD', prefix .. 'running', now() + lease_ms, id)
  redis.call('PEXPIRE', prefix .. 'running', LEFTOVER)
end
local function add(id, n, event, last, retention_ms)
  local edit, events = prefix .. 'edit:' .. id, prefix .. 'events:' .. id
  redis.call('XADD', events, '0-' .. n, 'event', event)
  redis.call('HSET', edit, 'last', n)
  if last then
    redis.call('HSET', edit, 'ended', now())
    redis.call('ZREM', prefix .. 'running', id)
    redis.call('PEXPIRE', events, retention_ms)
    for i = 1, n do redis.call('PEXPIRE', prefix .. 'payload:' .. id .. ':' .. i, retention_ms) end
  else
    redis.call('PEXPIRE', events, LEFTOVER)
  end
  redis.call('PEXPIRE', edit, LEFTOVER)
  redis.call('PUBLISH', prefix .. 'grown', id)
end
""".replace("LEFTOVER", str(_LEFTOVER_MS))

_CREATE = """
local id, meta, lease_ms, claim, claimed = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if claim ~= '' then
  local known = redis.call('GET', prefix .. 'claim:' .. claim)
  if known and known ~= claimed then return known end
  redis.call('SET', prefix .. 'claim:' .. claim, claimed, 'PX', LEFTOVER)
end
local edit = prefix .. 'edit:' .. id
if redis.call('EXISTS', edit) == 0 then
  redis.call('DEL', prefix .. 'events:' .. id)
  redis.call('HSET', edit, 'meta', meta, 'last', 0)
  redis.call('PEXPIRE', edit, LEFTOVER)
end
promise(id, lease_ms)
return false
""".replace("LEFTOVER", str(_LEFTOVER_MS))

_APPEND = """
local id, n, event, last, lease_ms, retention_ms = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1', ARGV[6], ARGV[7]
local state = redis.call('HMGET', prefix .. 'edit:' .. id, 'last', 'ended')
if not state[1] then return 'missing' end
local behind = tonumber(state[1])
if n <= behind then
  local known = redis.call('XRANGE', prefix .. 'events:' .. id, '0-' .. n, '0-' .. n)[1]
  if known and known[2][2] == event then return 'ok' end
  return 'ended'
end
if state[2] then return 'ended' end
if n > behind + 1 then return 'missing' end
promise(id, lease_ms)
add(id, n, event, last, retention_ms)
return 'ok'
"""

_RENEW = """
local states = {}
for i = 3, #ARGV do
  local state = redis.call('HMGET', prefix .. 'edit:' .. ARGV[i], 'last', 'ended', 'cancel')
  if not state[1] then states[i - 2] = 'missing'
  elseif state[2] then states[i - 2] = 'ended'
  else
    promise(ARGV[i], ARGV[2])
    states[i - 2] = state[3] and 'cancel' or 'ok'
  end
end
return states
"""

_LATE = """
return redis.call('ZRANGEBYSCORE', prefix .. 'running', '-inf', now(), 'WITHSCORES', 'LIMIT', 0, 1000)
"""

_INTERRUPT = """
local id, promised, event, retention_ms = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local score = redis.call('ZSCORE', prefix .. 'running', id)
if not score or tonumber(score) ~= tonumber(promised) then return false end
local state = redis.call('HMGET', prefix .. 'edit:' .. id, 'last', 'ended')
redis.call('ZREM', prefix .. 'running', id)
if state[1] and not state[2] then add(id, state[1] + 1, event, true, retention_ms) end
return false
"""

_CANCEL = """
local edit = prefix .. 'edit:' .. ARGV[2]
if redis.call('EXISTS', edit) == 1 then redis.call('HSET', edit, 'cancel', 1) end
return false
"""

_UNCLAIM = """
local key = prefix .. 'claim:' .. ARGV[2]
if redis.call('GET', key) == ARGV[3] then redis.call('DEL', key) end
return false
"""


@dataclass(frozen=True, slots=True)
class Found:
    """An edit as Redis has it. `left_ms`: how long its events are still kept, -2 when they are not (Redis' PTTL)."""

    meta: bytes
    last_id: int
    ended: bool
    left_ms: int


class Keyspace:
    """The edits of one prefix. Every method is one step, and raises what redis-py raises."""

    def __init__(self, client: "Redis", prefix: str, retention_s: float, lease_s: float) -> None:
        self._client = client
        self._prefix = prefix
        self._retention_ms = max(1, int(retention_s * 1000))
        self._lease_ms = int(lease_s * 1000)
        scripts = (_CREATE, _APPEND, _RENEW, _LATE, _INTERRUPT, _CANCEL, _UNCLAIM)
        made = (client.register_script(_COMMON + script) for script in scripts)
        self._create, self._append, self._renew, self._late, self._interrupt, self._cancel, self._unclaim = made

    async def create(self, edit_id: str, meta: bytes, claim: Claim | None) -> tuple[str, bytes] | None:
        """Begin an edit; else the id and the fingerprint that hold the claim. Doing it again changes nothing."""
        key = claim.key.hex() if claim else ""
        claimed = _claimed(claim, edit_id) if claim else ""
        known = await self._create(args=[self._prefix, edit_id, meta, self._lease_ms, key, claimed])
        return None if known is None else _holder(known)

    async def claimed(self, claim: Claim) -> tuple[str, bytes] | None:
        """The id and the fingerprint that hold a claim's key."""
        known: Answer = await self._client.get(f"{self._prefix}claim:{claim.key.hex()}")
        return None if known is None else _holder(known)

    async def unclaim(self, claim: Claim, edit_id: str) -> None:
        """The claim's key is free again, if that edit holds it."""
        await self._unclaim(args=[self._prefix, claim.key.hex(), _claimed(claim, edit_id)])

    async def append(self, edit_id: str, n: int, event: bytes, content: bytes | None, *, last: bool) -> str:
        """Event `n`: ok, also when it is there already; ended; missing, when what is before it is not there."""
        if content is not None:
            await self._client.set(self._payload(edit_id, n), content, px=_LEFTOVER_MS)
        bounds = (self._lease_ms, self._retention_ms)
        return str((await self._append(args=[self._prefix, edit_id, n, event, int(last), *bounds])).decode())

    async def renew(self, edit_ids: Sequence[str]) -> Sequence[str]:
        """Promise to be alive; for each edit: ok, cancel, ended or missing."""
        return [state.decode() for state in await self._renew(args=[self._prefix, self._lease_ms, *edit_ids])]

    async def late(self) -> dict[str, float]:
        """The edits whose processes have broken their promise, and when that was due."""
        flat = await self._late(args=[self._prefix])
        return {edit_id.decode(): float(due) for edit_id, due in zip(flat[::2], flat[1::2], strict=True)}

    async def interrupt(self, edit_id: str, due: float, event: bytes) -> None:
        """End an edit with `event`, unless its process has been heard of since."""
        await self._interrupt(args=[self._prefix, edit_id, repr(due), event, self._retention_ms])

    async def request_cancel(self, edit_id: str) -> None:
        await self._cancel(args=[self._prefix, edit_id])

    async def find(self, edit_id: str) -> Found | None:
        async with self._client.pipeline(transaction=True) as both:
            both.hmget(self._prefix + "edit:" + edit_id, ["meta", "last", "ended"])
            both.pttl(self._prefix + "events:" + edit_id)
            (meta, last, ended), left_ms = await both.execute()
        return Found(meta, int(last), ended is not None, left_ms) if meta is not None else None

    async def behind(self, edit_id: str, after: int) -> Sequence[tuple[int, bytes]]:
        """Ids and texts of the events behind `after`, a few at a time."""
        entries: Answer = await self._client.xrange(self._prefix + "events:" + edit_id, f"0-{after + 1}", "+", count=16)
        return [(int(entry_id.partition(b"-")[2]), fields[b"event"]) for entry_id, fields in entries]

    async def content(self, edit_id: str, n: int) -> bytes | None:
        """An event's JSON; None when it is not there any more."""
        data: Answer = await self._client.get(self._payload(edit_id, n))
        return bytes(data) if data is not None else None

    def growth(self) -> PubSub:
        """Where the ids of edits are told that have one event more."""
        return self._client.pubsub(ignore_subscribe_messages=True)

    @property
    def growth_channel(self) -> str:
        return f"{self._prefix}grown"

    def _payload(self, edit_id: str, n: int) -> str:
        return f"{self._prefix}payload:{edit_id}:{n}"


def _claimed(claim: Claim, edit_id: str) -> str:
    return f"{edit_id} {claim.fingerprint.hex()}"


def _holder(known: bytes) -> tuple[str, bytes]:
    holder, _, fingerprint = known.decode().partition(" ")
    return holder, bytes.fromhex(fingerprint)
