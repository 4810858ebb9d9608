"""The steps that must happen in Redis as one when edits are counted there, in its Lua.

Below the prefix: `requests:SCOPE` and `images:SCOPE` (sorted sets: each unit that was taken in the last minute, and until when
it counts), `slots:SCOPE` (a hash: how many there are, how many are taken), `waiting:SCOPE` (a sorted set: who waits for one,
and since when), `visit:ID` (a hash: an edit's scopes, its images, and where it waits) and `leases` (a sorted set: until when
the process that makes an edit has promised to be alive). Each key expires by itself. The clock is Redis' own, in microseconds.
Keys are made inside the scripts, so a cluster of several shards is not supported.

An outage of Redis breaks every promise at once. So when nobody was `heard` of for half a lease, all are `spared` for a whole
one.

Scopes come as JSON: `name`, and the limits `requests`, `images` and `slots`, of which 0 stands for none.
"""

_LEFTOVER_MS = 24 * 3600 * 1000
"""The life of what nobody gives back: of keys whose edits are all gone."""

_REAPED = 100
"""So many broken promises are dealt with in one step."""

_COMMON = """
local prefix, lease_us = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function is_full(scope)
  if scope.slots == 0 then return false end
  local known = redis.call('HMGET', prefix .. 'slots:' .. scope.name, 'slots', 'running')
  return tonumber(known[2] or 0) >= tonumber(known[1] or scope.slots)
end
local function narrowest(scopes)
  for i = #scopes, 1, -1 do
    if is_full(scopes[i]) then return scopes[i].name end
  end
  return ''
end
local function take(scopes, n)
  for _, scope in ipairs(scopes) do
    if scope.slots > 0 then
      redis.call('HSETNX', prefix .. 'slots:' .. scope.name, 'slots', scope.slots)
      redis.call('HINCRBY', prefix .. 'slots:' .. scope.name, 'running', n)
      redis.call('PEXPIRE', prefix .. 'slots:' .. scope.name, LEFTOVER)
    end
  end
end
local function forget(scopes)
  for _, scope in ipairs(scopes) do
    local slots = prefix .. 'slots:' .. scope.name
    if tonumber(redis.call('HGET', slots, 'running') or 0) <= 0 then redis.call('DEL', slots) end
  end
end
local function seat(id, scopes, since)
  local queue = narrowest(scopes)
  redis.call('HSET', prefix .. 'visit:' .. id, 'queue', queue)
  if queue == '' then
    take(scopes, 1)
  else
    redis.call('ZADD', prefix .. 'waiting:' .. queue, since, id)
    redis.call('PEXPIRE', prefix .. 'waiting:' .. queue, LEFTOVER)
  end
  return queue == ''
end
local function first_of(scopes)
  local found, queue, since
  for _, scope in ipairs(scopes) do
    local first = {}
    if scope.slots > 0 then first = redis.call('ZRANGE', prefix .. 'waiting:' .. scope.name, 0, 0, 'WITHSCORES') end
    if first[1] and (not found or tonumber(first[2]) < since) and not is_full(scope) then
      found, queue, since = first[1], scope.name, tonumber(first[2])
    end
  end
  return found, queue, since
end
local function go_on(scopes)
  local id, queue, since = first_of(scopes)
  while id do
    redis.call('ZREM', prefix .. 'waiting:' .. queue, id)
    local known = redis.call('HGET', prefix .. 'visit:' .. id, 'scopes')
    if known and seat(id, cjson.decode(known), since) then redis.call('PUBLISH', prefix .. 'granted', id) end
    id, queue, since = first_of(scopes)
  end
end
local function visit(id, text, images)
  redis.call('HSET', prefix .. 'visit:' .. id, 'scopes', text, 'images', images)
  redis.call('PEXPIRE', prefix .. 'visit:' .. id, LEFTOVER)
  redis.call('ZADD', prefix .. 'leases', now + lease_us, id)
  redis.call('PEXPIRE', prefix .. 'leases', LEFTOVER)
end
local function resize(scopes)
  for _, scope in ipairs(scopes) do
    if scope.slots > 0 then
      redis.call('HSET', prefix .. 'slots:' .. scope.name, 'slots', scope.slots)
      redis.call('PEXPIRE', prefix .. 'slots:' .. scope.name, LEFTOVER)
    end
  end
  go_on(scopes)
end
local function leave(id)
  local known = redis.call('HMGET', prefix .. 'visit:' .. id, 'scopes', 'queue')
  redis.call('DEL', prefix .. 'visit:' .. id)
  redis.call('ZREM', prefix .. 'leases', id)
  if not known[1] then return end
  local scopes = cjson.decode(known[1])
  if known[2] ~= '' then
    redis.call('ZREM', prefix .. 'waiting:' .. known[2], id)
  else
    take(scopes, -1)
    go_on(scopes)
    forget(scopes)
  end
end
local function reap()
  local was_heard = redis.call('SET', prefix .. 'heard', 1, 'PX', math.floor(lease_us / 2000), 'GET')
  if not was_heard then redis.call('SET', prefix .. 'spared', 1, 'PX', math.floor(lease_us / 1000)) end
  if redis.call('EXISTS', prefix .. 'spared') == 1 then return end
  local late = redis.call('ZRANGEBYSCORE', prefix .. 'leases', '-inf', now, 'LIMIT', 0, REAPED)
  for _, id in ipairs(late) do leave(id) end
end
local function units(id, n)
  local names = {}
  for i = 1, n do names[i] = id .. ':' .. i end
  return names
end
""".replace("LEFTOVER", str(_LEFTOVER_MS)).replace("REAPED", str(_REAPED))

