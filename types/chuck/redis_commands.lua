---@meta chuck.redis.commands

--- What a command takes: a list is so many arguments, any other table names and values in turn.
---@alias chuck.RedisArgument string|number|chuck.RawPacket|table

--- A method for each command of redis-server 7.0.15. Written by scripts/redis_commands: not to be
--- changed here.
---@class chuck.RedisCommands
local RedisCommands = {}

--- A container for Access List Control commands.
--- `ACL`, since 6.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Acl(...) end

--- List the ACL categories or the commands inside a category.
--- `ACL CAT [categoryname]`, since 6.0.0.
---@async
---@param categoryname? chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:AclCat(categoryname) end

--- Remove the specified ACL users and the associated rules.
--- `ACL DELUSER username [username ...]`, since 6.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:AclDelUser(...) end

--- Returns whether the user can execute the given command without executing the command.
--- `ACL DRYRUN username command [arg [arg ...]]`, since 7.0.0.
---@async
---@param username chuck.RedisArgument
---@param command chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:AclDryRun(username, command, ...) end

--- Generate a pseudorandom secure password to use for ACL users.
--- `ACL GENPASS [bits]`, since 6.0.0.
---@async
---@param bits? integer
---@return any value, string? message, string? code, table? err
function RedisCommands:AclGenPass(bits) end

--- Get the rules for a specific ACL user.
--- `ACL GETUSER username`, since 6.0.0.
---@async
---@param username chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:AclGetUser(username) end

--- Show helpful text about the different subcommands.
--- `ACL HELP`, since 6.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:AclHelp() end

--- List the current ACL rules in ACL config file format.
--- `ACL LIST`, since 6.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:AclList() end

--- Reload the ACLs from the configured ACL file.
--- `ACL LOAD`, since 6.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:AclLoad() end

--- List latest events denied because of ACLs in place.
--- `ACL LOG [count | RESET]`, since 6.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:AclLog(...) end

--- Save the current ACL rules in the configured ACL file.
--- `ACL SAVE`, since 6.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:AclSave() end

--- Modify or create the rules for a specific ACL user.
--- `ACL SETUSER username [rule [rule ...]]`, since 6.0.0.
---@async
---@param username chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:AclSetUser(username, ...) end

--- List the username of all the configured ACL rules.
--- `ACL USERS`, since 6.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:AclUsers() end

--- Return the name of the user associated to the current connection.
--- `ACL WHOAMI`, since 6.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:AclWhoAmI() end

--- Append a value to a key.
--- `APPEND key value`, since 2.0.0.
---@async
---@param key string
---@param value chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Append(key, value) end

--- Sent by cluster clients after an -ASK redirect.
--- `ASKING`, since 3.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Asking() end

--- Authenticate to the server.
--- `AUTH [username] password`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Auth(...) end

--- Asynchronously rewrite the append-only file.
--- `BGREWRITEAOF`, since 1.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:BgRewriteAof() end

--- Asynchronously save the dataset to disk.
--- `BGSAVE [SCHEDULE]`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BgSave(...) end

--- Count set bits in a string.
--- `BITCOUNT key [start end [BYTE | BIT]]`, since 2.6.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BitCount(key, ...) end

--- Perform arbitrary bitfield integer operations on strings.
--- `BITFIELD key [GET encoding offset | [OVERFLOW WRAP | SAT | FAIL] <SET encoding offset value | INCRBY encoding offset increment> [GET encoding offset | [OVERFLOW WRAP | SAT | FAIL] <SET encoding offset value | INCRBY encoding offset increment> ...]]`, since 3.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BitField(key, ...) end

--- Perform arbitrary bitfield integer operations on strings. Read-only variant of BITFIELD.
--- `BITFIELD_RO key [GET encoding offset [GET encoding offset ...]]`, since 6.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BitFieldRO(key, ...) end

--- Perform bitwise operations between strings.
--- `BITOP operation destkey key [key ...]`, since 2.6.0.
---@async
---@param operation chuck.RedisArgument
---@param destkey string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BitOp(operation, destkey, ...) end

--- Find first bit set or clear in a string.
--- `BITPOS key bit [start [end [BYTE | BIT]]]`, since 2.8.7.
---@async
---@param key string
---@param bit integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BitPos(key, bit, ...) end

--- Pop an element from a list, push it to another list and return it; or block until one is available.
--- `BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout`, since 6.2.0.
---@async
---@param source string
---@param destination string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BLMove(source, destination, ...) end

--- Pop elements from a list, or block until one is available.
--- `BLMPOP timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]`, since 7.0.0.
---@async
---@param timeout number
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BLMPop(timeout, numkeys, ...) end

--- Remove and get the first element in a list, or block until one is available.
--- `BLPOP key [key ...] timeout`, since 2.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BLPop(...) end

--- Remove and get the last element in a list, or block until one is available.
--- `BRPOP key [key ...] timeout`, since 2.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BRPop(...) end

--- Pop an element from a list, push it to another list and return it; or block until one is available.
--- `BRPOPLPUSH source destination timeout`, since 2.2.0.
---@deprecated `BLMOVE` with the `RIGHT` and `LEFT` arguments
---@async
---@param source string
---@param destination string
---@param timeout number
---@return any value, string? message, string? code, table? err
function RedisCommands:BRPopLPush(source, destination, timeout) end

--- Remove and return members with scores in a sorted set or block until one is available.
--- `BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]`, since 7.0.0.
---@async
---@param timeout number
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BZMPop(timeout, numkeys, ...) end

--- Remove and return the member with the highest score from one or more sorted sets, or block until one is available.
--- `BZPOPMAX key [key ...] timeout`, since 5.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BZPopMax(...) end

--- Remove and return the member with the lowest score from one or more sorted sets, or block until one is available.
--- `BZPOPMIN key [key ...] timeout`, since 5.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:BZPopMin(...) end

--- A container for client connection commands.
--- `CLIENT`, since 2.4.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Client(...) end

--- Instruct the server about tracking or not keys in the next request.
--- `CLIENT CACHING <YES | NO>`, since 6.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientCaching(...) end

--- Get the current connection name.
--- `CLIENT GETNAME`, since 2.6.9.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientGetName() end

--- Get tracking notifications redirection client ID if any.
--- `CLIENT GETREDIR`, since 6.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientGetRedir() end

--- Show helpful text about the different subcommands.
--- `CLIENT HELP`, since 5.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientHelp() end

--- Returns the client ID for the current connection.
--- `CLIENT ID`, since 5.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientId() end

--- Returns information about the current client connection.
--- `CLIENT INFO`, since 6.2.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientInfo() end

--- Kill the connection of a client.
--- `CLIENT KILL <ip:port | <[ID client-id] | [TYPE NORMAL | MASTER | SLAVE | REPLICA | PUBSUB] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME yes/no]> [<[ID client-id] | [TYPE NORMAL | MASTER | SLAVE | REPLICA | PUBSUB] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME yes/no]> ...]>`, since 2.4.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientKill(...) end

--- Get the list of client connections.
--- `CLIENT LIST [TYPE NORMAL | MASTER | REPLICA | PUBSUB] [ID client-id [client-id ...]]`, since 2.4.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientList(...) end

--- Set client eviction mode for the current connection.
--- `CLIENT NO-EVICT <ON | OFF>`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientNoEvict(...) end

--- Stop processing commands from clients for some time.
--- `CLIENT PAUSE timeout [WRITE | ALL]`, since 2.9.50.
---@async
---@param timeout integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientPause(timeout, ...) end

--- Instruct the server whether to reply to commands.
--- `CLIENT REPLY <ON | OFF | SKIP>`, since 3.2.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientReply(...) end

--- Set the current connection name.
--- `CLIENT SETNAME connection-name`, since 2.6.9.
---@async
---@param connection_name chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientSetName(connection_name) end

