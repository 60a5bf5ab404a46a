-- Replaces the proof with which a member of this node may be taken over. It is announced to nobody.
--
-- KEYS  room
-- ARGV  lease_until node peer generation proof
-- Returns  {1}; {0} when it is no such member; {-2} the lease of the calling node is over
-- Publishes  nothing
local room = KEYS[1]
local lease_until, node, peer, generation, proof = unpack(ARGV)

local LEASE_OVER = -2
local NODE, GENERATION, BORN, PROOF = 1, 2, 7, 8 -- in a packed member

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now >= tonumber(lease_until) then return {LEASE_OVER} end

local packed = redis.call("HGET", room, peer)
local member = packed and cmsgpack.unpack(packed)
if not member or member[NODE] ~= node or member[GENERATION] ~= tonumber(generation) then return {0} end

member[BORN], member[PROOF] = member[BORN] or false, proof
redis.call("HSET", room, peer, cmsgpack.pack(member))
return {1}
