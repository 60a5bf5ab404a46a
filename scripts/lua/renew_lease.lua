-- Holds a node's lease from now on, and tells who lost theirs. The first node of a deployment fixes its partitions.
--
-- KEYS  leases partitions
-- ARGV  node lease_ms partition_count margin_ms
-- Returns  {1, held until now, now_ms, lease_until_ms, ms to the next end of a lease or -1, expired node, ...};
--          {-3, partition_count} the deployment has another number of partitions
-- Publishes  nothing
local leases, partitions = unpack(KEYS)
local node, lease_ms, partition_count, margin_ms = unpack(ARGV)

local OTHER_PARTITIONS = -3

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local fixed = redis.call("GET", partitions)
if fixed and fixed ~= partition_count then return {OTHER_PARTITIONS, tonumber(fixed)} end
if not fixed then redis.call("SET", partitions, partition_count) end

local lease_until = now + lease_ms
local before = tonumber(redis.call("ZSCORE", leases, node) or 0)
redis.call("ZADD", leases, lease_until, node)
-- The margin keeps a sweep behind the refusal of the node's own late scripts, whose clock may be another master's.
local ended = now - margin_ms
local coming = redis.call("ZRANGEBYSCORE", leases, "(" .. ended, "+inf", "WITHSCORES", "LIMIT", 0, 1)
local next_ms = coming[2] and tonumber(coming[2]) - ended or -1
local reply = {1, before > now and 1 or 0, now, lease_until, next_ms}
for _, name in ipairs(redis.call("ZRANGEBYSCORE", leases, "-inf", ended)) do reply[#reply + 1] = name end
return reply
