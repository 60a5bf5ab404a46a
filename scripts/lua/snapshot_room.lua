-- Reads a room as it stands at one position of its log.
--
-- KEYS  room meta
-- ARGV
-- Returns  {epoch, seq, {peer, packed member, ...}}; {"", 0, {}} when there is no such room
-- Publishes  nothing
local room, meta = unpack(KEYS)

local known = redis.call("HMGET", meta, "epoch", "seq")
return {known[1] or "", tonumber(known[2] or 0), redis.call("HGETALL", room)}
