-- Changes rooms of one partition, one change after the other: who of a node joins or leaves, their status, their frames. Each
-- is done and gets its place in the log of its room, or is refused; what all of them announce is published behind the last.
--
-- KEYS  rooms_of connection_time room_peaks room... meta... nodes...
-- ARGV  lease_until publish channel node rooms_of_prefix replaced_infix replaced_seconds change...
--       rooms_of_prefix: with a node's id behind it, its rooms_of; of the same slot as the keys
--       replaced_infix: between a room and a peer, the key that keeps the proof of one that was replaced, for replaced_seconds
--       change: the words of each change, in the order of the rooms with dots, which may come more than once:
--         join room_key peer generation rev status limit if_taken epoch with_snapshot proof proven_by mark if_there
--         leave room_key peer generation
--         status room_key peer rev status
--         frame room_key peer rev text to lock
-- Returns  {1, what became of each change, ...}, as its function says; {-2} the lease of the calling node is over
-- Publishes  to each node that has something to hear, once: all events, room by room
local rooms_of, connection_time, room_peaks = unpack(KEYS, 1, 3)
local lease_until, publish, channel, node, rooms_of_prefix, replaced_infix, replaced_seconds = unpack(ARGV, 1, 7)
local OTHER_KEYS, OTHER_ARGS = 3, 7

local FULL, LEASE_OVER, TAKEN, UNPROVEN, LOCKED, IDENTITY_IN_ROOM = -1, -2, -4, -5, -6, -7
local VERSION, EVENTS = 1, 1
local EVENT_JOINED, EVENT_LEFT, EVENT_STATUS, EVENT_FRAME, EVENT_MOVED = 1, 2, 3, 4, 5
local ALL, OTHERS = 0, 1 -- whom a frame is for
local NODE, GENERATION, REV, JOINED_MS, ORDER, STATUS, BORN, PROOF, MARK = 1, 2, 3, 4, 5, 6, 7, 8, 9
-- in a packed member: node, generation, rev, joined_ms, order, status, born (false unless it was taken over), proof or false,
-- and its mark, if it has one

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(lease_until) then return {LEASE_OVER} end

