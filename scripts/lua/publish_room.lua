-- Publishes a frame of a member of this node to its room, in the order of the log, unless it is none or the frame is not newer.
--
-- KEYS  room meta nodes
-- ARGV  lease_until publish channel room_key node peer rev text to lock
--       to: all, or others: all but the member itself
--       lock: 1 locks the room with it, 0 unlocks it, empty leaves it as it is
-- Returns  {1, epoch, seq}; {0} nothing published; {-2} the lease of the calling node is over
-- Publishes  frame, to each node with members
local room, meta, nodes = unpack(KEYS)
local lease_until, publish, channel, room_key, node, peer, rev, text, to, lock = unpack(ARGV)
rev = tonumber(rev)

local LEASE_OVER = -2
local VERSION, EVENTS, EVENT_FRAME, ALL, OTHERS = 1, 1, 4, 0, 1
local NODE, REV = 1, 3 -- in a packed member: node, generation, rev, joined_ms, order, status

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(lease_until) then return {LEASE_OVER} end

local packed = redis.call("HGET", room, peer)
local member = packed and cmsgpack.unpack(packed)
local epoch = redis.call("HGET", meta, "epoch")
if not member or not epoch or member[NODE] ~= node or rev <= member[REV] then return {0} end

member[REV] = rev
redis.call("HSET", room, peer, cmsgpack.pack(member))
local seq = redis.call("HINCRBY", meta, "seq", 1)

local event = {EVENT_FRAME, peer, text}
if to == "others" then event[4] = OTHERS end
if lock ~= "" then
  event[4], event[5] = event[4] or ALL, tonumber(lock)
  redis.call("HSET", meta, "locked", lock)
end
local message = cmsgpack.pack({VERSION, EVENTS, room_key, epoch, seq, {event}})
for _, name in ipairs(redis.call("HKEYS", nodes)) do redis.call(publish, channel .. name, message) end
return {1, epoch, seq}
