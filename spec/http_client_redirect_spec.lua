--- Redirects: what goes along, and what does not.
local chuck = require("chuck")
local hand = require("spec.helper.http_hand")
local tasks = require("spec.helper.tasks")

local http = chuck.http

--- A server whose path "/STATUS?to=URL" redirects there, and that says hello elsewhere.
local function redirecting()
  return hand.serve(function(stream, request)
    local status, to = request.target:match("^/(%d%d%d)%?to=(.*)$")
    if status then
      to = to:gsub("%%(%x%x)", function(digits)
        return string.char(tonumber(digits, 16))
      end)
      stream:Write(
        hand.answer(tonumber(status), { "Location: " .. to }, request.method ~= "HEAD" and "moved")
      )
    else
      stream:Write(hand.answer(200, nil, request.method ~= "HEAD" and "hello"))
    end
  end)
end

describe("a redirect", function()
  for _, case in ipairs({
    { 301, "GET", "GET" },
    { 301, "POST", "GET" },
    { 301, "PUT", "PUT" },
    { 302, "POST", "GET" },
    { 302, "DELETE", "DELETE" },
    { 303, "POST", "GET" },
    { 303, "PUT", "GET" },
    { 303, "HEAD", "HEAD" },
    { 307, "POST", "POST" },
    { 307, "PUT", "PUT" },
    { 308, "POST", "POST" },
    { 308, "GET", "GET" },
  }) do
    local status, before, after = case[1], case[2], case[3]
    it(
      ("with %d makes %s of %s"):format(status, after, before),
      tasks.spec(function()
        local server, client = redirecting(), hand.client()
        local has_body = before == "POST" or before == "PUT"
        local response = assert(client:Request(server.url .. ("/%d?to=/end"):format(status), {
          method = before,
          body = has_body and "text" or nil,
          headers = { ["Content-Type"] = has_body and "text/plain" or nil },
        }))
        local last = server.requests[2]
        assert.are.same({ after, "/end" }, { last.method, last.target })
        local keeps = has_body and after == before
        assert.are.equal(keeps and "text" or "", last.body)
        assert.are.equal(keeps and "text/plain" or nil, last.fields["content-type"])
        assert.are.equal(server.url .. "/end", response.url)
        assert.are.equal(status, response.history[1].status)
        assert.are.equal(1, server.opened)
      end)
    )
  end

  it(
    "is followed beside the URL it comes from",
    tasks.spec(function()
      local server, client = redirecting(), hand.client()
      for to, expected in pairs({
        ["x"] = "/x",
        ["%3Fq"] = "/302?q",
        ["/a/../b"] = "/b",
        ["//" .. server.address .. "/c"] = "/c",
      }) do
        local response = assert(client:Get(server.url .. "/302?to=" .. to))
        assert.are.equal(server.url .. expected, response.url)
      end
    end)
  )

  it(
    "takes credentials along to the same origin only",
    tasks.spec(function()
      local here, there = redirecting(), redirecting()
      local client = hand.client({ headers = { ["X-Kept"] = "1" } })
      local secrets = {
        { basic = { "me", "secret" } },
        { bearer = "secret" },
        { headers = { Authorization = "secret", Cookie = "id=secret", Host = "own.test" } },
        { headers = { ["Proxy-Authorization"] = "secret" } },
      }
      for _, options in ipairs(secrets) do
        assert(client:Get(here.url .. "/302?to=/end", options))
        local same = here.requests[#here.requests].head
        assert(same:find("secret", 1, true) or same:find("Basic", 1, true), same)
        assert(client:Get(here.url .. "/302?to=" .. there.url .. "/end", options))
        local other = there.requests[#there.requests]
        assert.is_nil(other.head:find("secret", 1, true))
        assert.is_nil(other.fields.authorization)
        assert.are.same({ there.address, "1" }, { other.fields.host, other.fields["x-kept"] })
      end
    end)
  )

  it(
    "takes user and password of the URL along on the way, and none from a server",
    tasks.spec(function()
      local here, there = redirecting(), redirecting()
      local client = hand.client()
      assert(client:Get("http://me:secret@" .. here.address .. "/302?to=/end"))
      assert.are.equal("Basic bWU6c2VjcmV0", here.requests[2].fields.authorization)
      assert(client:Get(here.url .. "/302?to=http://you:other@" .. there.address))
      assert.is_nil(there.requests[1].fields.authorization)
    end)
  )

  it(
    "takes user and password of the URL nowhere else",
    tasks.spec(function()
      local here, there = redirecting(), redirecting()
      local client = hand.client()
      assert(client:Get("http://me:secret@" .. here.address .. "/302?to=" .. there.url))
      assert.is_string(here.requests[1].fields.authorization)
      assert.is_nil(there.requests[1].fields.authorization)
    end)
  )

  it(
    "does not bring credentials back that were dropped",
    tasks.spec(function()
      local here, there = redirecting(), redirecting()
      local back = there.url .. "/302?to=" .. here.url:gsub("/", "%%2F") .. "%2Fend"
      assert(hand.client():Get(here.url .. "/302?to=" .. back, { bearer = "secret" }))
      local last = here.requests[#here.requests]
      assert.are.same({ "/end" }, { last.target, last.fields.authorization })
    end)
  )

  it(
    "is not followed when nobody wants that",
    tasks.spec(function()
      local server, client = redirecting(), hand.client()
      for _, redirects in ipairs({ false, 0 }) do
        local response = assert(client:Get(server.url .. "/302?to=/end", { redirects = redirects }))
        assert.are.same({ 302, "/end", "moved" }, {
          response.status,
          response.headers.location,
          response:Body(),
        })
      end
    end)
  )

  it(
    "asks the program, if that wants to be asked",
    tasks.spec(function()
      local server = redirecting()
      local asked = {}
      local client = hand.client({
        redirects = function(url, response)
          asked[#asked + 1] = response.status .. " " .. url
          return not url:find("forbidden")
        end,
      })
      assert.are.equal(200, assert(client:Get(server.url .. "/302?to=/end")).status)
      assert.are.equal(302, assert(client:Get(server.url .. "/302?to=/forbidden")).status)
      assert.are.same(
        { "302 " .. server.url .. "/end", "302 " .. server.url .. "/forbidden" },
        asked
      )
    end)
  )

  it(
    "without Location, and other answers of the kind 3xx, are answers",
    tasks.spec(function()
      for _, status in ipairs({ 300, 302, 304, 305 }) do
        local server = hand.say(("HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n"):format(status))
        assert.are.equal(status, assert(hand.client():Get(server.url)).status)
      end
    end)
  )

  it(
    "is the answer when the body cannot be sent again",
    tasks.spec(function()
      local server, client = redirecting(), hand.client({ expect = false })
      local is_made = false
      local response = assert(client:Post(server.url .. "/307?to=/end", {
        body = function()
          if not is_made then
            is_made = true
            return "x"
          end
        end,
      }))
      assert.are.same({ 307, "moved" }, { response.status, response:Body() })
    end)
  )

  it(
    "to https waits for TLS",
    tasks.spec(function()
      local server = redirecting()
      local response, _, code = hand.client():Get(server.url .. "/302?to=https://127.0.0.1:1/")
      assert.is_nil(response)
      assert.are.equal("ENOSYS", code)
    end)
  )

  it(
    "lets cookies be set and sent on the way",
    tasks.spec(function()
      local server = hand.serve(function(stream, request)
        if request.target == "/login" then
          stream:Write(hand.answer(302, { "Location: /home", "Set-Cookie: id=7; Path=/" }))
        else
          stream:Write(hand.answer(200))
        end
      end)
      local client = hand.client({ jar = http.jar() })
      assert(client:Get(server.url .. "/login"))
      assert.are.equal("id=7", server.requests[2].fields.cookie)
    end)
  )
end)
