-- Claims a closed hour of the statistics, and all before it, for one export, unless it or a later one is claimed.
--
-- KEYS  exports
-- ARGV  hour sink line
-- Returns  1 claimed, and pending unless the line is empty; 0 it was claimed already
-- Publishes  nothing
local exports = KEYS[1]
local hour, sink, line = unpack(ARGV)

local last = tonumber(redis.call("HGET", exports, "last") or 0)
if last >= tonumber(hour) then return 0 end
redis.call("HSET", exports, "last", hour)
if line ~= "" then redis.call("HSET", exports, hour, sink .. " " .. line) end
return 1