_ENTER = """
local id, text, images = ARGV[3], ARGV[4], tonumber(ARGV[5])
local queue_size, window_us = tonumber(ARGV[6]), tonumber(ARGV[7])
local scopes = cjson.decode(text)
local amounts = {requests = 1, images = images}
local readings, is_refused = {}, false
reap()
for _, scope in ipairs(scopes) do
  for _, rate in ipairs({'requests', 'images'}) do
    local limit, amount = scope[rate], amounts[rate]
    if limit > 0 then
      local log = prefix .. rate .. ':' .. scope.name
      redis.call('ZREMRANGEBYSCORE', log, '-inf', now)
      local used, wait, reset = redis.call('ZCARD', log), 0, 0
      if used > 0 then reset = redis.call('ZRANGE', log, -1, -1, 'WITHSCORES')[2] - now end
      local over = used + amount - limit
      if amount > limit then wait = -1
      elseif over > 0 then wait = redis.call('ZRANGE', log, over - 1, over - 1, 'WITHSCORES')[2] - now end
      is_refused = is_refused or wait ~= 0
      for _, each in ipairs({used, wait, reset}) do table.insert(readings, each) end
    end
  end
end
if is_refused then return {'refused', readings} end
resize(scopes)
local queue = narrowest(scopes)
if queue ~= '' and redis.call('ZCARD', prefix .. 'waiting:' .. queue) >= queue_size then
  local first = redis.call('ZRANGE', prefix .. 'waiting:' .. queue, 0, 0, 'WITHSCORES')
  return {'full', readings, first[2] and now - first[2] or -1}
end
for _, scope in ipairs(scopes) do
  for _, rate in ipairs({'requests', 'images'}) do
    if scope[rate] > 0 then
      local log, parts = prefix .. rate .. ':' .. scope.name, {}
      for _, name in ipairs(units(id, amounts[rate])) do
        table.insert(parts, now + window_us)
        table.insert(parts, name)
      end
      redis.call('ZADD', log, unpack(parts))
      redis.call('PEXPIRE', log, math.ceil(window_us / 1000))
    end
  end
end
visit(id, text, images)
seat(id, scopes, now)
return {'entered', readings, queue}
"""

_LEAVE = """
local id, is_counted = ARGV[3], ARGV[4] == '1'
local known = redis.call('HMGET', prefix .. 'visit:' .. id, 'scopes', 'images')
if known[1] and not is_counted then
  for _, scope in ipairs(cjson.decode(known[1])) do
    if scope.requests > 0 then redis.call('ZREM', prefix .. 'requests:' .. scope.name, id .. ':1') end
    if scope.images > 0 then redis.call('ZREM', prefix .. 'images:' .. scope.name, unpack(units(id, tonumber(known[2])))) end
  end
end
leave(id)
return false
"""

_RENEW = """
local states = {}
for i = 3, #ARGV do
  local queue = redis.call('HGET', prefix .. 'visit:' .. ARGV[i], 'queue')
  if queue then redis.call('ZADD', prefix .. 'leases', now + lease_us, ARGV[i]) end
  states[i - 2] = not queue and 'gone' or queue == '' and 'running' or 'waiting'
end
reap()
return states
"""

_RESTORE = """
local id, text, images, is_running = ARGV[3], ARGV[4], ARGV[5], ARGV[6] == '1'
if redis.call('EXISTS', prefix .. 'visit:' .. id) == 1 then return false end
local scopes = cjson.decode(text)
resize(scopes)
visit(id, text, images)
if is_running then
  redis.call('HSET', prefix .. 'visit:' .. id, 'queue', '')
  take(scopes, 1)
elseif seat(id, scopes, now) then
  redis.call('PUBLISH', prefix .. 'granted', id)
end
return false
"""

ENTER, LEAVE, RENEW, RESTORE = (_COMMON + script for script in (_ENTER, _LEAVE, _RENEW, _RESTORE))
