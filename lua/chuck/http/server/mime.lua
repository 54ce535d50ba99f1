--- Types of files by the ends of their names.
---
---     mime.of("a/page.html")                     --> "text/html; charset=utf-8"
---     mime.of("a/archive.tar.gz")                --> "application/gzip"
---     mime.of("a/unknown")                       --> "application/octet-stream"

local mime = {}

--- What has no known end. Browsers save it.
local UNKNOWN = "application/octet-stream"

local TYPES = {
  ["7z"] = "application/x-7z-compressed",
  aac = "audio/aac",
  apng = "image/apng",
  atom = "application/atom+xml",
  avif = "image/avif",
  bmp = "image/bmp",
  bz2 = "application/x-bzip2",
  cjs = "text/javascript",
  css = "text/css",
  csv = "text/csv",
  doc = "application/msword",
  docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  eot = "application/vnd.ms-fontobject",
  epub = "application/epub+zip",
  flac = "audio/flac",
  gif = "image/gif",
  gz = "application/gzip",
  heic = "image/heic",
  htm = "text/html",
  html = "text/html",
  ico = "image/vnd.microsoft.icon",
  ics = "text/calendar",
  jar = "application/java-archive",
  jpeg = "image/jpeg",
  jpg = "image/jpeg",
  js = "text/javascript",
  json = "application/json",
  jsonld = "application/ld+json",
  jxl = "image/jxl",
  lua = "text/x-lua",
  m3u8 = "application/vnd.apple.mpegurl",
  m4a = "audio/mp4",
  m4v = "video/mp4",
  map = "application/json",
  md = "text/markdown",
  mjs = "text/javascript",
  mkv = "video/x-matroska",
  mov = "video/quicktime",
  mp3 = "audio/mpeg",
  mp4 = "video/mp4",
  mpd = "application/dash+xml",
  odp = "application/vnd.oasis.opendocument.presentation",
  ods = "application/vnd.oasis.opendocument.spreadsheet",
  odt = "application/vnd.oasis.opendocument.text",
  oga = "audio/ogg",
  ogg = "audio/ogg",
  ogv = "video/ogg",
  opus = "audio/ogg",
  otf = "font/otf",
  pdf = "application/pdf",
  png = "image/png",
  ppt = "application/vnd.ms-powerpoint",
  pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  rar = "application/vnd.rar",
  rss = "application/rss+xml",
  rtf = "application/rtf",
  svg = "image/svg+xml",
  tar = "application/x-tar",
  tif = "image/tiff",
  tiff = "image/tiff",
  toml = "application/toml",
  ts = "video/mp2t",
  tsv = "text/tab-separated-values",
  ttf = "font/ttf",
  txt = "text/plain",
  vtt = "text/vtt",
  wasm = "application/wasm",
  wav = "audio/wav",
  weba = "audio/webm",
  webm = "video/webm",
  webmanifest = "application/manifest+json",
  webp = "image/webp",
  woff = "font/woff",
  woff2 = "font/woff2",
  xhtml = "application/xhtml+xml",
  xls = "application/vnd.ms-excel",
  xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  xml = "application/xml",
  xz = "application/x-xz",
  yaml = "application/yaml",
  yml = "application/yaml",
  zip = "application/zip",
  zst = "application/zstd",
}

--- Types that are text and say in which charset; those of JSON and XML say so themselves.
local function is_text(type)
  return type:sub(1, 5) == "text/"
end

--- The type of a file. `types` are asked first: end of a name -> type. Text is said to be in
--- `charset`, "utf-8" unless given; with false nothing is said.
function mime.of(path, types, charset)
  local last = path:match("%.([^./]+)$")
  last = last and last:lower()
  local type = last and (types and types[last] or TYPES[last]) or UNKNOWN
  if charset ~= false and is_text(type) and not type:find(";", 1, true) then
    return type .. "; charset=" .. (charset or "utf-8")
  end
  return type
end

return mime
