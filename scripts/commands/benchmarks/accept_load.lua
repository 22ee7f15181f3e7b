-- For wrk: Sentry webhooks that differ, each signed. Arguments: template, secret, first number, and
-- how many milliseconds each connection waits before the next one.
-- Signing is left to OpenSSL, which wrk is linked with, so that the load costs little.
local ffi = require("ffi")
ffi.cdef [[
  const void *EVP_sha256(void);
  unsigned char *HMAC(const void *type, const void *key, int key_len,
                      const unsigned char *data, size_t data_len,
                      unsigned char *digest, unsigned int *digest_len);
]]
local ssl = ffi.load("libcrypto.so.3")
local digest = ffi.new("unsigned char[32]")
local hex = {}
for byte = 0, 255 do hex[byte] = string.format("%02x", byte) end

local ISSUES = 1000
local secret, number, wait_ms
local parts = {}
local headers = {
  ["Content-Type"] = "application/json",
  ["Sentry-Hook-Resource"] = "event_alert",
}

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local template = file:read("*a")
  file:close()
  secret, number, wait_ms = arguments[2], tonumber(arguments[3]), tonumber(arguments[4])
  -- wrk calls it if there is one, and sends otherwise without a timer.
  if wait_ms > 0 then delay = function() return wait_ms end end
  for text, name in (template .. "@END@"):gmatch("(.-)@(%u+)@") do
    parts[#parts + 1] = text
    parts[#parts + 1] = name
  end
end

local function signature(body)
  ssl.HMAC(ssl.EVP_sha256(), secret, #secret, body, #body, digest, nil)
  local digits = {}
  for at = 0, 31 do digits[at + 1] = hex[digest[at]] end
  return table.concat(digits)
end

function request()
  number = number + 1
  local values = {
    EVENT = string.format("%032x", number),
    ISSUE = string.format("%04d", number % ISSUES),
    NUMBER = tostring(number),
    LINE = tostring(100 + number % 7),
    END = "",
  }
  local pieces = {}
  for at = 1, #parts, 2 do
    pieces[at] = parts[at]
    pieces[at + 1] = values[parts[at + 1]]
  end
  local body = table.concat(pieces)
  headers["Sentry-Hook-Signature"] = signature(body)
  return wrk.format("POST", "/api/webhooks/sentry", headers, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answers":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"max_ms":%f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
