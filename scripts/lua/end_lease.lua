-- Removes a node's lease, once its rooms are swept or left. After the last node nothing of the deployment stays.
--
-- KEYS  leases deployment
-- ARGV  node margin_ms only_if_over
-- Returns  1; 0 with only_if_over 1 when the node has renewed it meanwhile
-- Publishes  nothing
local leases, deployment = unpack(KEYS)
local node, margin_ms, only_if_over = ARGV[1], tonumber(ARGV[2]), ARGV[3] == "1"

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local lease_until = tonumber(redis.call("ZSCORE", leases, node) or 0)
if only_if_over and lease_until > now - margin_ms then return 0 end
redis.call("ZREM", leases, node)
if redis.call("ZCARD", leases) == 0 then redis.call("DEL", deployment) end
return 1