--- Enable or disable server assisted client side caching support.
--- `CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]`, since 6.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientTracking(...) end

--- Return information about server assisted client side caching for the current connection.
--- `CLIENT TRACKINGINFO`, since 6.2.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientTrackingInfo() end

--- Unblock a client blocked in a blocking command from a different connection.
--- `CLIENT UNBLOCK client-id [TIMEOUT | ERROR]`, since 5.0.0.
---@async
---@param client_id integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientUnBlock(client_id, ...) end

--- Resume processing of clients that were paused.
--- `CLIENT UNPAUSE`, since 6.2.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClientUnPause() end

--- A container for cluster commands.
--- `CLUSTER`, since 3.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Cluster(...) end

--- Assign new hash slots to receiving node.
--- `CLUSTER ADDSLOTS slot [slot ...]`, since 3.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterAddSlots(...) end

--- Assign new hash slots to receiving node.
--- `CLUSTER ADDSLOTSRANGE start-slot end-slot [start-slot end-slot ...]`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterAddSlotsRange(...) end

--- Advance the cluster config epoch.
--- `CLUSTER BUMPEPOCH`, since 3.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterBumpEpoch() end

--- Return the number of failure reports active for a given node.
--- `CLUSTER COUNT-FAILURE-REPORTS node-id`, since 3.0.0.
---@async
---@param node_id chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterCountFailureReports(node_id) end

--- Return the number of local keys in the specified hash slot.
--- `CLUSTER COUNTKEYSINSLOT slot`, since 3.0.0.
---@async
---@param slot integer
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterCountKeysInSlot(slot) end

--- Set hash slots as unbound in receiving node.
--- `CLUSTER DELSLOTS slot [slot ...]`, since 3.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterDelSlots(...) end

--- Set hash slots as unbound in receiving node.
--- `CLUSTER DELSLOTSRANGE start-slot end-slot [start-slot end-slot ...]`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterDelSlotsRange(...) end

--- Forces a replica to perform a manual failover of its master.
--- `CLUSTER FAILOVER [FORCE | TAKEOVER]`, since 3.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterFailover(...) end

--- Delete a node's own slots information.
--- `CLUSTER FLUSHSLOTS`, since 3.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterFlushSlots() end

--- Remove a node from the nodes table.
--- `CLUSTER FORGET node-id`, since 3.0.0.
---@async
---@param node_id chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterForget(node_id) end

--- Return local key names in the specified hash slot.
--- `CLUSTER GETKEYSINSLOT slot count`, since 3.0.0.
---@async
---@param slot integer
---@param count integer
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterGetKeysInSlot(slot, count) end

--- Show helpful text about the different subcommands.
--- `CLUSTER HELP`, since 5.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterHelp() end

--- Provides info about Redis Cluster node state.
--- `CLUSTER INFO`, since 3.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterInfo() end

--- Returns the hash slot of the specified key.
--- `CLUSTER KEYSLOT key`, since 3.0.0.
---@async
---@param key chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterKeySlot(key) end

--- Returns a list of all TCP links to and from peer nodes in cluster.
--- `CLUSTER LINKS`, since 7.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterLinks() end

--- Force a node cluster to handshake with another node.
--- `CLUSTER MEET ip port [cluster_bus_port]`, since 3.0.0.
---@async
---@param ip chuck.RedisArgument
---@param port integer
---@param cluster_bus_port? integer
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterMeet(ip, port, cluster_bus_port) end

--- Return the node id.
--- `CLUSTER MYID`, since 3.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterMyId() end

--- Get Cluster config for the node.
--- `CLUSTER NODES`, since 3.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterNodes() end

--- List replica nodes of the specified master node.
--- `CLUSTER REPLICAS node-id`, since 5.0.0.
---@async
---@param node_id chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterReplicas(node_id) end

--- Reconfigure a node as a replica of the specified master node.
--- `CLUSTER REPLICATE node-id`, since 3.0.0.
---@async
---@param node_id chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterReplicate(node_id) end

--- Reset a Redis Cluster node.
--- `CLUSTER RESET [HARD | SOFT]`, since 3.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterReset(...) end

--- Forces the node to save cluster state on disk.
--- `CLUSTER SAVECONFIG`, since 3.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterSaveConfig() end

--- Set the configuration epoch in a new node.
--- `CLUSTER SET-CONFIG-EPOCH config-epoch`, since 3.0.0.
---@async
---@param config_epoch integer
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterSetConfigEpoch(config_epoch) end

--- Bind a hash slot to a specific node.
--- `CLUSTER SETSLOT slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>`, since 3.0.0.
---@async
---@param slot integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterSetSlot(slot, ...) end

--- Get array of cluster slots to node mappings.
--- `CLUSTER SHARDS`, since 7.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterShards() end

--- List replica nodes of the specified master node.
--- `CLUSTER SLAVES node-id`, since 3.0.0.
---@deprecated `CLUSTER REPLICAS`
---@async
---@param node_id chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterSlaves(node_id) end

--- Get array of Cluster slot to node mappings.
--- `CLUSTER SLOTS`, since 3.0.0.
---@deprecated `CLUSTER SHARDS`
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ClusterSlots() end

--- Get array of Redis command details.
--- `COMMAND`, since 2.8.13.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Command(...) end

--- Get total number of Redis commands.
--- `COMMAND COUNT`, since 2.8.13.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:CommandCount() end

--- Get array of specific Redis command documentation.
--- `COMMAND DOCS [command-name [command-name ...]]`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:CommandDocs(...) end

--- Extract keys given a full Redis command.
--- `COMMAND GETKEYS`, since 2.8.13.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:CommandGetKeys() end

--- Extract keys and access flags given a full Redis command.
--- `COMMAND GETKEYSANDFLAGS`, since 7.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:CommandGetKeysAndFlags() end

--- Show helpful text about the different subcommands.
--- `COMMAND HELP`, since 5.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:CommandHelp() end

--- Get array of specific Redis command details, or all when no argument is given.
--- `COMMAND INFO [command-name [command-name ...]]`, since 2.8.13.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:CommandInfo(...) end

--- Get an array of Redis command names.
--- `COMMAND LIST [FILTERBY MODULE module-name | ACLCAT category | PATTERN pattern]`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:CommandList(...) end

--- A container for server configuration commands.
--- `CONFIG`, since 2.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Config(...) end

--- Get the values of configuration parameters.
--- `CONFIG GET parameter [parameter ...]`, since 2.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ConfigGet(...) end

--- Show helpful text about the different subcommands.
--- `CONFIG HELP`, since 5.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ConfigHelp() end

--- Reset the stats returned by INFO.
--- `CONFIG RESETSTAT`, since 2.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ConfigResetStat() end

--- Rewrite the configuration file with the in memory configuration.
--- `CONFIG REWRITE`, since 2.8.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ConfigRewrite() end

--- Set configuration parameters to the given values.
--- `CONFIG SET parameter value [parameter value ...]`, since 2.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ConfigSet(...) end

--- Copy a key.
--- `COPY source destination [DB destination-db] [REPLACE]`, since 6.2.0.
---@async
---@param source string
---@param destination string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Copy(source, destination, ...) end

--- Return the number of keys in the selected database.
--- `DBSIZE`, since 1.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:DbSize() end

--- A container for debugging commands.
--- `DEBUG`, since 1.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Debug() end

--- Decrement the integer value of a key by one.
--- `DECR key`, since 1.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:Decr(key) end

--- Decrement the integer value of a key by the given number.
--- `DECRBY key decrement`, since 1.0.0.
---@async
---@param key string
---@param decrement integer
---@return any value, string? message, string? code, table? err
function RedisCommands:DecrBy(key, decrement) end

