-- Adds a member to a room, unless it is one already or the room is full or locked, and announces it.
--
-- KEYS  room meta nodes rooms_of connection_time
-- ARGV  lease_until publish channel room_key node peer generation rev status limit if_taken epoch with_snapshot rooms_of_prefix proof proven_by
--       if_taken: leave, take_over or refuse, when there is another membership of the peer
--       epoch: for the room, should it be new; the reply with the same epoch means that this call opened it
--       rooms_of_prefix: with a node's id behind it, its rooms_of; of the same slot as the keys
--       proof: kept with the member and announced to nobody, empty for none; one word, or several with a space between
--       proven_by: empty, or a word of the proof of the membership to be taken over, which keeps its status
-- Returns  {1, epoch, seq, {peer, packed member, ...}}, the list empty unless with_snapshot is 1;
--          {-1} the room is full; {-2} the lease of the calling node is over; {-4} the peer is taken;
--          {-5} there is no membership with that proof; {-6} the room is locked
-- Publishes  to each node with members, and to that of the other membership: joined, with a left before it when that one
--            leaves; moved, when it is taken over
local room, meta, nodes, rooms_of, connection_time = unpack(KEYS)
local lease_until, publish, channel, room_key, node, peer = unpack(ARGV, 1, 6)
local generation, rev, status, limit = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9], tonumber(ARGV[10])
local if_taken, epoch, with_snapshot, rooms_of_prefix = ARGV[11], ARGV[12], ARGV[13] == "1", ARGV[14]
local proof, proven_by = ARGV[15], ARGV[16]

local FULL, LEASE_OVER, TAKEN, UNPROVEN, LOCKED = -1, -2, -4, -5, -6
local VERSION, EVENTS, EVENT_JOINED, EVENT_LEFT, EVENT_MOVED = 1, 1, 1, 2, 5
local NODE, GENERATION, JOINED_MS, ORDER, STATUS, BORN, PROOF = 1, 2, 4, 5, 6, 7, 8
-- in a packed member: node, generation, rev, joined_ms, order, status, born (false unless it was taken over), proof or false

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(lease_until) then return {LEASE_OVER} end

local function joined(at_seq)
  return {1, epoch, at_seq, with_snapshot and redis.call("HGETALL", room) or {}}
end

local known = redis.call("HMGET", meta, "epoch", "seq", "peak", "locked")
local is_new, seq, peak = not known[1], tonumber(known[2] or 0), tonumber(known[3] or 0)
epoch = known[1] or epoch
local size = redis.call("HLEN", room)
if is_new and size > 0 then -- what is left of a room of which Redis has dropped a key
  redis.call("DEL", room, nodes)
  size = 0
end
local packed = redis.call("HGET", room, peer)
local before = packed and cmsgpack.unpack(packed)
if before and before[NODE] == node and before[GENERATION] == generation then return joined(seq) end
if proven_by ~= "" then
  local proof_before = not is_new and before and before[PROOF]
  if not proof_before or not (" " .. proof_before .. " "):find(" " .. proven_by .. " ", 1, true) then return {UNPROVEN} end
  status = before[STATUS]
end
if before and if_taken == "refuse" then return {TAKEN} end
if not before and known[4] == "1" then return {LOCKED} end
if not before and not is_new and size >= limit then return {FULL} end

local events = {}
local first = seq + 1
local joined_ms, order, born = now, nil, nil
if not before then
  size = size + 1
elseif if_taken == "take_over" then
  joined_ms, order, born = before[JOINED_MS], before[ORDER], before[BORN] or before[GENERATION]
else
  events[1] = {EVENT_LEFT, peer, before[GENERATION]}
  redis.call("HINCRBY", connection_time, math.floor((now - before[JOINED_MS]) / 60000), 1)
end
events[#events + 1] = {born and EVENT_MOVED or EVENT_JOINED, peer, node, generation, rev, status, born}
seq = seq + #events
if not before or before[NODE] ~= node then
  redis.call("HINCRBY", nodes, node, 1)
  redis.call("SADD", rooms_of, room_key)
end
local targets = redis.call("HKEYS", nodes)
if before and before[NODE] ~= node and redis.call("HINCRBY", nodes, before[NODE], -1) <= 0 then
  redis.call("HDEL", nodes, before[NODE])
  redis.call("SREM", rooms_of_prefix .. before[NODE], room_key)
end
redis.call("HSET", room, peer, cmsgpack.pack({node, generation, rev, joined_ms, order or seq, status, born or false, proof ~= "" and proof}))
redis.call("HSET", meta, "seq", seq, "peak", math.max(peak, size))
if is_new then redis.call("HSET", meta, "epoch", epoch, "opened_ms", now) end

local message = cmsgpack.pack({VERSION, EVENTS, room_key, epoch, first, events})
for _, name in ipairs(targets) do redis.call(publish, channel .. name, message) end
return joined(seq)
