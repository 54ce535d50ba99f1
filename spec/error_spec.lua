--- Error numbers: their names, and their words.
local chuck = require("chuck")

local errors = chuck.error

local OWN = {
  ESOCKCLOSE = 140,
  EUNSPPLAT = 141,
  ENOASSENG = 142,
  EINVISOKTYPE = 143,
  EASSENG = 144,
  EINVIPK = 145,
  ERDISPERROR = 146,
  EALSETMBOX = 147,
  EMAXTHD = 148,
  EPIPECRERR = 149,
  EENASSERR = 150,
  ETMCLOSE = 151,
  EPKTOOLARGE = 152,
  ERVTIMEOUT = 153,
  ESNTIMEOUT = 154,
  EENGCLOSE = 155,
  EHTTPPARSE = 156,
  EHTTPTOOLARGE = 157,
}

--- The numbers of 2015 on Linux; a name after a gap has its number before it.
local LINUX = [[
  1 EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT
  ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG
  ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP
  42 ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL
  ENOANO EBADRQC EBADSLT 59 EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV
  ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD
  ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE
  EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT
  EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN
  ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY
  EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE
  ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE
]]

local function is_linux()
  local file = io.open("/proc/version")
  return file ~= nil and file:close()
end

describe("chuck.error", function()
  it("has the library's own numbers, 140 to 157", function()
    local got = {}
    for name in pairs(OWN) do
      got[name] = errors[name]
    end
    assert.are.same(OWN, got)
  end)

  it("has nothing but numbers, strerror and name", function()
    local functions = { strerror = true, name = true }
    for name, value in pairs(errors) do
      local expected = functions[name] and "function" or "number"
      assert.are.equal(expected, type(value), name)
    end
  end)

  it("has the names that every system has", function()
    for name in ("EAGAIN EBADF ECONNREFUSED EINPROGRESS EMFILE EPIPE ETIMEDOUT"):gmatch("%S+") do
      assert.is_true(errors[name] > 0, name)
    end
    assert.are.equal(errors.EAGAIN, errors.EWOULDBLOCK)
  end)

  if is_linux() then
    it("has the 131 names and numbers of Linux", function()
      local number, expected, got = 1, {}, {}
      for word in LINUX:gmatch("%S+") do
        if tonumber(word) then
          number = tonumber(word)
        else
          -- 41 and 58 are the old doubles of EAGAIN and EDEADLK.
          expected[word], got[word] = number, errors[word]
          number = number + 1
        end
      end
      expected.EWOULDBLOCK, got.EWOULDBLOCK = 11, errors.EWOULDBLOCK
      expected.EDEADLOCK, got.EDEADLOCK = 35, errors.EDEADLOCK
      assert.are.same(expected, got)
    end)
  end
end)

describe("error.strerror", function()
  it("has one line of words for every number in the table, and no two own are the same", function()
    local seen = {}
    for name, number in pairs(errors) do
      if type(number) == "number" then
        local words = errors.strerror(number)
        assert.is_truthy(words:find("^%C+$"), name)
        assert.is_falsy(words:find("os error", 1, true), name)
        if OWN[name] then
          assert.is_nil(seen[words], name)
          seen[words] = name
        end
      end
    end
  end)

  it("takes a negative number as the positive one", function()
    assert.are.equal(errors.strerror(errors.EPIPE), errors.strerror(-errors.EPIPE))
  end)

  it("has the system's words for the system's numbers", function()
    assert.are.equal("Connection refused", errors.strerror(errors.ECONNREFUSED))
  end)

  it("has words even for numbers that mean nothing", function()
    for _, number in ipairs({ 0, 99999, -2147483648, 2147483647 }) do
      assert.is_true(#errors.strerror(number) > 0)
    end
  end)

  it("raises for what is no number of 32 bits", function()
    for _, wrong in ipairs({ "1", 1.5, 2 ^ 40, 0 / 0, {}, true }) do
      assert.is_false(pcall(errors.strerror, wrong))
    end
    assert.is_false(pcall(errors.strerror))
  end)
end)

describe("error.name", function()
  it("is the name that codes have, of either sign", function()
    for _, name in ipairs({ "ECONNREFUSED", "ETIMEDOUT", "EENGCLOSE", "EAGAIN" }) do
      assert.are.equal(name, errors.name(errors[name]))
      assert.are.equal(name, errors.name(-errors[name]))
    end
  end)

  it("is nil for a number that is no error", function()
    assert.is_nil(errors.name(0))
    assert.is_nil(errors.name(9999))
    assert.is_nil(errors.name(-2147483648))
  end)
end)