--- Delete a key.
--- `DEL key [key ...]`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Del(...) end

--- Discard all commands issued after MULTI.
--- `DISCARD`, since 2.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Discard() end

--- Return a serialized version of the value stored at the specified key.
--- `DUMP key`, since 2.6.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:Dump(key) end

--- Echo the given string.
--- `ECHO message`, since 1.0.0.
---@async
---@param message chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Echo(message) end

--- Execute a Lua script server side.
--- `EVAL script numkeys [key [key ...]] [arg [arg ...]]`, since 2.6.0.
---@async
---@param script chuck.RedisArgument
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Eval(script, numkeys, ...) end

--- Execute a Lua script server side.
--- `EVALSHA sha1 numkeys [key [key ...]] [arg [arg ...]]`, since 2.6.0.
---@async
---@param sha1 chuck.RedisArgument
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:EvalSha(sha1, numkeys, ...) end

--- Execute a read-only Lua script server side.
--- `EVALSHA_RO sha1 numkeys [key [key ...]] [arg [arg ...]]`, since 7.0.0.
---@async
---@param sha1 chuck.RedisArgument
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:EvalShaRO(sha1, numkeys, ...) end

--- Execute a read-only Lua script server side.
--- `EVAL_RO script numkeys [key [key ...]] [arg [arg ...]]`, since 7.0.0.
---@async
---@param script chuck.RedisArgument
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:EvalRO(script, numkeys, ...) end

--- Execute all commands issued after MULTI.
--- `EXEC`, since 1.2.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Exec() end

--- Determine if a key exists.
--- `EXISTS key [key ...]`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Exists(...) end

--- Set a key's time to live in seconds.
--- `EXPIRE key seconds [NX | XX | GT | LT]`, since 1.0.0.
---@async
---@param key string
---@param seconds integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Expire(key, seconds, ...) end

--- Set the expiration for a key as a UNIX timestamp.
--- `EXPIREAT key unix-time-seconds [NX | XX | GT | LT]`, since 1.2.0.
---@async
---@param key string
---@param unix_time_seconds integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ExpireAt(key, unix_time_seconds, ...) end

--- Get the expiration Unix timestamp for a key.
--- `EXPIRETIME key`, since 7.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:ExpireTime(key) end

--- Start a coordinated failover between this server and one of its replicas.
--- `FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]`, since 6.2.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Failover(...) end

--- Invoke a function.
--- `FCALL function numkeys [key [key ...]] [arg [arg ...]]`, since 7.0.0.
---@async
---@param function_ chuck.RedisArgument
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:FCall(function_, numkeys, ...) end

--- Invoke a read-only function.
--- `FCALL_RO function numkeys [key [key ...]] [arg [arg ...]]`, since 7.0.0.
---@async
---@param function_ chuck.RedisArgument
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:FCallRO(function_, numkeys, ...) end

--- Remove all keys from all databases.
--- `FLUSHALL [ASYNC | SYNC]`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:FlushAll(...) end

--- Remove all keys from the current database.
--- `FLUSHDB [ASYNC | SYNC]`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:FlushDb(...) end

--- A container for function commands.
--- `FUNCTION`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Function(...) end

--- Delete a function by name.
--- `FUNCTION DELETE library-name`, since 7.0.0.
---@async
---@param library_name chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:FunctionDelete(library_name) end

--- Dump all functions into a serialized binary payload.
--- `FUNCTION DUMP`, since 7.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:FunctionDump() end

--- Deleting all functions.
--- `FUNCTION FLUSH [ASYNC | SYNC]`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:FunctionFlush(...) end

--- Show helpful text about the different subcommands.
--- `FUNCTION HELP`, since 7.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:FunctionHelp() end

--- Kill the function currently in execution.
--- `FUNCTION KILL`, since 7.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:FunctionKill() end

--- List information about all the functions.
--- `FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:FunctionList(...) end

--- Create a function with the given arguments (name, code, description).
--- `FUNCTION LOAD [REPLACE] function-code`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:FunctionLoad(...) end

--- Restore all the functions on the given payload.
--- `FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]`, since 7.0.0.
---@async
---@param serialized_value chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:FunctionRestore(serialized_value, ...) end

--- Return information about the function currently running (name, description, duration).
--- `FUNCTION STATS`, since 7.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:FunctionStats() end

--- Add one or more geospatial items in the geospatial index represented using a sorted set.
--- `GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]`, since 3.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GeoAdd(key, ...) end

--- Returns the distance between two members of a geospatial index.
--- `GEODIST key member1 member2 [M | KM | FT | MI]`, since 3.2.0.
---@async
---@param key string
---@param member1 chuck.RedisArgument
---@param member2 chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GeoDist(key, member1, member2, ...) end

--- Returns members of a geospatial index as standard geohash strings.
--- `GEOHASH key member [member ...]`, since 3.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GeoHash(key, ...) end

--- Returns longitude and latitude of members of a geospatial index.
--- `GEOPOS key member [member ...]`, since 3.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GeoPos(key, ...) end

--- Query a sorted set representing a geospatial index to fetch members matching a given maximum distance from a point.
--- `GEORADIUS key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key] [STOREDIST key]`, since 3.2.0.
---@deprecated `GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument
---@async
---@param key string
---@param longitude number
---@param latitude number
---@param radius number
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GeoRadius(key, longitude, latitude, radius, ...) end

--- Query a sorted set representing a geospatial index to fetch members matching a given maximum distance from a member.
--- `GEORADIUSBYMEMBER key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key] [STOREDIST key]`, since 3.2.0.
---@deprecated `GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments
---@async
---@param key string
---@param member chuck.RedisArgument
---@param radius number
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GeoRadiusByMember(key, member, radius, ...) end

--- A read-only variant for GEORADIUSBYMEMBER.
--- `GEORADIUSBYMEMBER_RO key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]`, since 3.2.10.
---@deprecated `GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments
---@async
---@param key string
---@param member chuck.RedisArgument
---@param radius number
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GeoRadiusByMemberRO(key, member, radius, ...) end

--- A read-only variant for GEORADIUS.
--- `GEORADIUS_RO key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]`, since 3.2.10.
---@deprecated `GEOSEARCH` with the `BYRADIUS` argument
---@async
---@param key string
---@param longitude number
---@param latitude number
---@param radius number
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GeoRadiusRO(key, longitude, latitude, radius, ...) end

--- Query a sorted set representing a geospatial index to fetch members inside an area of a box or a circle.
--- `GEOSEARCH key <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`, since 6.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GeoSearch(key, ...) end

--- Query a sorted set representing a geospatial index to fetch members inside an area of a box or a circle, and store the result in another key.
--- `GEOSEARCHSTORE destination source <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]`, since 6.2.0.
---@async
---@param destination string
---@param source string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GeoSearchStore(destination, source, ...) end

--- Get the value of a key.
--- `GET key`, since 1.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:Get(key) end

--- Returns the bit value at offset in the string value stored at key.
--- `GETBIT key offset`, since 2.2.0.
---@async
---@param key string
---@param offset integer
---@return any value, string? message, string? code, table? err
function RedisCommands:GetBit(key, offset) end

--- Get the value of a key and delete the key.
--- `GETDEL key`, since 6.2.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:GetDel(key) end

--- Get the value of a key and optionally set its expiration.
--- `GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]`, since 6.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GetEx(key, ...) end

--- Get a substring of the string stored at a key.
--- `GETRANGE key start end`, since 2.4.0.
---@async
---@param key string
---@param start integer
---@param end_ integer
---@return any value, string? message, string? code, table? err
function RedisCommands:GetRange(key, start, end_) end

--- Set the string value of a key and return its old value.
--- `GETSET key value`, since 1.0.0.
---@deprecated `SET` with the `!GET` argument
---@async
---@param key string
---@param value chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:GetSet(key, value) end

