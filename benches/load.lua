-- What wrk sends: the contacts in turn, or one path, with the credentials of a key. It prints what came of it as one
-- line of JSON. Run by load.rs, which sets the variables.

local count = tonumber(os.getenv("BENCH_CONTACTS"))
local length = tonumber(os.getenv("BENCH_CHECK_LENGTH") or "")
local threads = {}

-- Each of wrk's threads has globals of its own, and only globals can be read from outside.
bad = 0

function setup(thread)
    table.insert(threads, thread)
end

local requests = {}
local turn = 0

function init()
    wrk.headers["X-API-Key"] = os.getenv("BENCH_API_KEY")
    wrk.headers["X-API-Secret"] = os.getenv("BENCH_API_SECRET")
    local only = os.getenv("BENCH_PATH")
    if only then
        count = 1
        requests[0] = wrk.format("GET", only)
        return
    end
    for number = 0, count - 1 do
        local path = "/v1/open/contacts/customer-%04d/chatbots/%s"
        requests[number] = wrk.format("GET", path:format(number, os.getenv("BENCH_AGENT")))
    end
end

function request()
    turn = (turn + 1) % count
    return requests[turn]
end

-- Looking at every answer costs wrk so much that it would slow the load down: it is done while the
-- server warms up. Statuses from 400 on and broken connections are counted by wrk itself, always.
if length then
    function response(status, _, body)
        if status ~= 200 or #body ~= length then
            bad = bad + 1
        end
    end
end

function done(summary, latency)
    local errors = summary.errors
    for _, thread in ipairs(threads) do
        bad = bad + thread:get("bad")
    end
    bad = bad + errors.connect + errors.read + errors.write + errors.timeout
    io.write(string.format(
        '{"requests":%d,"seconds":%.6f,"refused":%d,"bad":%d,"p50Ms":%.3f,"p99Ms":%.3f}\n',
        summary.requests,
        summary.duration / 1e6,
        errors.status,
        bad,
        latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3
    ))
end
