"""What Redis runs for the store: one script for one round trip.

The data, in each of the partitions that conversations are spread over:

| key             | kind       | holds                                               |
|-----------------|------------|-----------------------------------------------------|
| `…:c:<chat id>` | hash       | `b` body, `r` revision, `s` status, `w` wake_at,    |
|                 |            | `e` expires_at, `t` token, `l` leased until         |
| `…:held`        | sorted set | chat ids of those that have a `w`, by `l`           |
| `…:due`         | sorted set | chat ids by `w`                                     |
| `…:expiry`      | sorted set | chat ids by `e`                                     |
| `…:status`      | hash       | the status of each chat id                          |
| `…:by-status`   | sorted set | status and chat id, in the order of their bytes     |

A claim of what is not there leaves a hash with `t` and `l` only, which Redis lets expire.

Every key that a script touches is handed to it, and all of them are of one partition, so they
share a slot of a Redis Cluster. Times come and go as texts of full precision, "" for none; Lua
turns them into numbers only to compare them.
"""

from __future__ import annotations

import hashlib
from typing import Final


class Script:
    """A Lua script, and the name under which a server keeps it.

    Args:
        text: the script.
    """

    __slots__ = ("sha", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text.encode()
        self.sha: Final = hashlib.sha1(self.text, usedforsecurity=False).hexdigest().encode()


# KEYS: c, held. ARGV: chat id, now, leased until, token, ms until a placeholder expires.
# Answers [body, revision], or the end of the lease that is in the way.
CLAIM = Script("""
local c = redis.call('HMGET', KEYS[1], 'l', 'e', 'b', 'r', 'w')
local now = tonumber(ARGV[2])
if c[1] and c[1] ~= '' and tonumber(c[1]) > now then
  return c[1]
end
local expired = c[2] and c[2] ~= '' and tonumber(c[2]) <= now
if expired then
  redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], 't', ARGV[4], 'l', ARGV[3])
if expired or not c[3] then
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  return {false, '0'}
end
if c[5] ~= '' then
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
end
if c[2] ~= '' and redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
return {c[3], c[4]}
""")

# KEYS: c, held, due, expiry, status, by-status.
# ARGV: chat id, token, revision, new revision, body, status, wake_at, expires_at, leased until
# ("" gives the lease back), ms until it expires.
# Answers 1, or 0 where the claim was lost. A conversation that had no status is new, or comes
# after one that expired, of which the indexes may still know.
COMMIT = Script("""
local c = redis.call('HMGET', KEYS[1], 't', 'r', 's', 'w', 'e')
if c[1] ~= ARGV[2] or (c[2] or '0') ~= ARGV[3] then
  return 0
end
local id, status, wake, expires, leased = ARGV[1], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local new = not c[3]
redis.call('HSET', KEYS[1], 'b', ARGV[5], 'r', ARGV[4], 's', status, 'w', wake, 'e', expires,
  't', leased ~= '' and ARGV[2] or '', 'l', leased)
if new or c[3] ~= status then
  local old = c[3] or redis.call('HGET', KEYS[5], id)
  if old then
    redis.call('ZREM', KEYS[6], #old .. ':' .. old .. id)
  end
  redis.call('HSET', KEYS[5], id, status)
  redis.call('ZADD', KEYS[6], 0, #status .. ':' .. status .. id)
end
if wake ~= '' then
  if c[4] ~= wake then
    redis.call('ZADD', KEYS[3], wake, id)
  end
elseif new or c[4] ~= '' then
  redis.call('ZREM', KEYS[3], id)
end
if wake ~= '' and leased ~= '' then
  redis.call('ZADD', KEYS[2], leased, id)
elseif new or c[4] ~= '' then
  redis.call('ZREM', KEYS[2], id)
end
if expires ~= '' then
  if c[5] ~= expires then
    redis.call('ZADD', KEYS[4], expires, id)
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[10])
elseif new or c[5] ~= '' then
  redis.call('ZREM', KEYS[4], id)
  redis.call('PERSIST', KEYS[1])
end
return 1
""")

# KEYS: c, held, due. ARGV: chat id, token.
# What was lent without a body goes, and with it what made it due.
RELEASE = Script("""
local c = redis.call('HMGET', KEYS[1], 't', 'b', 'w')
if c[1] ~= ARGV[2] then
  return 0
end
if not c[2] then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
else
  redis.call('HSET', KEYS[1], 't', '', 'l', '')
end
if c[3] ~= '' then
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return 1
""")

_FORGET = """
local function forget()
  local status = redis.call('HGET', KEYS[5], ARGV[1])
  if status then
    redis.call('HDEL', KEYS[5], ARGV[1])
    redis.call('ZREM', KEYS[6], #status .. ':' .. status .. ARGV[1])
  end
  for key = 2, 4 do
    redis.call('ZREM', KEYS[key], ARGV[1])
  end
end
"""

# KEYS: c, held, due, expiry, status, by-status. ARGV: chat id.
# Answers whether there was one.
DELETE = Script(
    _FORGET
    + """
local there = redis.call('HEXISTS', KEYS[1], 'b')
redis.call('DEL', KEYS[1])
forget()
return there
"""
)

# KEYS: c, held, due, expiry, status, by-status. ARGV: chat id, now.
# Removes what has expired, or what the indexes name and is not there. Looks again first: it may
# have been committed, or claimed, since it was found.
CLEAN = Script(
    _FORGET
    + """
local c = redis.call('HMGET', KEYS[1], 'b', 'e', 'l')
if c[1] then
  local now = tonumber(ARGV[2])
  if c[2] == '' or tonumber(c[2]) > now or (c[3] ~= '' and tonumber(c[3]) > now) then
    return 0
  end
  redis.call('DEL', KEYS[1])
end
forget()
return 1
"""
)

# KEYS: due, held, expiry. ARGV: now, how many.
# Answers the ids of what is due and their times, in turns, and some of what has expired.
DUE = Script("""
local now, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local found, skip = {}, 0
while #found < 2 * limit do
  local some = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES',
    'LIMIT', skip, 100)
  if #some == 0 then
    break
  end
  for i = 1, #some, 2 do
    local held = redis.call('ZSCORE', KEYS[2], some[i])
    local expires = redis.call('ZSCORE', KEYS[3], some[i])
    local gone = expires and tonumber(expires) <= now
    if not gone and not (held and tonumber(held) > now) and #found < 2 * limit then
      found[#found + 1] = some[i]
      found[#found + 1] = some[i + 1]
    end
  end
  skip = skip + 100
end
return {found, redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[1], 'LIMIT', 0, 100)}
""")

# KEYS: status. ARGV: cursor, "0" at first; how many at a time.
# Answers the next cursor, nil at the end, and chat ids, which may come again.
EVERY = Script("""
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local ids = {}
for i = 1, #page[2], 2 do
  ids[#ids + 1] = page[2][i]
end
return {page[1] ~= '0' and page[1], ids}
""")

# KEYS: by-status. ARGV: cursor, "[" at first; how many at a time; status.
# Answers the next cursor, nil at the end, and chat ids.
OF_STATUS = Script("""
local prefix = #ARGV[3] .. ':' .. ARGV[3]
local from = string.sub(ARGV[1], 1, 1) .. prefix .. string.sub(ARGV[1], 2)
local ids = redis.call('ZRANGEBYLEX', KEYS[1], from, '(' .. prefix .. '\\255',
  'LIMIT', 0, ARGV[2])
for i, member in ipairs(ids) do
  ids[i] = string.sub(member, #prefix + 1)
end
return {#ids == tonumber(ARGV[2]) and '(' .. ids[#ids], ids}
""")