--- Delete one or more hash fields.
--- `HDEL key field [field ...]`, since 2.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:HDel(key, ...) end

--- Handshake with Redis.
--- `HELLO [protover [AUTH username password] [SETNAME clientname]]`, since 6.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Hello(...) end

--- Determine if a hash field exists.
--- `HEXISTS key field`, since 2.0.0.
---@async
---@param key string
---@param field chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:HExists(key, field) end

--- Get the value of a hash field.
--- `HGET key field`, since 2.0.0.
---@async
---@param key string
---@param field chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:HGet(key, field) end

--- Get all the fields and values in a hash.
--- `HGETALL key`, since 2.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:HGetAll(key) end

--- Increment the integer value of a hash field by the given number.
--- `HINCRBY key field increment`, since 2.0.0.
---@async
---@param key string
---@param field chuck.RedisArgument
---@param increment integer
---@return any value, string? message, string? code, table? err
function RedisCommands:HIncrBy(key, field, increment) end

--- Increment the float value of a hash field by the given amount.
--- `HINCRBYFLOAT key field increment`, since 2.6.0.
---@async
---@param key string
---@param field chuck.RedisArgument
---@param increment number
---@return any value, string? message, string? code, table? err
function RedisCommands:HIncrByFloat(key, field, increment) end

--- Get all the fields in a hash.
--- `HKEYS key`, since 2.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:HKeys(key) end

--- Get the number of fields in a hash.
--- `HLEN key`, since 2.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:HLen(key) end

--- Get the values of all the given hash fields.
--- `HMGET key field [field ...]`, since 2.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:HMGet(key, ...) end

--- Set multiple hash fields to multiple values.
--- `HMSET key field value [field value ...]`, since 2.0.0.
---@deprecated `HSET` with multiple field-value pairs
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:HMSet(key, ...) end

--- Get one or multiple random fields from a hash.
--- `HRANDFIELD key [count [WITHVALUES]]`, since 6.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:HRandField(key, ...) end

--- Incrementally iterate hash fields and associated values.
--- `HSCAN key cursor [MATCH pattern] [COUNT count]`, since 2.8.0.
---@async
---@param key string
---@param cursor integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:HScan(key, cursor, ...) end

--- Set the string value of a hash field.
--- `HSET key field value [field value ...]`, since 2.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:HSet(key, ...) end

--- Set the value of a hash field, only if the field does not exist.
--- `HSETNX key field value`, since 2.0.0.
---@async
---@param key string
---@param field chuck.RedisArgument
---@param value chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:HSetNX(key, field, value) end

--- Get the length of the value of a hash field.
--- `HSTRLEN key field`, since 3.2.0.
---@async
---@param key string
---@param field chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:HStrLen(key, field) end

--- Get all the values in a hash.
--- `HVALS key`, since 2.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:HVals(key) end

--- Increment the integer value of a key by one.
--- `INCR key`, since 1.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:Incr(key) end

--- Increment the integer value of a key by the given amount.
--- `INCRBY key increment`, since 1.0.0.
---@async
---@param key string
---@param increment integer
---@return any value, string? message, string? code, table? err
function RedisCommands:IncrBy(key, increment) end

--- Increment the float value of a key by the given amount.
--- `INCRBYFLOAT key increment`, since 2.6.0.
---@async
---@param key string
---@param increment number
---@return any value, string? message, string? code, table? err
function RedisCommands:IncrByFloat(key, increment) end

--- Get information and statistics about the server.
--- `INFO [section [section ...]]`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Info(...) end

--- Find all keys matching the given pattern.
--- `KEYS pattern`, since 1.0.0.
---@async
---@param pattern chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Keys(pattern) end

--- Get the UNIX time stamp of the last successful save to disk.
--- `LASTSAVE`, since 1.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:LastSave() end

--- A container for latency diagnostics commands.
--- `LATENCY`, since 2.8.13.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Latency(...) end

--- Return a human readable latency analysis report.
--- `LATENCY DOCTOR`, since 2.8.13.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:LatencyDoctor() end

--- Return a latency graph for the event.
--- `LATENCY GRAPH event`, since 2.8.13.
---@async
---@param event chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LatencyGraph(event) end

--- Show helpful text about the different subcommands.
--- `LATENCY HELP`, since 2.8.13.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:LatencyHelp() end

--- Return the cumulative distribution of latencies of a subset of commands or all.
--- `LATENCY HISTOGRAM [command [command ...]]`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LatencyHistogram(...) end

--- Return timestamp-latency samples for the event.
--- `LATENCY HISTORY event`, since 2.8.13.
---@async
---@param event chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LatencyHistory(event) end

--- Return the latest latency samples for all events.
--- `LATENCY LATEST`, since 2.8.13.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:LatencyLatest() end

--- Reset latency data for one or more events.
--- `LATENCY RESET [event [event ...]]`, since 2.8.13.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LatencyReset(...) end

--- Find longest common substring.
--- `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]`, since 7.0.0.
---@async
---@param key1 string
---@param key2 string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LCS(key1, key2, ...) end

--- Get an element from a list by its index.
--- `LINDEX key index`, since 1.0.0.
---@async
---@param key string
---@param index integer
---@return any value, string? message, string? code, table? err
function RedisCommands:LIndex(key, index) end

--- Insert an element before or after another element in a list.
--- `LINSERT key <BEFORE | AFTER> pivot element`, since 2.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LInsert(key, ...) end

--- Get the length of a list.
--- `LLEN key`, since 1.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:LLen(key) end

--- Pop an element from a list, push it to another list and return it.
--- `LMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT>`, since 6.2.0.
---@async
---@param source string
---@param destination string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LMove(source, destination, ...) end

--- Pop elements from a list.
--- `LMPOP numkeys key [key ...] <LEFT | RIGHT> [COUNT count]`, since 7.0.0.
---@async
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LMPop(numkeys, ...) end

--- Display some computer art and the Redis version.
--- `LOLWUT [VERSION version]`, since 5.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LolWut(...) end

--- Remove and get the first elements in a list.
--- `LPOP key [count]`, since 1.0.0.
---@async
---@param key string
---@param count? integer
---@return any value, string? message, string? code, table? err
function RedisCommands:LPop(key, count) end

--- Return the index of matching elements on a list.
--- `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`, since 6.0.6.
---@async
---@param key string
---@param element chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LPos(key, element, ...) end

--- Prepend one or multiple elements to a list.
--- `LPUSH key element [element ...]`, since 1.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LPush(key, ...) end

--- Prepend an element to a list, only if the list exists.
--- `LPUSHX key element [element ...]`, since 2.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LPushX(key, ...) end

--- Get a range of elements from a list.
--- `LRANGE key start stop`, since 1.0.0.
---@async
---@param key string
---@param start integer
---@param stop integer
---@return any value, string? message, string? code, table? err
function RedisCommands:LRange(key, start, stop) end

--- Remove elements from a list.
--- `LREM key count element`, since 1.0.0.
---@async
---@param key string
---@param count integer
---@param element chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LRem(key, count, element) end

--- Set the value of an element in a list by its index.
--- `LSET key index element`, since 1.0.0.
---@async
---@param key string
---@param index integer
---@param element chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:LSet(key, index, element) end

--- Trim a list to the specified range.
--- `LTRIM key start stop`, since 1.0.0.
---@async
---@param key string
---@param start integer
---@param stop integer
---@return any value, string? message, string? code, table? err
function RedisCommands:LTrim(key, start, stop) end

--- A container for memory diagnostics commands.
--- `MEMORY`, since 4.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Memory(...) end

--- Outputs memory problems report.
--- `MEMORY DOCTOR`, since 4.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:MemoryDoctor() end

--- Show helpful text about the different subcommands.
--- `MEMORY HELP`, since 4.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:MemoryHelp() end

