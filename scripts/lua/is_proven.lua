-- Tells whether a word proves who may take a membership over.
--
-- KEYS  room
-- ARGV  peer proven_by
-- Returns  {1}; {0} when there is no membership with that proof
-- Publishes  nothing
local room = KEYS[1]
local peer, proven_by = unpack(ARGV)

local PROOF = 8 -- in a packed member

local packed = redis.call("HGET", room, peer)
local proof = packed and cmsgpack.unpack(packed)[PROOF]
if not proof or not (" " .. proof .. " "):find(" " .. proven_by .. " ", 1, true) then return {0} end
return {1}
