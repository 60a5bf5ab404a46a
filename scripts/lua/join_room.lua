-- Adds a member to a room, unless it is one already or the room is full, and announces it.
--
-- KEYS  room meta nodes rooms_of connection_time
-- ARGV  lease_until publish channel room_key node peer generation rev status limit epoch with_snapshot
--       epoch: for the room, should it be new; the reply with the same epoch means that this call opened it
-- Returns  {1, epoch, seq, {peer, packed member, ...}}, the list empty unless with_snapshot is 1;
--          {-1} the room is full; {-2} the lease of the calling node is over
-- Publishes  to each node with members: joined, with a left before it when an earlier generation of the peer was still there
local room, meta, nodes, rooms_of, connection_time = unpack(KEYS)
local lease_until, publish, channel, room_key, node, peer = unpack(ARGV, 1, 6)
local generation, rev, status, limit = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9], tonumber(ARGV[10])
local epoch, with_snapshot = ARGV[11], ARGV[12] == "1"

local FULL, LEASE_OVER = -1, -2
local VERSION, EVENTS, EVENT_JOINED, EVENT_LEFT = 1, 1, 1, 2
local GENERATION, JOINED_MS = 2, 4 -- in a packed member: node, generation, rev, joined_ms, order, status

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(lease_until) then return {LEASE_OVER} end

local function joined(at_seq)
  return {1, epoch, at_seq, with_snapshot and redis.call("HGETALL", room) or {}}
end

local known = redis.call("HMGET", meta, "epoch", "seq", "peak")
local is_new, seq, peak = not known[1], tonumber(known[2] or 0), tonumber(known[3] or 0)
epoch = known[1] or epoch
local packed = redis.call("HGET", room, peer)
local before = packed and cmsgpack.unpack(packed)
if before and before[GENERATION] == generation then return joined(seq) end
local size = redis.call("HLEN", room)
if not before and not is_new and size >= limit then return {FULL} end

local events = {}
local first = seq + 1
if before then
  events[1] = {EVENT_LEFT, peer, before[GENERATION]}
  redis.call("HINCRBY", connection_time, math.floor((now - before[JOINED_MS]) / 60000), 1)
else
  size = size + 1
  redis.call("HINCRBY", nodes, node, 1)
  redis.call("SADD", rooms_of, room_key)
end
events[#events + 1] = {EVENT_JOINED, peer, node, generation, rev, status}
seq = seq + #events
redis.call("HSET", room, peer, cmsgpack.pack({node, generation, rev, now, seq, status}))
redis.call("HSET", meta, "seq", seq, "peak", math.max(peak, size))
if is_new then redis.call("HSET", meta, "epoch", epoch, "opened_ms", now) end

local message = cmsgpack.pack({VERSION, EVENTS, room_key, epoch, first, events})
for _, name in ipairs(redis.call("HKEYS", nodes)) do redis.call(publish, channel .. name, message) end
return joined(seq)
