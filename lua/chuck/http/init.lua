--- HTTP/1.1: requests.
---
---     local response = assert(http.get("http://example.org/"))
---     print(response.status, response:Body())

return require("chuck.http.calls")
