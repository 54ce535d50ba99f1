--- Sockets that change threads: numbers, connections, acceptors. On failure nothing is lost.
local chuck = require("chuck")

local child = require("spec.helper.child")
local net = require("spec.helper.net")
local threads = require("spec.helper.threads")

local cthread = chuck.cthread

--- A thread that answers on every connection that it is sent.
local ECHO = [[
  on_mail = function(from, mail)
    local conn = mail.conn or assert(chuck.connection(mail.fd, 4096))
    conn:Add2Engine(engine, function(conn, packet)
      if packet then conn:Send(packet) else conn:Close() end
    end)
  end
]]

describe("a socket that is sent to a thread", function()
  local world, thread

  before_each(function()
    world = net.open()
    thread = threads.serve(ECHO)
  end)

  after_each(function()
    threads.finish()
    world:close()
  end)

  --- Sends "hello" to `near` and waits for the answer of whoever has the other end.
  local function assert_answers(near, text)
    local seen = net.recorder()
    assert.is_true(near:Add2Engine(world.engine, seen.on_packet))
    near:Send(net.raw(text or "hello"))
    world:wait("the answer", function()
      return seen.text() == (text or "hello")
    end)
  end

  it("as a number is made a connection there", function()
    local near, far = world:fd_pair()
    assert.is_true(cthread.sendmail(thread, { fd = far }))
    assert_answers(world:connection(near))
  end)

  it("as a connection is handed over whole, and the sender's is closed", function()
    local near, far = world:pair()
    assert.is_true(cthread.sendmail(thread, { conn = far }))
    assert.are.equal(-chuck.error.ESOCKCLOSE, far:Send(net.raw("x")))
    assert.is_false((far:Add2Engine(world.engine, net.ignore)))
    assert_answers(near)
  end)

  it("as a datagram socket is handed over whole, with what has arrived", function()
    local sockets = chuck.socket_helper
    local near = chuck.datagram(sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM, 0), 4096)
    local fd = sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM, 0)
    assert(sockets.bind(fd, "127.0.0.1:0") == 0)
    local far = chuck.datagram(fd, 4096)
    local place = far:GetSockAddr()
    assert(near:SendTo(net.raw("early"), place) == 0)
    local echo = threads.serve([[
      on_mail = function(from, mail)
        mail.dgram:Add2Engine(engine, function(dgram, packet, from)
          if packet then dgram:SendTo(packet, from) end
        end)
      end
    ]])
    assert.is_true(far:Add2Engine(world.engine, net.ignore))
    local _, why = pcall(cthread.sendmail, echo, { dgram = far })
    assert.is_truthy(why:find("call RemoveEngine first", 1, true), why)
    far:RemoveEngine()
    assert.is_true(cthread.sendmail(echo, { dgram = far }))
    assert.are.equal(-chuck.error.ESOCKCLOSE, far:SendTo(net.raw("x"), place))
    _, why = pcall(cthread.sendmail, echo, { dgram = far })
    assert.is_truthy(why:find("closed datagram", 1, true), why)
    local answer
    near:Add2Engine(world.engine, function(_, packet, from)
      answer = packet and { packet:ReadBin(), from }
    end)
    world:wait("the answer", function()
      return answer
    end)
    assert.are.same({ "early", place }, answer)
    near:Close()
  end)

  it("as an argument of new, too", function()
    local near, far = world:pair()
    local other = threads.serve(
      [[
      local conn = ...
      conn:Add2Engine(engine, function(conn, packet)
        if packet then conn:Send(packet) else conn:Close() end
      end)
    ]],
      far
    )
    assert.is_truthy(other)
    assert.is_false((far:Add2Engine(world.engine, net.ignore)))
    assert_answers(near)
  end)

  it("comes back as the result of join", function()
    local near, far = world:pair()
    local other = threads.start("return ...", far)
    local back = world:own(threads.join(other))
    assert.is_true(back:Add2Engine(world.engine, net.echo))
    assert_answers(near)
  end)

  it("takes along what is queued, what has arrived, and its settings", function()
    local near, far = world:pair(chuck.decoder.connection.rpacket(65536))
    near:Add2Engine(world.engine, net.ignore)
    -- Half a frame arrives, then the connection changes threads.
    local frame = net.frame(("z"):rep(30000))
    near:Send(frame)
    local seen = net.recorder()
    far:Add2Engine(world.engine, seen.on_packet)
    far:SetHighWater(1, nil, 70000)
    far:PauseRead()
    world:wait("the frame", function()
      return near:QueuedBytes() == 0
    end)
    far:RemoveEngine()
    assert.are.equal(0, far:Send(net.frame("queued")))
    local queued = far:QueuedBytes()
    assert.is_true(queued > 0)
    local other = threads.serve([[
      on_mail = function(from, conn)
        cthread.sendmail(from, { queued = conn:QueuedBytes(), limit = conn:Send(
          chuck.packet.rawpacket(("x"):rep(70000))) })
        conn:Add2Engine(engine, function(_, packet)
          cthread.sendmail(from, { text = packet and packet:ReadStr() })
        end)
        conn:ResumeRead()
      end
    ]])
    local mails = {}
    cthread.process_mail(world.engine, function(_, mail)
      mails[#mails + 1] = mail
    end)
    near:RemoveEngine()
    near:Add2Engine(world.engine, seen.on_packet)
    assert.is_true(cthread.sendmail(other, far))
    world:wait("both", function()
      return #mails == 2 and #seen.packets == 1
    end)
    assert.are.same({ queued = queued, limit = -chuck.error.ENOBUFS }, mails[1])
    assert.are.equal(("z"):rep(30000), mails[2].text)
    assert.are.equal("queued", seen.packets[1]:ReadStr())
  end)

  it("as an acceptor accepts there", function()
    local fd, port = world:listen()
    local acceptor = chuck.acceptor(fd)
    local other = threads.serve([[
      on_mail = function(from, acceptor)
        acceptor:Add2Engine(engine, function(fd)
          chuck.connection(fd, 4096):Add2Engine(engine, function(conn, packet)
            if packet then conn:Send(packet) else conn:Close() end
          end)
        end)
      end
    ]])
    assert.is_true(cthread.sendmail(other, acceptor))
    assert.is_false((acceptor:Add2Engine(world.engine, net.ignore)))
    assert_answers(world:connection(world:connect(port)))
  end)

  it("is refused in an engine, with a word about RemoveEngine, and stays", function()
    local near, far = world:pair()
    far:Add2Engine(world.engine, net.echo)
    local fine, why = pcall(cthread.sendmail, thread, { conn = far })
    assert.is_false(fine)
    assert.is_truthy(why:find("mail.conn: .*RemoveEngine"), why)
    assert_answers(near)
  end)

  it("is refused as an acceptor in an engine", function()
    local acceptor = world:own(chuck.acceptor((world:listen())))
    acceptor:Add2Engine(world.engine, net.ignore)
    local fine, why = pcall(cthread.sendmail, thread, acceptor)
    assert.is_false(fine)
    assert.is_truthy(why:find("an acceptor in an engine cannot be sent", 1, true), why)
  end)

  it("is refused when it is closed, there twice, or owes an on_send_finish", function()
    local near, far = world:pair()
    near:Send(net.raw("x"), function() end)
    far:Close()
    local acceptor = chuck.acceptor((world:listen()))
    for words, mail in pairs({
      ["a closed connection cannot be sent"] = far,
      ["an object that is there twice cannot be sent"] = { acceptor, { acceptor } },
      ["before its on_send_finish was called"] = near,
    }) do
      local fine, why = pcall(cthread.sendmail, thread, mail)
      assert.is_false(fine)
      assert.is_truthy(why:find(words, 1, true), why)
    end
    assert.is_true(acceptor:Add2Engine(world.engine, net.ignore))
    acceptor:Close()
    local fine, why = pcall(cthread.sendmail, thread, acceptor)
    assert.is_false(fine)
    assert.is_truthy(why:find("a closed acceptor cannot be sent", 1, true), why)
  end)

  it("stays with its sender when something else in the mail is refused", function()
    local near, far = world:pair()
    assert.is_false(pcall(cthread.sendmail, thread, { far, print }))
    assert.is_false(pcall(threads.new, "", far, print))
    assert.is_true(far:Add2Engine(world.engine, net.echo))
    assert_answers(near)
  end)

  it("stays with its sender when the thread has ended, or its script does not load", function()
    local near, far = world:pair()
    local ended = threads.start("")
    threads.join(ended)
    assert.are.equal("ETMCLOSE", (select(3, cthread.sendmail(ended, { far }))))
    assert.are.equal("ENOEXEC", (select(3, threads.new("x = = 1", far))))
    assert.are.equal("ENOENT", (select(3, cthread.new("/nowhere.lua", far))))
    assert.is_true(far:Add2Engine(world.engine, net.echo))
    assert_answers(near)
  end)

  it("stays with its sender when the inbox is full", function()
    local near, far = world:pair()
    local me = cthread.self()
    while cthread.sendmail(me, 1) do
    end
    assert.are.equal("EAGAIN", (select(3, cthread.sendmail(me, { far }))))
    assert.is_true(far:Add2Engine(world.engine, net.echo))
    assert_answers(near)
  end)

  it("is closed when its mail cannot be made, because a finalizer has raised", function()
    local result = child.run([==[
      local chuck, net = require("chuck"), require("spec.helper.net")
      local cthread, engine, quiet = chuck.cthread, chuck.engine(), false
      local function finalizer()
        if not quiet then
          error("bad finalizer")
        end
      end
      local proxy = rawget(_G, "newproxy")
      local function drop()
        if proxy then
          getmetatable(proxy(true)).__gc = finalizer
        else
          setmetatable({}, { __gc = finalizer })
        end
      end
      engine:SetErrorHandler(function() end)
      cthread.process_mail(engine, function(_, mail) mail[1]:Close() end)
      collectgarbage("setpause", 1)
      collectgarbage("setstepmul", 100000)
      local before = net.descriptors()
      for _ = 1, 200 do
        collectgarbage("stop")
        local near, far = chuck.socket_helper.pair()
        chuck.socket_helper.close(far)
        cthread.sendmail(cthread.self(), { chuck.connection(near, 100) })
        for _ = 1, 3 do
          drop()
        end
        pcall(function()
          for _ = 1, 40 do
            collectgarbage("step", 100)
          end
        end)
        pcall(function()
          collectgarbage("restart")
          engine:Run(0)
        end)
      end
      quiet = true
      collectgarbage("stop")
      engine:Run(10)
      collectgarbage()
      collectgarbage()
      print(net.descriptors() - before)
    ]==])
    -- LuaJIT lets such an error out anywhere.
    assert.is_truthy(result.output == "0\n" or rawget(_G, "jit"), result.output)
  end)
end)
