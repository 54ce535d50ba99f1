--- What keeps tasks out of each other's way, one file per noun.

return {
  condition = require("chuck.co.condition").new,
  future = require("chuck.co.future").new,
  mutex = require("chuck.co.mutex").new,
  semaphore = require("chuck.co.semaphore").new,
  wait_group = require("chuck.co.wait_group").new,
}
