-- Makes a node's members in a room exactly those it names, announcing what changes, but for a peer that is a later member
-- at another node. A room that was lost is born again with them and with the members on other nodes as this node
-- knows them; those nodes hear of it and confirm in turn. What is kept of each node is made true to the members.
-- Of members with one mark the latest stays.
--
-- KEYS  room meta nodes connection_time room_peaks
-- ARGV  lease_until publish channel room_key node epoch own others rooms_of_prefix lock lock_rev replaced_prefix replaced_seconds
--       own, others: packed {{peer, node, generation, rev, status, born, proof, mark}, ...}; the last three may be missing or false
--       lock: 1 or 0 where the node knows whether the room is locked, by which rev; else empty. It counts when it is newer
--       rooms_of_prefix: with a node's id behind it, its rooms_of; of the same slot as the keys
--       replaced_prefix: with a peer behind it, the key that keeps the proof of one that was replaced, for replaced_seconds
-- Returns  {1, epoch, seq, {peer, packed member, ...}, closed, peak, open_ms}; {-2} the lease of the calling node is over
-- Publishes  left, status, joined and moved, to each node with members, to the calling one, and to those whose member moved
local room, meta, nodes, connection_time, room_peaks = unpack(KEYS)
local lease_until, publish, channel, room_key, node, epoch = unpack(ARGV, 1, 6)
local own, others, rooms_of_prefix = cmsgpack.unpack(ARGV[7]), cmsgpack.unpack(ARGV[8]), ARGV[9]
local lock, lock_rev, replaced_prefix, replaced_seconds = unpack(ARGV, 10, 13)

local LEASE_OVER = -2
local VERSION, EVENTS, EVENT_JOINED, EVENT_LEFT, EVENT_STATUS, EVENT_MOVED = 1, 1, 1, 2, 3, 5
local NODE, GENERATION, REV, JOINED_MS, ORDER, STATUS, BORN, PROOF, MARK = 1, 2, 3, 4, 5, 6, 7, 8, 9 -- in a packed member

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(lease_until) then return {LEASE_OVER} end

local known = redis.call("HMGET", meta, "epoch", "seq", "peak", "opened_ms", "locked", "locked_rev")
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
local function put(peer, event, member, mark)
  if mark then event[7], event[8], member[MARK] = event[7] or false, mark, mark end
  announce(event)
  members[peer] = member
  redis.call("HSET", room, peer, cmsgpack.pack(member))
end
local function add(peer, its_node, generation, rev, status, born, proof, mark)
  local member = {its_node, generation, rev, now, seq + 1, status, born or false, proof or false}
  put(peer, {EVENT_JOINED, peer, its_node, generation, rev, status}, member, mark)
  peak = math.max(peak, redis.call("HLEN", room))
end
local function remove(peer, member, is_replaced)
  announce({EVENT_LEFT, peer, member[GENERATION], is_replaced})
  members[peer] = nil
  redis.call("HDEL", room, peer)
  redis.call("HINCRBY", connection_time, math.floor((now - member[JOINED_MS]) / 60000), 1)
end
local function keep_replaced(peer, proof)
  if proof then redis.call("SET", replaced_prefix .. peer, proof, "EX", replaced_seconds) end
end
local left_by = {} -- nodes that lose a member to this one
-- Whether a member that is to be added is the latest with its mark; then those before it leave.
local function is_latest(peer, since, mark)
  if not mark then return true end
  local before = {}
  for its_peer, member in pairs(members) do
    if member[MARK] == mark then
      local its_since = member[BORN] or member[GENERATION]
      if its_since > since or its_since == since and its_peer > peer then return false end
      before[#before + 1] = {its_peer, member}
    end
  end
  table.sort(before, function(a, b) return a[2][ORDER] < b[2][ORDER] end)
  for _, entry in ipairs(before) do
    local its_peer, member = unpack(entry)
    remove(its_peer, member, 1)
    keep_replaced(its_peer, member[PROOF])
    left_by[member[NODE]] = true
  end
  return true
end

local wanted = {}
for _, member in ipairs(own) do wanted[member[1]] = member end
if is_new then
  for _, member in ipairs(others) do
    if not wanted[member[1]] then add(unpack(member, 1, 8)) end
  end
end
for _, entry in ipairs(mine) do
  local peer, member = entry[1], entry[2]
  local want = wanted[peer]
  if not want or want[3] ~= member[GENERATION] then
    remove(peer, member)
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
for _, row in ipairs(own) do
  local peer, _, generation, rev, status, born, proof, mark = unpack(row, 1, 8)
  local other = members[peer]
  if not other then
    if is_latest(peer, born or generation, mark) then
      add(peer, node, generation, rev, status, born, proof, mark)
    else
      keep_replaced(peer, proof)
    end
  elseif other[NODE] ~= node and other[GENERATION] < generation and born then -- taken over from there, and forgotten
    local member = {node, generation, rev, other[JOINED_MS], other[ORDER], status, born, proof or false}
    left_by[other[NODE]] = true
    put(peer, {EVENT_MOVED, peer, node, generation, rev, status, born}, member, mark or other[MARK])
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
  -- A node of a release before this one gives no rev.
  local known_rev = tonumber(known[6] or known[5] and 0 or -1)
  if lock ~= "" and tonumber(lock_rev) > known_rev then
    redis.call("HSET", meta, "locked", lock, "locked_rev", lock_rev)
  end
end
if #events > 0 then
  local message = cmsgpack.pack({VERSION, EVENTS, room_key, epoch, first, events})
  for _, name in ipairs(targets) do redis.call(publish, channel .. name, message) end
end
return {1, epoch, seq, redis.call("HGETALL", room), closed, peak, now - opened_ms}
