-- Holds a node's lease from now on, and tells who lost theirs. The first node of a deployment fixes its partitions
-- and marks its birth: who meets another one knows that Redis has lost everything, even if somebody gave it a lease.
--
-- KEYS  leases deployment
-- ARGV  node lease_ms partitions birth margin_ms
--       birth: random, for the deployment, should it be new
-- Returns  {1, held until now, birth, now_ms, lease_until_ms, ms to the next end of a lease or -1, expired node, ...};
--          {-3, partitions} the deployment has another number of partitions
-- Publishes  nothing
local leases, deployment = unpack(KEYS)
local node, lease_ms, partitions, birth, margin_ms = unpack(ARGV)

local OTHER_PARTITIONS = -3

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local known = redis.call("HMGET", deployment, "partitions", "birth")
if known[1] and known[1] ~= partitions then return {OTHER_PARTITIONS, tonumber(known[1])} end
if known[1] then birth = known[2] else redis.call("HSET", deployment, "partitions", partitions, "birth", birth) end

local lease_until = now + lease_ms
local before = tonumber(redis.call("ZSCORE", leases, node) or 0)
redis.call("ZADD", leases, lease_until, node)
-- The margin keeps a sweep behind the refusal of the node's own late scripts, whose clock may be another master's.
local ended = now - margin_ms
local coming = redis.call("ZRANGEBYSCORE", leases, "(" .. ended, "+inf", "WITHSCORES", "LIMIT", 0, 1)
local next_ms = coming[2] and tonumber(coming[2]) - ended or -1
local reply = {1, before > now and 1 or 0, birth, now, lease_until, next_ms}
for _, name in ipairs(redis.call("ZRANGEBYSCORE", leases, "-inf", ended)) do reply[#reply + 1] = name end
return reply
