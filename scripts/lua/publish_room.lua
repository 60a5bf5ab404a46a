-- Publishes frames of members of this node, each to its room, in the order of its log, but for those that are no members
-- and for frames that are not newer.
--
-- KEYS  room... meta... nodes...
-- ARGV  lease_until publish channel node room_key... peer... rev... text... to... lock...
--       of each name with dots, one for each frame; to: all, or others: all but the member itself
--       lock: 1 locks the room with it, 0 unlocks it, empty leaves it as it is
-- Returns  {1, epoch, seq, ...}, of each frame, where it was published, else seq 0; {-2} the lease of the calling node is over
-- Publishes  frame, to each node with members in its room
local count = #KEYS / 3
local lease_until, publish, channel, node = unpack(ARGV, 1, 4)

local LEASE_OVER = -2
local VERSION, EVENTS, EVENT_FRAME, ALL, OTHERS = 1, 1, 4, 0, 1
local NODE, REV = 1, 3 -- in a packed member: node, generation, rev, joined_ms, order, status

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(lease_until) then return {LEASE_OVER} end

local function publish_one(room, meta, nodes, arg)
  local room_key, peer, rev, text, to, lock = arg(0), arg(1), tonumber(arg(2)), arg(3), arg(4), arg(5)
  local packed = redis.call("HGET", room, peer)
  local member = packed and cmsgpack.unpack(packed)
  local epoch = redis.call("HGET", meta, "epoch")
  if not member or not epoch or member[NODE] ~= node or rev <= member[REV] then return "", 0 end

  member[REV] = rev
  redis.call("HSET", room, peer, cmsgpack.pack(member))
  local seq = redis.call("HINCRBY", meta, "seq", 1)

  local event = {EVENT_FRAME, peer, text}
  if to == "others" then event[4] = OTHERS end
  if lock ~= "" then
    event[4], event[5], event[6] = event[4] or ALL, tonumber(lock), rev
    redis.call("HSET", meta, "locked", lock, "locked_rev", arg(2))
  end
  local message = cmsgpack.pack({VERSION, EVENTS, room_key, epoch, seq, {event}})
  for _, name in ipairs(redis.call("HKEYS", nodes)) do redis.call(publish, channel .. name, message) end
  return epoch, seq
end

local reply = {1}
for at = 1, count do
  local function arg(name) return ARGV[4 + name * count + at] end
  local epoch, seq = publish_one(KEYS[at], KEYS[count + at], KEYS[2 * count + at], arg)
  reply[2 * at], reply[2 * at + 1] = epoch, seq
end
return reply
