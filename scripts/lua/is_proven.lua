-- Tells whether a word proves who may take a membership over, or could have, before that was replaced.
--
-- KEYS  room replaced
-- ARGV  peer proven_by
--       replaced: what proved it, of a membership that another of the same identity has replaced
-- Returns  {1}; {0} when there is no membership with that proof; {-8} it was replaced
-- Publishes  nothing
local room, replaced = unpack(KEYS)
local peer, proven_by = unpack(ARGV)

local REPLACED = -8
local PROOF = 8 -- in a packed member

local function is_in(proof)
  return proof and (" " .. proof .. " "):find(" " .. proven_by .. " ", 1, true)
end

local packed = redis.call("HGET", room, peer)
if is_in(packed and cmsgpack.unpack(packed)[PROOF]) then return {1} end
if is_in(redis.call("GET", replaced)) then return {REPLACED} end
return {0}
