-- Gives a lease to nodes that have none, so that those of them that are dead get swept and the living just renew.
--
-- KEYS  leases
-- ARGV  lease_ms node...
-- Returns  {leases given}
-- Publishes  nothing
local leases = KEYS[1]
local lease_ms = ARGV[1]

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local given = 0
for at = 2, #ARGV do given = given + redis.call("ZADD", leases, "NX", now + lease_ms, ARGV[at]) end
return {given}
