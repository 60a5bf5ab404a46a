-- Removes all members of a dead node from one room, announces it and counts their minutes. Whoever comes first does it.
--
-- KEYS  room meta nodes rooms_of connection_time room_peaks
-- ARGV  publish channel room_key node
-- Returns  {{peer, stayed_ms, ...}, closed, peak, open_ms} of the members removed; {{}} when there was none
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
if #dead == 0 then return {{}} end

table.sort(dead, function(a, b) return a[2][ORDER] < b[2][ORDER] end)
local events, swept = {}, {}
for at, entry in ipairs(dead) do
  local peer, member = entry[1], entry[2]
  local stayed_ms = now - member[JOINED_MS]
  redis.call("HDEL", room, peer)
  redis.call("HINCRBY", connection_time, math.floor(stayed_ms / 60000), 1)
  events[at] = {EVENT_LEFT, peer, member[GENERATION]}
  swept[2 * at - 1], swept[2 * at] = peer, stayed_ms
end
local known = redis.call("HMGET", meta, "epoch", "seq", "peak", "opened_ms")
local epoch = known[1]
if not epoch then return {swept} end -- Redis has dropped the log: there is nothing to go on with
local last, peak, open_ms = known[2] + #events, tonumber(known[3]), now - known[4]
local closed = 0
if redis.call("HLEN", room) == 0 then
  closed = 1
  redis.call("DEL", meta, nodes)
  redis.call("HINCRBY", room_peaks, peak, 1)
else
  redis.call("HSET", meta, "seq", last)
end

local message = cmsgpack.pack({VERSION, EVENTS, room_key, epoch, last - #events + 1, events})
for _, name in ipairs(targets) do redis.call(publish, channel .. name, message) end
return {swept, closed, peak, open_ms}
