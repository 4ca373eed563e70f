-- What wrk asks: one kind of request, each by another user and with other values.
-- wrk … -s load.lua URL -- KIND TOKENS LAST SEED; prints one line of figures as JSON.
local tickets = "/api/tickets/tickets"
local tokens, last = {}, 1
sent, refused, refusal = -1, 0, ""  -- wrk makes one request that it does not send.

local kinds = {
  ticket = function() return "GET", tickets .. "/" .. math.random(last) end,
  page = function() return "GET", tickets .. "?limite=50&id_estado=" .. math.random(7) end,
  stats = function() return "GET", "/api/tickets/dashboard/stats" end,
  create = function()
    local number = math.random(1000000)
    return "POST", tickets, string.format(
      '{"titulo": "La impresora %d no imprime", "descripcion": "Desde las %d no responde: error %d",'
      .. ' "id_categoria": %d, "id_criticidad": %d, "id_ubicacion": %d}',
      number, math.random(24), number, math.random(8), math.random(4), math.random(9))
  end,
}
local kind

function setup(thread)
  only = thread
end

function init(args)
  kind = kinds[args[1]]
  for token in io.lines(args[2]) do tokens[#tokens + 1] = token end
  last = tonumber(args[3])
  math.randomseed(tonumber(args[4]))
end

function request()
  sent = sent + 1
  local method, path, body = kind()
  local headers = {Authorization = "Bearer " .. tokens[math.random(#tokens)]}
  if body then headers["Content-Type"] = "application/json" end
  return wrk.format(method, path, headers, body)
end

function response(status, _, body)
  if status < 200 or status > 299 then
    refused = refused + 1
    refusal = status .. " " .. body:gsub("[^%w%p ]", " "):gsub('[\\"]', "'"):sub(1, 300)
  end
end

function done(summary, latency)
  local lost = summary.errors
  print(string.format(
    '{"sent": %d, "answered": %d, "seconds": %.6f, "p99": %.3f, "refused": %d, "refusal": "%s", "lost": %d}',
    only:get("sent"), summary.requests, summary.duration / 1e6, latency:percentile(99) / 1e3,
    only:get("refused"), only:get("refusal"), lost.connect + lost.read + lost.write + lost.timeout))
end