--- Show allocator internal stats.
--- `MEMORY MALLOC-STATS`, since 4.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:MemoryMallocStats() end

--- Ask the allocator to release memory.
--- `MEMORY PURGE`, since 4.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:MemoryPurge() end

--- Show memory usage details.
--- `MEMORY STATS`, since 4.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:MemoryStats() end

--- Estimate the memory usage of a key.
--- `MEMORY USAGE key [SAMPLES count]`, since 4.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:MemoryUsage(key, ...) end

--- Get the values of all the given keys.
--- `MGET key [key ...]`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:MGet(...) end

--- Atomically transfer a key from a Redis instance to another one.
--- `MIGRATE host port <key | ""> destination-db timeout [COPY] [REPLACE] [[AUTH password] | [AUTH2 username password]] [KEYS key [key ...]]`, since 2.6.0.
---@async
---@param host chuck.RedisArgument
---@param port integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Migrate(host, port, ...) end

--- A container for module commands.
--- `MODULE`, since 4.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Module(...) end

--- Show helpful text about the different subcommands.
--- `MODULE HELP`, since 5.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ModuleHelp() end

--- List all modules loaded by the server.
--- `MODULE LIST`, since 4.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ModuleList() end

--- Load a module.
--- `MODULE LOAD path [arg [arg ...]]`, since 4.0.0.
---@async
---@param path chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ModuleLoad(path, ...) end

--- Load a module with extended parameters.
--- `MODULE LOADEX path [CONFIG name value [CONFIG name value ...]] [ARGS arg [arg ...]]`, since 7.0.0.
---@async
---@param path chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ModuleLoadEx(path, ...) end

--- Unload a module.
--- `MODULE UNLOAD name`, since 4.0.0.
---@async
---@param name chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ModuleUnload(name) end

--- Listen for all requests received by the server in real time.
--- `MONITOR`, since 1.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Monitor() end

--- Move a key to another database.
--- `MOVE key db`, since 1.0.0.
---@async
---@param key string
---@param db integer
---@return any value, string? message, string? code, table? err
function RedisCommands:Move(key, db) end

--- Set multiple keys to multiple values.
--- `MSET key value [key value ...]`, since 1.0.1.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:MSet(...) end

--- Set multiple keys to multiple values, only if none of the keys exist.
--- `MSETNX key value [key value ...]`, since 1.0.1.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:MSetNX(...) end

--- Mark the start of a transaction block.
--- `MULTI`, since 1.2.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Multi() end

--- A container for object introspection commands.
--- `OBJECT`, since 2.2.3.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Object(...) end

--- Inspect the internal encoding of a Redis object.
--- `OBJECT ENCODING key`, since 2.2.3.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:ObjectEncoding(key) end

--- Get the logarithmic access frequency counter of a Redis object.
--- `OBJECT FREQ key`, since 4.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:ObjectFreq(key) end

--- Show helpful text about the different subcommands.
--- `OBJECT HELP`, since 6.2.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ObjectHelp() end

--- Get the time since a Redis object was last accessed.
--- `OBJECT IDLETIME key`, since 2.2.3.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:ObjectIdleTime(key) end

--- Get the number of references to the value of the key.
--- `OBJECT REFCOUNT key`, since 2.2.3.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:ObjectRefCount(key) end

--- Remove the expiration from a key.
--- `PERSIST key`, since 2.2.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:Persist(key) end

--- Set a key's time to live in milliseconds.
--- `PEXPIRE key milliseconds [NX | XX | GT | LT]`, since 2.6.0.
---@async
---@param key string
---@param milliseconds integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PExpire(key, milliseconds, ...) end

--- Set the expiration for a key as a UNIX timestamp specified in milliseconds.
--- `PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]`, since 2.6.0.
---@async
---@param key string
---@param unix_time_milliseconds integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PExpireAt(key, unix_time_milliseconds, ...) end

--- Get the expiration Unix timestamp for a key in milliseconds.
--- `PEXPIRETIME key`, since 7.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:PExpireTime(key) end

--- Adds the specified elements to the specified HyperLogLog.
--- `PFADD key [element [element ...]]`, since 2.8.9.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PfAdd(key, ...) end

--- Return the approximated cardinality of the set(s) observed by the HyperLogLog at key(s).
--- `PFCOUNT key [key ...]`, since 2.8.9.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PfCount(...) end

--- Internal commands for debugging HyperLogLog values.
--- `PFDEBUG subcommand key`, since 2.8.9.
---@async
---@param subcommand chuck.RedisArgument
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:PfDebug(subcommand, key) end

--- Merge N different HyperLogLogs into a single one.
--- `PFMERGE destkey sourcekey [sourcekey ...]`, since 2.8.9.
---@async
---@param destkey string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PfMerge(destkey, ...) end

--- An internal command for testing HyperLogLog values.
--- `PFSELFTEST`, since 2.8.9.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:PfSelfTest() end

--- Ping the server.
--- `PING [message]`, since 1.0.0.
---@async
---@param message? chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Ping(message) end

--- Set the value and expiration in milliseconds of a key.
--- `PSETEX key milliseconds value`, since 2.6.0.
---@async
---@param key string
---@param milliseconds integer
---@param value chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PSetEx(key, milliseconds, value) end

--- Listen for messages published to channels matching the given patterns.
--- `PSUBSCRIBE pattern [pattern ...]`, since 2.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PSubscribe(...) end

--- Internal command used for replication.
--- `PSYNC replicationid offset`, since 2.8.0.
---@async
---@param replicationid chuck.RedisArgument
---@param offset integer
---@return any value, string? message, string? code, table? err
function RedisCommands:PSync(replicationid, offset) end

--- Get the time to live for a key in milliseconds.
--- `PTTL key`, since 2.6.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:PTTL(key) end

--- Post a message to a channel.
--- `PUBLISH channel message`, since 2.0.0.
---@async
---@param channel chuck.RedisArgument
---@param message chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Publish(channel, message) end

--- A container for Pub/Sub commands.
--- `PUBSUB`, since 2.8.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PubSub(...) end

--- List active channels.
--- `PUBSUB CHANNELS [pattern]`, since 2.8.0.
---@async
---@param pattern? chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PubSubChannels(pattern) end

--- Show helpful text about the different subcommands.
--- `PUBSUB HELP`, since 6.2.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:PubSubHelp() end

--- Get the count of unique patterns pattern subscriptions.
--- `PUBSUB NUMPAT`, since 2.8.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:PubSubNumPat() end

--- Get the count of subscribers for channels.
--- `PUBSUB NUMSUB [channel [channel ...]]`, since 2.8.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PubSubNumSub(...) end

--- List active shard channels.
--- `PUBSUB SHARDCHANNELS [pattern]`, since 7.0.0.
---@async
---@param pattern? chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PubSubShardChannels(pattern) end

