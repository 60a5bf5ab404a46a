-- Removes a member of this node and generation from a room, announces it and counts its minutes. The last one closes the room.
--
-- KEYS  room meta nodes rooms_of connection_time room_peaks
-- ARGV  lease_until publish channel room_key node peer generation
-- Returns  {1, epoch, seq, closed, peak, open_ms}; {0} no such member; {-2} the lease of the calling node is over
-- Publishes  left, to each node with members and to the calling one
local room, meta, nodes, rooms_of, connection_time, room_peaks = unpack(KEYS)
local lease_until, publish, channel, room_key, node, peer, generation = unpack(ARGV)

local LEASE_OVER = -2
local VERSION, EVENTS, EVENT_LEFT = 1, 1, 2
local NODE, GENERATION, JOINED_MS = 1, 2, 4 -- in a packed member: node, generation, rev, joined_ms, order, status

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(lease_until) then return {LEASE_OVER} end

local packed = redis.call("HGET", room, peer)
local member = packed and cmsgpack.unpack(packed)
if not member or member[NODE] ~= node or member[GENERATION] ~= tonumber(generation) then return {0} end

local targets = redis.call("HKEYS", nodes)
redis.call("HDEL", room, peer)
redis.call("HINCRBY", connection_time, math.floor((now - member[JOINED_MS]) / 60000), 1)
if redis.call("HINCRBY", nodes, node, -1) <= 0 then
  redis.call("HDEL", nodes, node)
  redis.call("SREM", rooms_of, room_key)
end
local known = redis.call("HMGET", meta, "epoch", "seq", "peak", "opened_ms")
local epoch = known[1]
if not epoch then return {0} end -- Redis has dropped the log: there is nothing to go on with
local seq, peak, open_ms = known[2] + 1, tonumber(known[3]), now - known[4]
local closed = 0
if redis.call("HLEN", room) == 0 then
  closed = 1
  redis.call("DEL", meta, nodes)
  redis.call("HINCRBY", room_peaks, peak, 1)
else
  redis.call("HSET", meta, "seq", seq)
end

local message = cmsgpack.pack({VERSION, EVENTS, room_key, epoch, seq, {{EVENT_LEFT, peer, member[GENERATION]}}})
for _, name in ipairs(targets) do redis.call(publish, channel .. name, message) end
return {1, epoch, seq, closed, peak, open_ms}
