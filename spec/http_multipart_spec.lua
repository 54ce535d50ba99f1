--- Forms and uploads: whole ones, ones in pieces, and ones that lie.
local assert = require("luassert")
local chuck = require("chuck")
local http = require("spec.helper.http")
local lfs = require("lfs")
local net = require("spec.helper.net")
local program = require("spec.helper.program")
local tasks = require("spec.helper.tasks")

local co, io = chuck.co, chuck.io
local spec = tasks.spec

local TYPE = "Content-Type: multipart/form-data; boundary=XX"
local folder

before_each(function()
  folder = program.folder()
end)

after_each(function()
  program.shell("rm -rf " .. folder)
end)

--- A part: its disposition, its content, and a type if it has one.
local function part(disposition, content, kind)
  return "--XX\r\nContent-Disposition: form-data; "
    .. disposition
    .. (kind and "\r\nContent-Type: " .. kind or "")
    .. "\r\n\r\n"
    .. content
    .. "\r\n"
end

local BODY = part('name="title"', "a title")
  .. part('name="up"; filename="C:\\dir\\x.png"', "\r\n--X\0\r\n--XY", "image/png")
  .. part('name="title"', "another")
  .. part('name="none"; filename=""', "", "application/octet-stream")
  .. "--XX--\r\n"

