-- Adds a member to a room, unless it is one already, the room is full or locked, or its identity is there, and announces it.
--
-- KEYS  room meta nodes rooms_of connection_time
-- ARGV  lease_until publish channel room_key node peer generation rev status limit if_taken epoch with_snapshot rooms_of_prefix proof proven_by mark if_there replaced_prefix replaced_seconds
--       if_taken: leave, take_over or refuse, when there is another membership of the peer
--       epoch: for the room, should it be new; the reply with the same epoch means that this call opened it
--       rooms_of_prefix: with a node's id behind it, its rooms_of; of the same slot as the keys
--       proof: kept with the member and announced to nobody, empty for none; one word, or several with a space between
--       proven_by: empty, or a word of the proof of the membership to be taken over, which keeps its status
--       mark: whose it is, where an identity may be in a room once; else empty
--       if_there: refuse or replace, when there is another member with that mark
--       replaced_prefix: with a peer behind it, the key that keeps the proof of one that was replaced, for replaced_seconds
-- Returns  {1, epoch, seq, {peer, packed member, ...}}, the list empty unless with_snapshot is 1;
--          {-1} the room is full; {-2} the lease of the calling node is over; {-4} the peer is taken;
--          {-5} there is no membership with that proof; {-6} the room is locked;
--          {-7} there is another member with that mark
-- Publishes  to each node with members, and to those of members that leave for it: joined, with a left before it for each of
--            those; moved, when it is taken over
local room, meta, nodes, rooms_of, connection_time = unpack(KEYS)
local lease_until, publish, channel, room_key, node, peer = unpack(ARGV, 1, 6)
local generation, rev, status, limit = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9], tonumber(ARGV[10])
local if_taken, epoch, with_snapshot, rooms_of_prefix = ARGV[11], ARGV[12], ARGV[13] == "1", ARGV[14]
local proof, proven_by, mark, if_there, replaced_prefix, replaced_seconds = unpack(ARGV, 15, 20)

local FULL, LEASE_OVER, TAKEN, UNPROVEN, LOCKED, IDENTITY_IN_ROOM = -1, -2, -4, -5, -6, -7
local VERSION, EVENTS, EVENT_JOINED, EVENT_LEFT, EVENT_MOVED = 1, 1, 1, 2, 5
local NODE, GENERATION, JOINED_MS, ORDER, STATUS, BORN, PROOF, MARK = 1, 2, 4, 5, 6, 7, 8, 9
-- in a packed member: node, generation, rev, joined_ms, order, status, born (false unless it was taken over), proof or false,
-- and its mark, if it has one

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
local takes_over = before and if_taken == "take_over"
local replaced = {} -- other members of its identity: mostly none, never more than one but for a fault
if mark ~= "" and not takes_over and size > 0 then
  local all = redis.call("HGETALL", room)
  for at = 1, #all, 2 do
    -- Looked for as bytes first: to unpack each would take many times as long.
    if all[at] ~= peer and all[at + 1]:find(mark, 1, true) then
      local other = cmsgpack.unpack(all[at + 1])
      if other[MARK] == mark then replaced[#replaced + 1] = {all[at], other} end
    end
  end
end
if replaced[1] and if_there == "refuse" then return {IDENTITY_IN_ROOM} end
if not before and not replaced[1] then
  if known[4] == "1" then return {LOCKED} end
  if not is_new and size >= limit then return {FULL} end
end

local events = {}
local first = seq + 1
local joined_ms, order, born = now, nil, nil
local function leave(its_peer, member, is_replaced)
  events[#events + 1] = {EVENT_LEFT, its_peer, member[GENERATION], is_replaced}
  redis.call("HINCRBY", connection_time, math.floor((now - member[JOINED_MS]) / 60000), 1)
end
if takes_over then
  joined_ms, order, born = before[JOINED_MS], before[ORDER], before[BORN] or before[GENERATION]
  if mark == "" then mark = before[MARK] or "" end
elseif before then
  leave(peer, before)
else
  size = size + 1
end
for _, entry in ipairs(replaced) do
  local its_peer, member = unpack(entry)
  leave(its_peer, member, 1)
  redis.call("HDEL", room, its_peer)
  size = size - 1
  if member[PROOF] then redis.call("SET", replaced_prefix .. its_peer, member[PROOF], "EX", replaced_seconds) end
end
local event = {born and EVENT_MOVED or EVENT_JOINED, peer, node, generation, rev, status, born}
if mark ~= "" then event[7], event[8] = born or false, mark end
events[#events + 1] = event
seq = seq + #events
if not before or before[NODE] ~= node then
  redis.call("HINCRBY", nodes, node, 1)
  redis.call("SADD", rooms_of, room_key)
end
local targets = redis.call("HKEYS", nodes)
local function count_out(name)
  if redis.call("HINCRBY", nodes, name, -1) > 0 then return end
  redis.call("HDEL", nodes, name)
  redis.call("SREM", rooms_of_prefix .. name, room_key)
end
if before and before[NODE] ~= node then count_out(before[NODE]) end
for _, entry in ipairs(replaced) do count_out(entry[2][NODE]) end
local member = {node, generation, rev, joined_ms, order or seq, status, born or false, proof ~= "" and proof}
if mark ~= "" then member[MARK] = mark end
redis.call("HSET", room, peer, cmsgpack.pack(member))
redis.call("HSET", meta, "seq", seq, "peak", math.max(peak, size))
if is_new then redis.call("HSET", meta, "epoch", epoch, "opened_ms", now) end

local message = cmsgpack.pack({VERSION, EVENTS, room_key, epoch, first, events})
for _, name in ipairs(targets) do redis.call(publish, channel .. name, message) end
return joined(seq)