local told, hearers = {}, {} -- by node: what it is told; the nodes in order
local function announce(targets, room_key, epoch, first, events)
  for _, name in ipairs(targets) do
    local message = told[name]
    if not message then
      message = {VERSION, EVENTS}
      told[name], hearers[#hearers + 1] = message, name
    end
    local last = #message
    message[last + 1], message[last + 2], message[last + 3], message[last + 4] = room_key, epoch, first, events
  end
end

local minutes = {} -- as a member: how many left after so many
local function count_minutes(member)
  local stayed = math.floor((now - member[JOINED_MS]) / 60000)
  minutes[stayed] = (minutes[stayed] or 0) + 1
end

local function count_out(nodes, name, room_key)
  if redis.call("HINCRBY", nodes, name, -1) > 0 then return end
  redis.call("HDEL", nodes, name)
  redis.call("SREM", rooms_of_prefix .. name, room_key)
end

-- Others with this mark: mostly none, never more than one but for a fault.
local function find_marked(room, mark, peer)
  local found = {}
  local all = redis.call("HGETALL", room)
  for at = 1, #all, 2 do
    -- Looked for as bytes first: to unpack each would take many times as long.
    if all[at] ~= peer and all[at + 1]:find(mark, 1, true) then
      local other = cmsgpack.unpack(all[at + 1])
      if other[MARK] == mark then found[#found + 1] = {all[at], other} end
    end
  end
  return found
end

-- Adds a member, unless it is one already, the room is full or locked, or its identity is there.
--   if_taken: leave, take_over or refuse, when there is another membership of the peer
--   epoch: for the room, should it be new; the reply with the same epoch means that this call opened it
--   proof: kept with the member and announced to nobody, empty for none; one word, or several with a space between
--   proven_by: empty, or a word of the proof of the membership to be taken over, which keeps its status
--   mark: whose it is, where an identity may be in a room once; else empty
--   if_there: refuse or replace, when there is another member with that mark
-- Returns {1, epoch, seq, {peer, packed member, ...}}, the list only if with_snapshot is 1; {-1} the room is full;
-- {-4} the peer is taken; {-5} there is no membership with that proof; {-6} the room is locked; {-7} there is another member
-- with that mark. Announces joined, with a left before it for each that leaves for it; moved, when it is taken over.
local function join(room, meta, nodes, room_key, peer, generation, rev, status, limit, if_taken, epoch, with_snapshot,
                    proof, proven_by, mark, if_there)
  generation, rev, limit = tonumber(generation), tonumber(rev), tonumber(limit)
  local function joined(at_seq)
    return {1, epoch, at_seq, with_snapshot == "1" and redis.call("HGETALL", room) or nil}
  end

  local known = redis.call("HMGET", meta, "epoch", "seq", "peak", "locked")
  local is_new, seq, peak = not known[1], tonumber(known[2] or 0), tonumber(known[3] or 0)
  epoch = known[1] or epoch
  local size = redis.call("HLEN", room)
  if is_new and size > 0 then -- what is left of a room of which Redis has dropped a key
    redis.call("DEL", room, nodes)
    size = 0
  end
  local packed = size > 0 and redis.call("HGET", room, peer)
  local before = packed and cmsgpack.unpack(packed)
  if before and before[NODE] == node and before[GENERATION] == generation then return joined(seq) end
  if proven_by ~= "" then
    local proof_before = before and before[PROOF]
    if not proof_before or not (" " .. proof_before .. " "):find(" " .. proven_by .. " ", 1, true) then return {UNPROVEN} end
    status = before[STATUS]
  end
  if before and if_taken == "refuse" then return {TAKEN} end
  local takes_over = before and if_taken == "take_over"
  local replaced = mark ~= "" and not takes_over and size > 0 and find_marked(room, mark, peer) or {}
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
    count_minutes(member)
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
    if member[PROOF] then
      redis.call("SET", room .. replaced_infix .. its_peer, member[PROOF], "EX", replaced_seconds)
    end
  end
  local event = {born and EVENT_MOVED or EVENT_JOINED, peer, node, generation, rev, status, born}
  if mark ~= "" then event[7], event[8] = born or false, mark end
  events[#events + 1] = event
  seq = seq + #events
  if not before or before[NODE] ~= node then
    if redis.call("HINCRBY", nodes, node, 1) == 1 then redis.call("SADD", rooms_of, room_key) end
  end
  local targets = redis.call("HKEYS", nodes)
  if before and before[NODE] ~= node then count_out(nodes, before[NODE], room_key) end
  for _, entry in ipairs(replaced) do count_out(nodes, entry[2][NODE], room_key) end
  local member = {node, generation, rev, joined_ms, order or seq, status, born or false, proof ~= "" and proof}
  if mark ~= "" then member[MARK] = mark end
  redis.call("HSET", room, peer, cmsgpack.pack(member))
  if is_new then
    redis.call("HSET", meta, "epoch", epoch, "seq", seq, "peak", size, "opened_ms", now)
  else
    redis.call("HSET", meta, "seq", seq, "peak", math.max(peak, size))
  end
  announce(targets, room_key, epoch, first, events)
  return joined(seq)
end

-- Removes a member of this generation and counts its minutes. The last one closes the room.
-- Returns {1, epoch, seq}, and behind them 1, peak, open_ms when it was closed; {0} no such member. Announces left, also to
-- the calling node.
local function leave(room, meta, nodes, room_key, peer, generation)
  local packed = redis.call("HGET", room, peer)
  local member = packed and cmsgpack.unpack(packed)
  if not member or member[NODE] ~= node or member[GENERATION] ~= tonumber(generation) then return {0} end

  local targets = redis.call("HKEYS", nodes)
  redis.call("HDEL", room, peer)
  count_minutes(member)
  count_out(nodes, node, room_key)
  local known = redis.call("HMGET", meta, "epoch", "seq", "peak", "opened_ms")
  local epoch = known[1]
  if not epoch then return {0} end -- Redis has dropped the log: there is nothing to go on with
  local seq = known[2] + 1
  announce(targets, room_key, epoch, seq, {{EVENT_LEFT, peer, member[GENERATION]}})
  if redis.call("HLEN", room) > 0 then
    redis.call("HSET", meta, "seq", seq)
    return {1, epoch, seq}
  end
  local peak = tonumber(known[3])
  redis.call("DEL", meta, nodes)
  redis.call("HINCRBY", room_peaks, peak, 1)
  return {1, epoch, seq, 1, peak, now - known[4]}
end

-- The member of the calling node that says something newer than before, and the epoch of its room; nil when there is none.
local function find_speaker(room, meta, peer, rev)
  local packed = redis.call("HGET", room, peer)
  local member = packed and cmsgpack.unpack(packed)
  local epoch = redis.call("HGET", meta, "epoch")
  if not member or not epoch or member[NODE] ~= node or rev <= member[REV] then return nil end
  member[REV] = rev
  return member, epoch
end

-- Replaces the status of a member. Returns {1, epoch, seq}; {0} it is none, or this is not newer. Announces status.
local function set_status(room, meta, nodes, room_key, peer, rev, status)
  rev = tonumber(rev)
  local member, epoch = find_speaker(room, meta, peer, rev)
  if not member then return {0} end
  member[STATUS] = status
  redis.call("HSET", room, peer, cmsgpack.pack(member))
  local seq = redis.call("HINCRBY", meta, "seq", 1)
  announce(redis.call("HKEYS", nodes), room_key, epoch, seq, {{EVENT_STATUS, peer, rev, status}})
  return {1, epoch, seq}
end

-- Publishes a frame of a member. Returns {1, epoch, seq}; {0} it is none, or this is not newer. Announces frame.
--   to: all, or others: all but the member itself
--   lock: 1 locks the room with it, 0 unlocks it, empty leaves it as it is
local function publish_frame(room, meta, nodes, room_key, peer, rev, text, to, lock)
  rev = tonumber(rev)
  local member, epoch = find_speaker(room, meta, peer, rev)
  if not member then return {0} end
  redis.call("HSET", room, peer, cmsgpack.pack(member))
  local seq = redis.call("HINCRBY", meta, "seq", 1)
  local event = {EVENT_FRAME, peer, text}
  if to == "others" then event[4] = OTHERS end
  if lock ~= "" then
    event[4], event[5], event[6] = event[4] or ALL, tonumber(lock), rev
    redis.call("HSET", meta, "locked", lock, "locked_rev", rev)
  end
  announce(redis.call("HKEYS", nodes), room_key, epoch, seq, {event})
  return {1, epoch, seq}
end

local CHANGES = {join = join, leave = leave, status = set_status, frame = publish_frame}
local WORDS = {join = 13, leave = 3, status = 4, frame = 6} -- behind its kind

local replies, failure = {1}, nil
local count, at = (#KEYS - OTHER_KEYS) / 3, OTHER_ARGS + 1
for number = 1, count do
  local kind, key = ARGV[at], OTHER_KEYS + number
  local words = WORDS[kind]
  local room, meta, nodes = KEYS[key], KEYS[key + count], KEYS[key + 2 * count]
  local is_done, reply = pcall(CHANGES[kind], room, meta, nodes, unpack(ARGV, at + 1, at + words))
  if not is_done then
    failure = reply
    break
  end
  replies[number + 1] = reply
  at = at + words + 1
end

-- Whatever stopped it: what was done is announced.
for _, name in ipairs(hearers) do redis.call(publish, channel .. name, cmsgpack.pack(told[name])) end
for stayed, members in pairs(minutes) do redis.call("HINCRBY", connection_time, stayed, members) end
if failure then error(failure, 0) end
return replies
