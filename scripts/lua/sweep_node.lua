-- Removes all members of a dead node from one room, announces it and counts their minutes. Whoever comes first does it.
--
-- KEYS  room meta nodes rooms_of connection_time room_peaks
-- ARGV  publish channel room_key node
-- Returns  {members removed, closed, peak, open_ms}; {0} when there was none
-- Publishes  left for each of them, to each node with members and to the swept one: it may live, and must learn it
local room, meta, nodes, rooms_of, connection_time, room_peaks = unpack(KEYS)
local publish, channel, room_key, node = unpack(ARGV)

local VERSION, EVENTS, EVENT_LEFT = 1, 1, 2
local NODE, GENERATION, JOINED_MS, ORDER = 1, 2, 4, 5 -- in a packed member: node, generation, rev, joined_ms, order, status

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

redis.call("SREM", rooms_of, room_key)
local targets = redis.call("HKEYS", nodes)
local dead = {}
local all = redis.call("HGETALL", room)
for at = 1, #all, 2 do
  local member = cmsgpack.unpack(all[at + 1])
  if member[NODE] == node then dead[#dead + 1] = {all[at], member} end
end
redis.call("HDEL", nodes, node)
if #dead == 0 then return {0} end

table.sort(dead, function(a, b) return a[2][ORDER] < b[2][ORDER] end)
local events = {}
for at, entry in ipairs(dead) do
  local peer, member = entry[1], entry[2]
  redis.call("HDEL", room, peer)
  redis.call("HINCRBY", connection_time, math.floor((now - member[JOINED_MS]) / 60000), 1)
  events[at] = {EVENT_LEFT, peer, member[GENERATION]}
end
local last = redis.call("HINCRBY", meta, "seq", #events)
local known = redis.call("HMGET", meta, "epoch", "peak", "opened_ms")
local epoch, peak, open_ms = known[1], tonumber(known[2]), now - tonumber(known[3])
local closed = 0
if redis.call("HLEN", room) == 0 then
  closed = 1
  redis.call("DEL", meta, nodes)
  redis.call("HINCRBY", room_peaks, peak, 1)
end

local message = cmsgpack.pack({VERSION, EVENTS, room_key, epoch, last - #events + 1, events})
for _, name in ipairs(targets) do redis.call(publish, channel .. name, message) end
return {#events, closed, peak, open_ms}