--- Get the count of subscribers for shard channels.
--- `PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PubSubShardNumSub(...) end

--- Stop listening for messages posted to channels matching the given patterns.
--- `PUNSUBSCRIBE [pattern [pattern ...]]`, since 2.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:PUnsubscribe(...) end

--- Close the connection.
--- `QUIT`, since 1.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Quit() end

--- Return a random key from the keyspace.
--- `RANDOMKEY`, since 1.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:RandomKey() end

--- Enables read queries for a connection to a cluster replica node.
--- `READONLY`, since 3.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ReadOnly() end

--- Disables read queries for a connection to a cluster replica node.
--- `READWRITE`, since 3.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ReadWrite() end

--- Rename a key.
--- `RENAME key newkey`, since 1.0.0.
---@async
---@param key string
---@param newkey string
---@return any value, string? message, string? code, table? err
function RedisCommands:Rename(key, newkey) end

--- Rename a key, only if the new key does not exist.
--- `RENAMENX key newkey`, since 1.0.0.
---@async
---@param key string
---@param newkey string
---@return any value, string? message, string? code, table? err
function RedisCommands:RenameNX(key, newkey) end

--- An internal command for configuring the replication stream.
--- `REPLCONF`, since 3.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ReplConf() end

--- Make the server a replica of another instance, or promote it as master.
--- `REPLICAOF <host port | NO ONE>`, since 5.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ReplicaOf(...) end

--- Reset the connection.
--- `RESET`, since 6.2.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Reset() end

--- Create a key using the provided serialized value, previously obtained using DUMP.
--- `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`, since 2.6.0.
---@async
---@param key string
---@param ttl integer
---@param serialized_value chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Restore(key, ttl, serialized_value, ...) end

--- An internal command for migrating keys in a cluster.
--- `RESTORE-ASKING key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`, since 3.0.0.
---@async
---@param key string
---@param ttl integer
---@param serialized_value chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:RestoreAsking(key, ttl, serialized_value, ...) end

--- Return the role of the instance in the context of replication.
--- `ROLE`, since 2.8.12.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Role() end

--- Remove and get the last elements in a list.
--- `RPOP key [count]`, since 1.0.0.
---@async
---@param key string
---@param count? integer
---@return any value, string? message, string? code, table? err
function RedisCommands:RPop(key, count) end

--- Remove the last element in a list, prepend it to another list and return it.
--- `RPOPLPUSH source destination`, since 1.2.0.
---@deprecated `LMOVE` with the `RIGHT` and `LEFT` arguments
---@async
---@param source string
---@param destination string
---@return any value, string? message, string? code, table? err
function RedisCommands:RPopLPush(source, destination) end

--- Append one or multiple elements to a list.
--- `RPUSH key element [element ...]`, since 1.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:RPush(key, ...) end

--- Append an element to a list, only if the list exists.
--- `RPUSHX key element [element ...]`, since 2.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:RPushX(key, ...) end

--- Add one or more members to a set.
--- `SADD key member [member ...]`, since 1.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SAdd(key, ...) end

--- Synchronously save the dataset to disk.
--- `SAVE`, since 1.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Save() end

--- Incrementally iterate the keys space.
--- `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`, since 2.8.0.
---@async
---@param cursor integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Scan(cursor, ...) end

--- Get the number of members in a set.
--- `SCARD key`, since 1.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:SCard(key) end

--- A container for Lua scripts management commands.
--- `SCRIPT`, since 2.6.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Script(...) end

--- Set the debug mode for executed scripts.
--- `SCRIPT DEBUG <YES | SYNC | NO>`, since 3.2.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ScriptDebug(...) end

--- Check existence of scripts in the script cache.
--- `SCRIPT EXISTS sha1 [sha1 ...]`, since 2.6.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ScriptExists(...) end

--- Remove all the scripts from the script cache.
--- `SCRIPT FLUSH [ASYNC | SYNC]`, since 2.6.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ScriptFlush(...) end

--- Show helpful text about the different subcommands.
--- `SCRIPT HELP`, since 5.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ScriptHelp() end

--- Kill the script currently in execution.
--- `SCRIPT KILL`, since 2.6.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:ScriptKill() end

--- Load the specified Lua script into the script cache.
--- `SCRIPT LOAD script`, since 2.6.0.
---@async
---@param script chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ScriptLoad(script) end

--- Subtract multiple sets.
--- `SDIFF key [key ...]`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SDiff(...) end

--- Subtract multiple sets and store the resulting set in a key.
--- `SDIFFSTORE destination key [key ...]`, since 1.0.0.
---@async
---@param destination string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SDiffStore(destination, ...) end

--- Change the selected database for the current connection.
--- `SELECT index`, since 1.0.0.
---@async
---@param index integer
---@return any value, string? message, string? code, table? err
function RedisCommands:Select(index) end

--- Set the string value of a key.
--- `SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]`, since 1.0.0.
---@async
---@param key string
---@param value chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Set(key, value, ...) end

--- Sets or clears the bit at offset in the string value stored at key.
--- `SETBIT key offset value`, since 2.2.0.
---@async
---@param key string
---@param offset integer
---@param value integer
---@return any value, string? message, string? code, table? err
function RedisCommands:SetBit(key, offset, value) end

--- Set the value and expiration of a key.
--- `SETEX key seconds value`, since 2.0.0.
---@async
---@param key string
---@param seconds integer
---@param value chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SetEx(key, seconds, value) end

--- Set the value of a key, only if the key does not exist.
--- `SETNX key value`, since 1.0.0.
---@async
---@param key string
---@param value chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SetNX(key, value) end

--- Overwrite part of a string at key starting at the specified offset.
--- `SETRANGE key offset value`, since 2.2.0.
---@async
---@param key string
---@param offset integer
---@param value chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SetRange(key, offset, value) end

--- Synchronously save the dataset to disk and then shut down the server.
--- `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Shutdown(...) end

--- Intersect multiple sets.
--- `SINTER key [key ...]`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SInter(...) end

--- Intersect multiple sets and return the cardinality of the result.
--- `SINTERCARD numkeys key [key ...] [LIMIT limit]`, since 7.0.0.
---@async
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SInterCard(numkeys, ...) end

--- Intersect multiple sets and store the resulting set in a key.
--- `SINTERSTORE destination key [key ...]`, since 1.0.0.
---@async
---@param destination string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SInterStore(destination, ...) end

--- Determine if a given value is a member of a set.
--- `SISMEMBER key member`, since 1.0.0.
---@async
---@param key string
---@param member chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SIsMember(key, member) end

--- Make the server a replica of another instance, or promote it as master.
--- `SLAVEOF <host port | NO ONE>`, since 1.0.0.
---@deprecated `REPLICAOF`
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SlaveOf(...) end

--- A container for slow log commands.
--- `SLOWLOG`, since 2.2.12.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SlowLog(...) end

--- Get the slow log's entries.
--- `SLOWLOG GET [count]`, since 2.2.12.
---@async
---@param count? integer
---@return any value, string? message, string? code, table? err
function RedisCommands:SlowLogGet(count) end

--- Show helpful text about the different subcommands.
--- `SLOWLOG HELP`, since 6.2.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:SlowLogHelp() end

--- Get the slow log's length.
--- `SLOWLOG LEN`, since 2.2.12.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:SlowLogLen() end

--- Clear all entries from the slow log.
--- `SLOWLOG RESET`, since 2.2.12.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:SlowLogReset() end

--- Get all the members in a set.
--- `SMEMBERS key`, since 1.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:SMembers(key) end

--- Returns the membership associated with the given elements for a set.
--- `SMISMEMBER key member [member ...]`, since 6.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SMIsMember(key, ...) end

--- Move a member from one set to another.
--- `SMOVE source destination member`, since 1.0.0.
---@async
---@param source string
---@param destination string
---@param member chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SMove(source, destination, member) end

--- Sort the elements in a list, set or sorted set.
--- `SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] [STORE destination]`, since 1.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Sort(key, ...) end

--- Sort the elements in a list, set or sorted set. Read-only variant of SORT.
--- `SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]`, since 7.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SortRO(key, ...) end

--- Remove and return one or multiple random members from a set.
--- `SPOP key [count]`, since 1.0.0.
---@async
---@param key string
---@param count? integer
---@return any value, string? message, string? code, table? err
function RedisCommands:SPop(key, count) end

--- Post a message to a shard channel.
--- `SPUBLISH shardchannel message`, since 7.0.0.
---@async
---@param shardchannel chuck.RedisArgument
---@param message chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SPublish(shardchannel, message) end

