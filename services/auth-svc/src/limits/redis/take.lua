-- Takes a slot in both windows of a key, or in neither, and returns {1 or 0, both windows as they are
-- then}. The decision is here, where nothing comes between; what it means is worked out in window.rs.
--
-- KEYS[1]  the key
-- ARGV[1]  the limit of the minute
-- ARGV[2]  the limit of the hour
-- ARGV[3]  milliseconds until the key is dropped: longer than any slot stays used
-- ARGV[4]  Unix milliseconds, instead of the clock, in tests
--
-- The value is little-endian: the time of the newest slot as 64 bits, then 61 counters of the minute and
-- 61 of the hour as 32 bits each, the oldest first, the running one last.
local COUNTERS = 61
local FORMAT = '<I8' .. string.rep('I4', 2 * COUNTERS)

local now = tonumber(ARGV[4])
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local newest = now
local windows = {}
local value = redis.call('GET', KEYS[1])
if value then
    if #value ~= 8 + 4 * 2 * COUNTERS then
        return redis.error_reply('MALFORMED ' .. KEYS[1] .. ' is not a limit of Keyward')
    end
    windows = {struct.unpack(FORMAT, value)}
    newest = table.remove(windows, 1)
end
-- The clock may have been set back.
now = math.max(now, newest)

-- The counters from `first` on, moved to the present. `length` is that of a sub-bucket in milliseconds.
local function advance(first, length)
    local steps = math.floor(now / length) - math.floor(newest / length)
    local counters, used = {}, 0
    for i = 1, COUNTERS do
        local taken = i + steps <= COUNTERS and windows[first + i - 1 + steps] or 0
        counters[i] = taken
        used = used + taken
    end
    return counters, used
end

local minute, used_in_minute = advance(1, 1000)
local hour, used_in_hour = advance(1 + COUNTERS, 60000)
local allowed = used_in_minute < tonumber(ARGV[1]) and used_in_hour < tonumber(ARGV[2])
if allowed then
    minute[COUNTERS] = minute[COUNTERS] + 1
    hour[COUNTERS] = hour[COUNTERS] + 1
end
for i = 1, COUNTERS do
    minute[COUNTERS + i] = hour[i]
end
local packed = struct.pack(FORMAT, now, unpack(minute))

-- A refused request writes nothing.
if allowed then
    redis.call('SET', KEYS[1], packed, 'PX', ARGV[3])
end
return {allowed and 1 or 0, packed}
