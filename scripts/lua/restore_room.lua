-- Makes a node's members in a room exactly those it names, announcing what changes, but for a peer that is a later member
-- at another node. A room that was lost is born again with them and with the members on other nodes as this node
-- knows them; those nodes hear of it and confirm in turn. What is kept of each node is made true to the members.
--
-- KEYS  room meta nodes connection_time room_peaks
-- ARGV  lease_until publish channel room_key node epoch own others rooms_of_prefix lock
--       own, others: packed {{peer, node, generation, rev, status, born, proof}, ...}; born and proof may be missing or false
--       lock: 1 or 0 where the node knows whether the room was locked, for one that was lost; else empty
--       rooms_of_prefix: with a node's id behind it, its rooms_of; of the same slot as the keys
-- Returns  {1, epoch, seq, {peer, packed member, ...}, closed, peak, open_ms}; {-2} the lease of the calling node is over
-- Publishes  left, status, joined and moved, to each node with members, to the calling one, and to those whose member moved
local room, meta, nodes, connection_time, room_peaks = unpack(KEYS)
local lease_until, publish, channel, room_key, node, epoch = unpack(ARGV, 1, 6)
local own, others, rooms_of_prefix, lock = cmsgpack.unpack(ARGV[7]), cmsgpack.unpack(ARGV[8]), ARGV[9], ARGV[10]

local LEASE_OVER = -2
local VERSION, EVENTS, EVENT_JOINED, EVENT_LEFT, EVENT_STATUS, EVENT_MOVED = 1, 1, 1, 2, 3, 5
local NODE, GENERATION, REV, JOINED_MS, ORDER, STATUS, BORN, PROOF = 1, 2, 3, 4, 5, 6, 7, 8 -- in a packed member

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(lease_until) then return {LEASE_OVER} end

local known = redis.call("HMGET", meta, "epoch", "seq", "peak", "opened_ms", "locked")
local is_new = not known[1]
local seq, peak, opened_ms = tonumber(known[2] or 0), tonumber(known[3] or 0), tonumber(known[4] or now)
if is_new then redis.call("DEL", room, nodes) end
if is_new and #own == 0 then
  redis.call("SREM", rooms_of_prefix .. node, room_key)
  return {1, "", 0, {}, 0, 0, 0}
end
epoch = known[1] or epoch

local members, mine = {}, {} -- by peer; those of this node
local all = redis.call("HGETALL", room)
for at = 1, #all, 2 do
  local member = cmsgpack.unpack(all[at + 1])
  members[all[at]] = member
  if member[NODE] == node then mine[#mine + 1] = {all[at], member} end
end
table.sort(mine, function(a, b) return a[2][ORDER] < b[2][ORDER] end)

local events = {}
local first = seq + 1
local function announce(event)
  seq = seq + 1
  events[#events + 1] = event
end
local function add(peer, its_node, generation, rev, status, born, proof)
  announce({EVENT_JOINED, peer, its_node, generation, rev, status})
  members[peer] = {its_node, generation, rev, now, seq, status, born or false, proof or false}
  redis.call("HSET", room, peer, cmsgpack.pack(members[peer]))
  peak = math.max(peak, redis.call("HLEN", room))
end

local wanted = {}
for _, member in ipairs(own) do wanted[member[1]] = member end
if is_new then
  for _, member in ipairs(others) do
    if not wanted[member[1]] then add(unpack(member, 1, 6)) end
  end
end
for _, entry in ipairs(mine) do
  local peer, member = entry[1], entry[2]
  local want = wanted[peer]
  if not want or want[3] ~= member[GENERATION] then
    announce({EVENT_LEFT, peer, member[GENERATION]})
    members[peer] = nil
    redis.call("HDEL", room, peer)
    redis.call("HINCRBY", connection_time, math.floor((now - member[JOINED_MS]) / 60000), 1)
  elseif want[4] > member[REV] then
    announce({EVENT_STATUS, peer, want[4], want[5]})
    member[REV], member[STATUS] = want[4], want[5]
    redis.call("HSET", room, peer, cmsgpack.pack(member))
  end
  if members[peer] and want[7] and want[7] ~= member[PROOF] then
    member[BORN], member[PROOF] = member[BORN] or false, want[7]
    redis.call("HSET", room, peer, cmsgpack.pack(member))
  end
end
local left_by = {} -- nodes from which a member was taken over
for _, member in ipairs(own) do
  local peer, _, generation, rev, status, born, proof = unpack(member, 1, 7)
  local other = members[peer]
  if not other then
    add(peer, node, generation, rev, status, born, proof)
  elseif other[NODE] ~= node and other[GENERATION] < generation and born then -- taken over from there, and forgotten
    announce({EVENT_MOVED, peer, node, generation, rev, status, born})
    left_by[other[NODE]] = true
    members[peer] = {node, generation, rev, other[JOINED_MS], other[ORDER], status, born, proof or false}
    redis.call("HSET", room, peer, cmsgpack.pack(members[peer]))
  end
end

local counts = {}
for _, member in pairs(members) do counts[member[NODE]] = (counts[member[NODE]] or 0) + 1 end
redis.call("DEL", nodes)
for name, count in pairs(counts) do
  redis.call("HSET", nodes, name, count)
  redis.call("SADD", rooms_of_prefix .. name, room_key)
end
local targets = redis.call("HKEYS", nodes)
left_by[node] = true
for name in pairs(left_by) do
  if not counts[name] then
    redis.call("SREM", rooms_of_prefix .. name, room_key)
    targets[#targets + 1] = name
  end
end
local closed = 0
if not next(counts) then
  closed = 1
  redis.call("DEL", meta)
  redis.call("HINCRBY", room_peaks, peak, 1)
else
  redis.call("HSET", meta, "epoch", epoch, "seq", seq, "peak", peak, "opened_ms", opened_ms)
  if lock ~= "" and not known[5] then redis.call("HSET", meta, "locked", lock) end
end
if #events > 0 then
  local message = cmsgpack.pack({VERSION, EVENTS, room_key, epoch, first, events})
  for _, name in ipairs(targets) do redis.call(publish, channel .. name, message) end
end
return {1, epoch, seq, redis.call("HGETALL", room), closed, peak, now - opened_ms}