--- Get one or multiple random members from a set.
--- `SRANDMEMBER key [count]`, since 1.0.0.
---@async
---@param key string
---@param count? integer
---@return any value, string? message, string? code, table? err
function RedisCommands:SRandMember(key, count) end

--- Remove one or more members from a set.
--- `SREM key member [member ...]`, since 1.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SRem(key, ...) end

--- Incrementally iterate Set elements.
--- `SSCAN key cursor [MATCH pattern] [COUNT count]`, since 2.8.0.
---@async
---@param key string
---@param cursor integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SScan(key, cursor, ...) end

--- Listen for messages published to the given shard channels.
--- `SSUBSCRIBE shardchannel [shardchannel ...]`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SSubscribe(...) end

--- Get the length of the value stored in a key.
--- `STRLEN key`, since 2.2.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:StrLen(key) end

--- Listen for messages published to the given channels.
--- `SUBSCRIBE channel [channel ...]`, since 2.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Subscribe(...) end

--- Get a substring of the string stored at a key.
--- `SUBSTR key start end`, since 1.0.0.
---@deprecated `GETRANGE`
---@async
---@param key string
---@param start integer
---@param end_ integer
---@return any value, string? message, string? code, table? err
function RedisCommands:SubStr(key, start, end_) end

--- Add multiple sets.
--- `SUNION key [key ...]`, since 1.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SUnion(...) end

--- Add multiple sets and store the resulting set in a key.
--- `SUNIONSTORE destination key [key ...]`, since 1.0.0.
---@async
---@param destination string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SUnionStore(destination, ...) end

--- Stop listening for messages posted to the given shard channels.
--- `SUNSUBSCRIBE [shardchannel [shardchannel ...]]`, since 7.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:SUnsubscribe(...) end

--- Swaps two Redis databases.
--- `SWAPDB index1 index2`, since 4.0.0.
---@async
---@param index1 integer
---@param index2 integer
---@return any value, string? message, string? code, table? err
function RedisCommands:SwapDb(index1, index2) end

--- Internal command used for replication.
--- `SYNC`, since 1.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Sync() end

--- Return the current server time.
--- `TIME`, since 2.6.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:Time() end

--- Alters the last access time of a key(s). Returns the number of existing keys specified.
--- `TOUCH key [key ...]`, since 3.2.1.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Touch(...) end

--- Get the time to live for a key in seconds.
--- `TTL key`, since 1.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:TTL(key) end

--- Determine the type stored at key.
--- `TYPE key`, since 1.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:Type(key) end

--- Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non blocking.
--- `UNLINK key [key ...]`, since 4.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Unlink(...) end

--- Stop listening for messages posted to the given channels.
--- `UNSUBSCRIBE [channel [channel ...]]`, since 2.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Unsubscribe(...) end

--- Forget about all watched keys.
--- `UNWATCH`, since 2.2.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:UnWatch() end

--- Wait for the synchronous replication of all the write commands sent in the context of the current connection.
--- `WAIT numreplicas timeout`, since 3.0.0.
---@async
---@param numreplicas integer
---@param timeout integer
---@return any value, string? message, string? code, table? err
function RedisCommands:Wait(numreplicas, timeout) end

--- Watch the given keys to determine execution of the MULTI/EXEC block.
--- `WATCH key [key ...]`, since 2.2.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:Watch(...) end

--- Marks a pending message as correctly processed, effectively removing it from the pending entries list of the consumer group. Return value of the command is the number of messages successfully acknowledged, that is, the IDs we were actually able to resolve in the PEL.
--- `XACK key group id [id ...]`, since 5.0.0.
---@async
---@param key string
---@param group chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XAck(key, group, ...) end

--- Appends a new entry to a stream.
--- `XADD key [NOMKSTREAM] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]`, since 5.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XAdd(key, ...) end

--- Changes (or acquires) ownership of messages in a consumer group, as if the messages were delivered to the specified consumer.
--- `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]`, since 6.2.0.
---@async
---@param key string
---@param group chuck.RedisArgument
---@param consumer chuck.RedisArgument
---@param min_idle_time chuck.RedisArgument
---@param start chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XAutoClaim(key, group, consumer, min_idle_time, start, ...) end

--- Changes (or acquires) ownership of a message in a consumer group, as if the message was delivered to the specified consumer.
--- `XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]`, since 5.0.0.
---@async
---@param key string
---@param group chuck.RedisArgument
---@param consumer chuck.RedisArgument
---@param min_idle_time chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XClaim(key, group, consumer, min_idle_time, ...) end

--- Removes the specified entries from the stream. Returns the number of items actually deleted, that may be different from the number of IDs passed in case certain IDs do not exist.
--- `XDEL key id [id ...]`, since 5.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XDel(key, ...) end

--- A container for consumer groups commands.
--- `XGROUP`, since 5.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XGroup(...) end

--- Create a consumer group.
--- `XGROUP CREATE key groupname <id | $> [MKSTREAM] [ENTRIESREAD entries_read]`, since 5.0.0.
---@async
---@param key string
---@param groupname chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XGroupCreate(key, groupname, ...) end

--- Create a consumer in a consumer group.
--- `XGROUP CREATECONSUMER key groupname consumername`, since 6.2.0.
---@async
---@param key string
---@param groupname chuck.RedisArgument
---@param consumername chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XGroupCreateConsumer(key, groupname, consumername) end

--- Delete a consumer from a consumer group.
--- `XGROUP DELCONSUMER key groupname consumername`, since 5.0.0.
---@async
---@param key string
---@param groupname chuck.RedisArgument
---@param consumername chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XGroupDelConsumer(key, groupname, consumername) end

--- Destroy a consumer group.
--- `XGROUP DESTROY key groupname`, since 5.0.0.
---@async
---@param key string
---@param groupname chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XGroupDestroy(key, groupname) end

--- Show helpful text about the different subcommands.
--- `XGROUP HELP`, since 5.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:XGroupHelp() end

--- Set a consumer group to an arbitrary last delivered ID value.
--- `XGROUP SETID key groupname <id | $> [ENTRIESREAD entries_read]`, since 5.0.0.
---@async
---@param key string
---@param groupname chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XGroupSetId(key, groupname, ...) end

--- A container for stream introspection commands.
--- `XINFO`, since 5.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XInfo(...) end

--- List the consumers in a consumer group.
--- `XINFO CONSUMERS key groupname`, since 5.0.0.
---@async
---@param key string
---@param groupname chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XInfoConsumers(key, groupname) end

--- List the consumer groups of a stream.
--- `XINFO GROUPS key`, since 5.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:XInfoGroups(key) end

--- Show helpful text about the different subcommands.
--- `XINFO HELP`, since 5.0.0.
---@async
---@return any value, string? message, string? code, table? err
function RedisCommands:XInfoHelp() end

--- Get information about a stream.
--- `XINFO STREAM key [FULL [COUNT count]]`, since 5.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XInfoStream(key, ...) end

--- Return the number of entries in a stream.
--- `XLEN key`, since 5.0.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:XLen(key) end

--- Return information and entries from a stream consumer group pending entries list, that are messages fetched but never acknowledged.
--- `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]`, since 5.0.0.
---@async
---@param key string
---@param group chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XPending(key, group, ...) end

--- Return a range of elements in a stream, with IDs matching the specified IDs interval.
--- `XRANGE key start end [COUNT count]`, since 5.0.0.
---@async
---@param key string
---@param start chuck.RedisArgument
---@param end_ chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XRange(key, start, end_, ...) end

--- Return never seen elements in multiple streams, with IDs greater than the ones reported by the caller for each stream. Can block.
--- `XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]`, since 5.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XRead(...) end

--- Return new entries from a stream using a consumer group, or access the history of the pending entries for a given consumer. Can block.
--- `XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]`, since 5.0.0.
---@async
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XReadGroup(...) end