--- Names of the files that are in the folder.
local function names()
  local found = {}
  for name in lfs.dir(folder) do
    if name ~= "." and name ~= ".." then
      found[#found + 1] = name
    end
  end
  return found
end

--- What `fn(req)` gives for one request: its results in a table.
local function results_of(fn, text, options)
  local results
  local server = http.serve(function(req)
    results = { fn(req) }
    return "done"
  end, options)
  local answer = http.ask(server, text)
  assert.are.equal("done", answer.body)
  return results, server
end

local function read_form(max)
  return function(req)
    return req:Form(max)
  end
end

--- Reads everything into the folder.
local function collect(options)
  options = options or { folder = folder }
  return function(req)
    local reader, message, code = req:Multipart(options)
    if not reader then
      return nil, message, code
    end
    return reader:Collect()
  end
end

describe("a form", function()
  it(
    "is decoded as browsers send it",
    spec(function()
      local kind = "Content-Type: application/x-www-form-urlencoded; charset=UTF-8"
      local text = http.post("/", "name=J%C3%BCrgen+X&tag=a&tag=b&empty=&bare", kind)
      local results = results_of(read_form(), text)
      local form, list = results[1], results[2]
      assert.are.same({ name = "Jürgen X", tag = "a", empty = "", bare = "" }, form)
      assert.are.equal(5, #list)
      assert.are.same({ "tag", "b" }, list[3])
    end)
  )

  it(
    "of several parts has its files as tables",
    spec(function()
      local form = results_of(read_form(), http.post("/", BODY, TYPE))[1]
      assert.are.equal("a title", form.title)
      local data = "\r\n--X\0\r\n--XY"
      assert.are.same({ filename = "x.png", type = "image/png", data = data }, form.up)
    end)
  )

  it(
    "is refused when it is too large, has too many fields, or is none",
    spec(function()
      local urlencoded = "Content-Type: application/x-www-form-urlencoded"
      for _, case in ipairs({
        { "EHTTPTOOLARGE", http.post("/", ("a"):rep(101), urlencoded), 100 },
        { "EHTTPTOOLARGE", http.post("/", ("a&"):rep(2000), urlencoded) },
        { "EHTTPTOOLARGE", http.post("/", BODY, TYPE), 20 },
        { "EHTTPTOOLARGE", http.post("/", part('name="a"', ""):rep(1001) .. "--XX--", TYPE) },
        { "EINVAL", http.post("/", "{}", "Content-Type: application/json") },
        { "EINVAL", http.post("/", "a=b") },
        { "EINVAL", http.post("/", BODY, "Content-Type: multipart/form-data") },
        { "EHTTPPARSE", http.post("/", BODY:sub(1, -10), TYPE) },
      }) do
        local results = results_of(read_form(case[3]), case[2])
        assert.is_nil(results[1])
        assert.is_string(results[2])
        assert.are.equal(case[1], results[3])
      end
    end)
  )
end)

describe("an upload", function()
  it(
    "goes to a folder, under names that the client does not choose",
    spec(function()
      local form = results_of(collect(), http.post("/", BODY, TYPE))[1]
      -- No file was chosen for "none".
      assert.are.same({ title = "a title", none = "" }, form.fields)
      assert.are.equal(4, #form.list)
      assert.are.equal(1, #form.files)
      local file = form.files[1]
      assert.are.equal("x.png", file.filename)
      assert.are.equal("image/png", file.type)
      assert.are.equal(12, file.size)
      assert.are.equal("\r\n--X\0\r\n--XY", program.read(file.path))
      assert.are.equal(folder, file.path:match("^(.*)/upload%-%x+$"))
      assert.are.equal(1, #names())
    end)
  )

  it(
    "reads the same however it is cut",
    spec(function()
      local seen = {}
      local server = http.serve(function(req)
        local form = assert(req:Multipart({ folder = folder }):Collect())
        for _, entry in ipairs(form.list) do
          local content = entry.value or program.read(entry.path)
          seen[#seen + 1] = entry.name .. "=" .. content
        end
        return "done"
      end)
      local expected = { "title=a title", "up=\r\n--X\0\r\n--XY", "title=another", "none=" }
      for _, size in ipairs({ 1, 3, 7, 64 }) do
        seen = {}
        local client = http.connect(server)
        client:Write(http.text("POST / HTTP/1.1", "Host: a", TYPE, "Transfer-Encoding: chunked"))
        for at = 1, #BODY, size do
          local piece = BODY:sub(at, at + size - 1)
          client:Write(("%x\r\n"):format(#piece) .. piece .. "\r\n")
          co.sleep(0)
        end
        client:Write("0\r\n\r\n")
        assert.are.equal("done", http.read(client).body)
        assert.are.same(expected, seen)
      end
    end)
  )

  it(
    "goes piece by piece to a function",
    spec(function()
      local total, pieces = 0, 0
      local function on_file(up)
        local piece = up:Read()
        while piece do
          total, pieces = total + #piece, pieces + 1
          piece = up:Read()
        end
        return { was = up.filename }
      end
      local body = part('name="a"; filename="../../etc/passwd"', net.pattern(2000000)) .. "--XX--"
      local form = results_of(collect({ on_file = on_file }), http.post("/", body, TYPE))[1]
      assert.are.equal(2000000, total)
      assert.is_true(pieces > 1)
      assert.are.equal("passwd", form.files[1].result.was)
      assert.are.equal(2000000, form.files[1].size)
      local function refuse()
        return nil, "not today", "EACCES"
      end
      local results = results_of(collect({ on_file = refuse }), http.post("/", body, TYPE))
      assert.are.same({ nil, "not today", "EACCES" }, results)
    end)
  )

  it(
    "is read part by part, and what was not read is skipped",
    spec(function()
      local found = results_of(function(req)
        local reader = assert(req:Multipart())
        local parts = {}
        while true do
          local up, message = reader:Next()
          if not up then
            assert(not message, message)
            assert.is_nil((reader:Next()))
            return parts
          end
          parts[#parts + 1] = up.name .. ":" .. tostring(up.filename) .. ":" .. up.type
          if #parts == 3 then
            assert.are.equal("another", up:Text())
            assert.are.equal("", up:Text())
            assert.is_nil((up:Read()))
          end
        end
      end, http.post("/", BODY, TYPE))[1]
      assert.are.same({
        "title:nil:text/plain",
        "up:x.png:image/png",
        "title:nil:text/plain",
        "none:nil:application/octet-stream",
      }, found)
    end)
  )

  it(
    "leaves nothing behind when it passes a limit or breaks off",
    spec(function()
      local two = part('name="a"; filename="1"', ("x"):rep(50))
        .. part('name="b"; filename="2"', ("x"):rep(60))
      local long = part('name="f"', ("x"):rep(60))
      for _, case in ipairs({
        { "EHTTPTOOLARGE", two .. "--XX--", { folder = folder, max_file = 50 } },
        { "EHTTPTOOLARGE", two .. long .. "--XX--", { folder = folder, max_field = 59 } },
        { "EHTTPTOOLARGE", two .. "--XX--", { folder = folder, max_parts = 1 } },
        { "EHTTPTOOLARGE", two .. "--XX--", { folder = folder, max_head = 20 } },
        { "EHTTPPARSE", two, { folder = folder } },
        { "EHTTPPARSE", two .. "--XX\r\nno head", { folder = folder } },
        { "EINVAL", two .. "--XX--", {} },
      }) do
        local results = results_of(collect(case[3]), http.post("/", case[2], TYPE))
        assert.is_nil(results[1])
        assert.are.equal(case[1], results[3], results[2])
        assert.are.same({}, names())
      end
      local gone = { folder = folder .. "/none" }
      local results = results_of(collect(gone), http.post("/", two .. "--XX--", TYPE))
      assert.are.equal("EIO", results[3])
    end)
  )

  it(
    "leaves nothing behind when the client goes, or the handler is cancelled",
    spec(function()
      local server = http.serve(function(req)
        assert(req:Multipart({ folder = folder }):Collect())
      end, { on_error = function() end })
      for _, connect in ipairs({ http.connect, http.connect_rudely }) do
        local client = connect(server)
        client:Write(
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n" .. TYPE .. "\r\n\r\n"
        )
        client:Write(part('name="a"; filename="1"', ("x"):rep(1000)))
        client:Write(part('name="b"; filename="2"', ("x"):rep(1000)):sub(1, -100))
        tasks.wait("two files", function()
          return #names() == 2
        end)
        client:Close(0)
        tasks.wait("no file", function()
          return #names() == 0
        end)
      end
    end)
  )

  it(
    "never overwrites a file",
    spec(function()
      program.write(folder .. "/mine", "precious")
      local results = results_of(function(req)
        return req:Multipart():Next():SaveTo(folder .. "/mine")
      end, http.post("/", BODY, TYPE))
      assert.are.equal("EEXIST", results[3])
      assert.are.equal("precious", program.read(folder .. "/mine"))
      results = results_of(function(req)
        return req:Multipart():Next():SaveTo(folder .. "/new")
      end, http.post("/", BODY, TYPE))
      assert.are.equal(7, results[1])
      assert.are.equal("a title", program.read(folder .. "/new"))
    end)
  )

  it(
    "is refused as an argument at the caller's line",
    spec(function()
      local results = results_of(function(req)
        local problems = {}
        for _, call in ipairs({
          function()
            req:Multipart({ folder = 7 })
          end,
          function()
            req:Multipart({ max_size = 7 })
          end,
          function()
            req:Form("much")
          end,
          function()
            req:Multipart().Next({})
          end,
        }) do
          problems[#problems + 1] = tostring(select(2, pcall(call)))
        end
        return (table.unpack or unpack)(problems)
      end, http.post("/", BODY, TYPE))
      assert.are.equal(4, #results)
      for _, problem in ipairs(results) do
        assert.matches("http_multipart_spec%.lua:%d+: ", problem)
      end
    end)
  )

  it(
    "of curl arrives as it was",
    spec(function()
      local content = net.pattern(3000000)
      program.write(folder .. "/sent", content)
      local server = http.serve(function(req)
        local form = assert(req:Multipart({ folder = folder }):Collect())
        net.assert_same_bytes(content, program.read(form.files[1].path))
        return form.fields.note .. " " .. form.files[1].filename
      end)
      local url = "http://" .. server:GetSockAddr() .. "/"
      local up = "up=@" .. folder .. "/sent;filename=a name.bin"
      local child = assert(io.popen({ "curl", "-sS", "-F", "note=hi", "-F", up, url }))
      assert.are.equal("hi a name.bin", child:ReadAll())
      assert.are.equal(0, child:Wait())
    end)
  )
end)