--- Return a range of elements in a stream, with IDs matching the specified IDs interval, in reverse order (from greater to smaller IDs) compared to XRANGE.
--- `XREVRANGE key end start [COUNT count]`, since 5.0.0.
---@async
---@param key string
---@param end_ chuck.RedisArgument
---@param start chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XRevRange(key, end_, start, ...) end

--- An internal command for replicating stream values.
--- `XSETID key last-id [ENTRIESADDED entries_added] [MAXDELETEDID max_deleted_entry_id]`, since 5.0.0.
---@async
---@param key string
---@param last_id chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XSetId(key, last_id, ...) end

--- Trims the stream to (approximately if '~' is passed) a certain size.
--- `XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT count]`, since 5.0.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:XTrim(key, ...) end

--- Add one or more members to a sorted set, or update its score if it already exists.
--- `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]`, since 1.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZAdd(key, ...) end

--- Get the number of members in a sorted set.
--- `ZCARD key`, since 1.2.0.
---@async
---@param key string
---@return any value, string? message, string? code, table? err
function RedisCommands:ZCard(key) end

--- Count the members in a sorted set with scores within the given values.
--- `ZCOUNT key min max`, since 2.0.0.
---@async
---@param key string
---@param min number
---@param max number
---@return any value, string? message, string? code, table? err
function RedisCommands:ZCount(key, min, max) end

--- Subtract multiple sorted sets.
--- `ZDIFF numkeys key [key ...] [WITHSCORES]`, since 6.2.0.
---@async
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZDiff(numkeys, ...) end

--- Subtract multiple sorted sets and store the resulting sorted set in a new key.
--- `ZDIFFSTORE destination numkeys key [key ...]`, since 6.2.0.
---@async
---@param destination string
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZDiffStore(destination, numkeys, ...) end

--- Increment the score of a member in a sorted set.
--- `ZINCRBY key increment member`, since 1.2.0.
---@async
---@param key string
---@param increment integer
---@param member chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZIncrBy(key, increment, member) end

--- Intersect multiple sorted sets.
--- `ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`, since 6.2.0.
---@async
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZInter(numkeys, ...) end

--- Intersect multiple sorted sets and return the cardinality of the result.
--- `ZINTERCARD numkeys key [key ...] [LIMIT limit]`, since 7.0.0.
---@async
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZInterCard(numkeys, ...) end

--- Intersect multiple sorted sets and store the resulting sorted set in a new key.
--- `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]`, since 2.0.0.
---@async
---@param destination string
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZInterStore(destination, numkeys, ...) end

--- Count the number of members in a sorted set between a given lexicographical range.
--- `ZLEXCOUNT key min max`, since 2.8.9.
---@async
---@param key string
---@param min chuck.RedisArgument
---@param max chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZLexCount(key, min, max) end

--- Remove and return members with scores in a sorted set.
--- `ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]`, since 7.0.0.
---@async
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZMPop(numkeys, ...) end

--- Get the score associated with the given members in a sorted set.
--- `ZMSCORE key member [member ...]`, since 6.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZMScore(key, ...) end

--- Remove and return members with the highest scores in a sorted set.
--- `ZPOPMAX key [count]`, since 5.0.0.
---@async
---@param key string
---@param count? integer
---@return any value, string? message, string? code, table? err
function RedisCommands:ZPopMax(key, count) end

--- Remove and return members with the lowest scores in a sorted set.
--- `ZPOPMIN key [count]`, since 5.0.0.
---@async
---@param key string
---@param count? integer
---@return any value, string? message, string? code, table? err
function RedisCommands:ZPopMin(key, count) end

--- Get one or multiple random elements from a sorted set.
--- `ZRANDMEMBER key [count [WITHSCORES]]`, since 6.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRandMember(key, ...) end

--- Return a range of members in a sorted set.
--- `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`, since 1.2.0.
---@async
---@param key string
---@param start chuck.RedisArgument
---@param stop chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRange(key, start, stop, ...) end

--- Return a range of members in a sorted set, by lexicographical range.
--- `ZRANGEBYLEX key min max [LIMIT offset count]`, since 2.8.9.
---@deprecated `ZRANGE` with the `BYLEX` argument
---@async
---@param key string
---@param min chuck.RedisArgument
---@param max chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRangeByLex(key, min, max, ...) end

--- Return a range of members in a sorted set, by score.
--- `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`, since 1.0.5.
---@deprecated `ZRANGE` with the `BYSCORE` argument
---@async
---@param key string
---@param min number
---@param max number
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRangeByScore(key, min, max, ...) end

--- Store a range of members from sorted set into another key.
--- `ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]`, since 6.2.0.
---@async
---@param dst string
---@param src string
---@param min chuck.RedisArgument
---@param max chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRangeStore(dst, src, min, max, ...) end

--- Determine the index of a member in a sorted set.
--- `ZRANK key member`, since 2.0.0.
---@async
---@param key string
---@param member chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRank(key, member) end

--- Remove one or more members from a sorted set.
--- `ZREM key member [member ...]`, since 1.2.0.
---@async
---@param key string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRem(key, ...) end

--- Remove all members in a sorted set between the given lexicographical range.
--- `ZREMRANGEBYLEX key min max`, since 2.8.9.
---@async
---@param key string
---@param min chuck.RedisArgument
---@param max chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRemRangeByLex(key, min, max) end

--- Remove all members in a sorted set within the given indexes.
--- `ZREMRANGEBYRANK key start stop`, since 2.0.0.
---@async
---@param key string
---@param start integer
---@param stop integer
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRemRangeByRank(key, start, stop) end

--- Remove all members in a sorted set within the given scores.
--- `ZREMRANGEBYSCORE key min max`, since 1.2.0.
---@async
---@param key string
---@param min number
---@param max number
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRemRangeByScore(key, min, max) end

--- Return a range of members in a sorted set, by index, with scores ordered from high to low.
--- `ZREVRANGE key start stop [WITHSCORES]`, since 1.2.0.
---@deprecated `ZRANGE` with the `REV` argument
---@async
---@param key string
---@param start integer
---@param stop integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRevRange(key, start, stop, ...) end

--- Return a range of members in a sorted set, by lexicographical range, ordered from higher to lower strings.
--- `ZREVRANGEBYLEX key max min [LIMIT offset count]`, since 2.8.9.
---@deprecated `ZRANGE` with the `REV` and `BYLEX` arguments
---@async
---@param key string
---@param max chuck.RedisArgument
---@param min chuck.RedisArgument
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRevRangeByLex(key, max, min, ...) end

--- Return a range of members in a sorted set, by score, with scores ordered from high to low.
--- `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`, since 2.2.0.
---@deprecated `ZRANGE` with the `REV` and `BYSCORE` arguments
---@async
---@param key string
---@param max number
---@param min number
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRevRangeByScore(key, max, min, ...) end

--- Determine the index of a member in a sorted set, with scores ordered from high to low.
--- `ZREVRANK key member`, since 2.0.0.
---@async
---@param key string
---@param member chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZRevRank(key, member) end

--- Incrementally iterate sorted sets elements and associated scores.
--- `ZSCAN key cursor [MATCH pattern] [COUNT count]`, since 2.8.0.
---@async
---@param key string
---@param cursor integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZScan(key, cursor, ...) end

--- Get the score associated with the given member in a sorted set.
--- `ZSCORE key member`, since 1.2.0.
---@async
---@param key string
---@param member chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZScore(key, member) end

--- Add multiple sorted sets.
--- `ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`, since 6.2.0.
---@async
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZUnion(numkeys, ...) end

--- Add multiple sorted sets and store the resulting sorted set in a new key.
--- `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]`, since 2.0.0.
---@async
---@param destination string
---@param numkeys integer
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisCommands:ZUnionStore(destination, numkeys, ...) end
