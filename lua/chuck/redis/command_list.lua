--- The commands of redis-server 7.0.15. Written by scripts/redis_commands: not to be changed here.
---
--- A line is: name, method, flags (r: reads only, w: writes, b: blocks, p: is of publishing, a: is
--- for administrators, c: has subcommands), first key, last key and step, and what is special.
--- `commands` reads it.
return {
  VERSION = "7.0.15",
  LINES = [[
ACL Acl c -
ACL|CAT AclCat - -
ACL|DELUSER AclDelUser a -
ACL|DRYRUN AclDryRun a -
ACL|GENPASS AclGenPass - -
ACL|GETUSER AclGetUser a - shape=acl_user
ACL|HELP AclHelp - -
ACL|LIST AclList a -
ACL|LOAD AclLoad a -
ACL|LOG AclLog a - shape=acl_log
ACL|SAVE AclSave a -
ACL|SETUSER AclSetUser a -
ACL|USERS AclUsers a -
ACL|WHOAMI AclWhoAmI - -
APPEND Append w 1,1,1
ASKING Asking - -
AUTH Auth - -
BGREWRITEAOF BgRewriteAof a -
BGSAVE BgSave a -
BITCOUNT BitCount r 1,1,1
BITFIELD BitField w 1,1,1
BITFIELD_RO BitFieldRO r 1,1,1
BITOP BitOp w 2,-1,1
BITPOS BitPos r 1,1,1
BLMOVE BLMove wb 1,2,1 block=last
BLMPOP BLMPop wb - number=2 block=first
BLPOP BLPop wb 1,-2,1 block=last
BRPOP BRPop wb 1,-2,1 block=last
BRPOPLPUSH BRPopLPush wb 1,2,1 block=last
BZMPOP BZMPop wb - number=2 block=first shape=popped_by_key
BZPOPMAX BZPopMax wb 1,-2,1 block=last shape=key_and_popped
BZPOPMIN BZPopMin wb 1,-2,1 block=last shape=key_and_popped
CLIENT Client c -
CLIENT|CACHING ClientCaching - -
CLIENT|GETNAME ClientGetName - -
CLIENT|GETREDIR ClientGetRedir - -
CLIENT|HELP ClientHelp - -
CLIENT|ID ClientId - -
CLIENT|INFO ClientInfo - -
CLIENT|KILL ClientKill a -
CLIENT|LIST ClientList a -
CLIENT|NO-EVICT ClientNoEvict a -
CLIENT|PAUSE ClientPause a -
CLIENT|REPLY ClientReply - -
CLIENT|SETNAME ClientSetName - -
CLIENT|TRACKING ClientTracking - -
CLIENT|TRACKINGINFO ClientTrackingInfo - - shape=map
CLIENT|UNBLOCK ClientUnBlock a -
CLIENT|UNPAUSE ClientUnPause a -
CLUSTER Cluster c -
CLUSTER|ADDSLOTS ClusterAddSlots a -
CLUSTER|ADDSLOTSRANGE ClusterAddSlotsRange a -
CLUSTER|BUMPEPOCH ClusterBumpEpoch a -
CLUSTER|COUNT-FAILURE-REPORTS ClusterCountFailureReports a -
CLUSTER|COUNTKEYSINSLOT ClusterCountKeysInSlot - -
CLUSTER|DELSLOTS ClusterDelSlots a -
CLUSTER|DELSLOTSRANGE ClusterDelSlotsRange a -
CLUSTER|FAILOVER ClusterFailover a -
CLUSTER|FLUSHSLOTS ClusterFlushSlots a -
CLUSTER|FORGET ClusterForget a -
CLUSTER|GETKEYSINSLOT ClusterGetKeysInSlot - -
CLUSTER|HELP ClusterHelp - -
CLUSTER|INFO ClusterInfo - -
CLUSTER|KEYSLOT ClusterKeySlot - -
CLUSTER|LINKS ClusterLinks - - shape=maps
CLUSTER|MEET ClusterMeet a -
CLUSTER|MYID ClusterMyId - -
CLUSTER|NODES ClusterNodes - -
CLUSTER|REPLICAS ClusterReplicas a -
CLUSTER|REPLICATE ClusterReplicate a -
CLUSTER|RESET ClusterReset a -
CLUSTER|SAVECONFIG ClusterSaveConfig a -
CLUSTER|SET-CONFIG-EPOCH ClusterSetConfigEpoch a -
CLUSTER|SETSLOT ClusterSetSlot a -
CLUSTER|SHARDS ClusterShards - - shape=shards
CLUSTER|SLAVES ClusterSlaves a -
CLUSTER|SLOTS ClusterSlots - - shape=slots
COMMAND Command c - shape=command_infos
COMMAND|COUNT CommandCount - -
COMMAND|DOCS CommandDocs - - shape=command_docs
COMMAND|GETKEYS CommandGetKeys - -
COMMAND|GETKEYSANDFLAGS CommandGetKeysAndFlags - -
COMMAND|HELP CommandHelp - -
COMMAND|INFO CommandInfo - - shape=command_infos
COMMAND|LIST CommandList - -
CONFIG Config c -
CONFIG|GET ConfigGet a - shape=map
CONFIG|HELP ConfigHelp - -
CONFIG|RESETSTAT ConfigResetStat a -
CONFIG|REWRITE ConfigRewrite a -
CONFIG|SET ConfigSet a -
COPY Copy w 1,2,1
DBSIZE DbSize r -
DEBUG Debug a -
DECR Decr w 1,1,1
DECRBY DecrBy w 1,1,1
DEL Del w 1,-1,1
DISCARD Discard - -
DUMP Dump r 1,1,1
ECHO Echo - -
EVAL Eval - - number=2
EVALSHA EvalSha - - number=2
EVALSHA_RO EvalShaRO r - number=2
EVAL_RO EvalRO r - number=2
EXEC Exec - -
EXISTS Exists r 1,-1,1
EXPIRE Expire w 1,1,1
EXPIREAT ExpireAt w 1,1,1
EXPIRETIME ExpireTime r 1,1,1
FAILOVER Failover a -
FCALL FCall - - number=2
FCALL_RO FCallRO r - number=2
FLUSHALL FlushAll w -
FLUSHDB FlushDb w -
FUNCTION Function c -
FUNCTION|DELETE FunctionDelete w -
FUNCTION|DUMP FunctionDump - -
FUNCTION|FLUSH FunctionFlush w -
FUNCTION|HELP FunctionHelp - -
FUNCTION|KILL FunctionKill - -
FUNCTION|LIST FunctionList - - shape=functions
FUNCTION|LOAD FunctionLoad w -
FUNCTION|RESTORE FunctionRestore w -
FUNCTION|STATS FunctionStats - - shape=function_stats
GEOADD GeoAdd w 1,1,1
GEODIST GeoDist r 1,1,1
GEOHASH GeoHash r 1,1,1
GEOPOS GeoPos r 1,1,1 shape=positions
GEORADIUS GeoRadius w 1,1,1 one=STORE,STOREDIST shape=found
GEORADIUSBYMEMBER GeoRadiusByMember w 1,1,1 one=STORE,STOREDIST shape=found
GEORADIUSBYMEMBER_RO GeoRadiusByMemberRO r 1,1,1 shape=found
GEORADIUS_RO GeoRadiusRO r 1,1,1 shape=found
GEOSEARCH GeoSearch r 1,1,1 shape=found
GEOSEARCHSTORE GeoSearchStore w 1,2,1
GET Get r 1,1,1
GETBIT GetBit r 1,1,1
GETDEL GetDel w 1,1,1
GETEX GetEx w 1,1,1
GETRANGE GetRange r 1,1,1
GETSET GetSet w 1,1,1
HDEL HDel w 1,1,1
HELLO Hello - - shape=hello
HEXISTS HExists r 1,1,1
HGET HGet r 1,1,1
HGETALL HGetAll r 1,1,1 shape=map
HINCRBY HIncrBy w 1,1,1
HINCRBYFLOAT HIncrByFloat w 1,1,1
HKEYS HKeys r 1,1,1
HLEN HLen r 1,1,1
HMGET HMGet r 1,1,1
HMSET HMSet w 1,1,1
HRANDFIELD HRandField r 1,1,1 shape=with_values
HSCAN HScan r 1,1,1
HSET HSet w 1,1,1
HSETNX HSetNX w 1,1,1
HSTRLEN HStrLen r 1,1,1
HVALS HVals r 1,1,1
INCR Incr w 1,1,1
INCRBY IncrBy w 1,1,1
INCRBYFLOAT IncrByFloat w 1,1,1
INFO Info - -
KEYS Keys r -
LASTSAVE LastSave - -
LATENCY Latency c -
LATENCY|DOCTOR LatencyDoctor a -
LATENCY|GRAPH LatencyGraph a -
LATENCY|HELP LatencyHelp - -
LATENCY|HISTOGRAM LatencyHistogram a - shape=histograms
LATENCY|HISTORY LatencyHistory a -
LATENCY|LATEST LatencyLatest a -
LATENCY|RESET LatencyReset a -
LCS LCS r 1,2,1 shape=matches
LINDEX LIndex r 1,1,1
LINSERT LInsert w 1,1,1
LLEN LLen r 1,1,1
LMOVE LMove w 1,2,1
LMPOP LMPop w - number=1
LOLWUT LolWut r -
LPOP LPop w 1,1,1
LPOS LPos r 1,1,1
LPUSH LPush w 1,1,1
LPUSHX LPushX w 1,1,1
LRANGE LRange r 1,1,1
LREM LRem w 1,1,1
LSET LSet w 1,1,1
LTRIM LTrim w 1,1,1
MEMORY Memory c -
MEMORY|DOCTOR MemoryDoctor - -
MEMORY|HELP MemoryHelp - -
MEMORY|MALLOC-STATS MemoryMallocStats - -
MEMORY|PURGE MemoryPurge - -
MEMORY|STATS MemoryStats - - shape=memory
MEMORY|USAGE MemoryUsage r 1,1,1
MGET MGet r 1,-1,1
MIGRATE Migrate w 3,3,1 after=KEYS
MODULE Module c -
MODULE|HELP ModuleHelp - -
MODULE|LIST ModuleList a - shape=maps
MODULE|LOAD ModuleLoad a -
MODULE|LOADEX ModuleLoadEx a -
MODULE|UNLOAD ModuleUnload a -
MONITOR Monitor a -
MOVE Move w 1,1,1
MSET MSet w 1,-1,2
MSETNX MSetNX w 1,-1,2
MULTI Multi - -
OBJECT Object c -
OBJECT|ENCODING ObjectEncoding r 1,1,1
OBJECT|FREQ ObjectFreq r 1,1,1
OBJECT|HELP ObjectHelp - -
OBJECT|IDLETIME ObjectIdleTime r 1,1,1
OBJECT|REFCOUNT ObjectRefCount r 1,1,1
PERSIST Persist w 1,1,1
PEXPIRE PExpire w 1,1,1
PEXPIREAT PExpireAt w 1,1,1
PEXPIRETIME PExpireTime r 1,1,1
PFADD PfAdd w 1,1,1
PFCOUNT PfCount r 1,-1,1
PFDEBUG PfDebug wa 2,2,1
PFMERGE PfMerge w 1,-1,1
PFSELFTEST PfSelfTest a -
PING Ping - -
PSETEX PSetEx w 1,1,1
PSUBSCRIBE PSubscribe p -
PSYNC PSync a -
PTTL PTTL r 1,1,1
PUBLISH Publish p -
PUBSUB PubSub c -
PUBSUB|CHANNELS PubSubChannels p -
PUBSUB|HELP PubSubHelp - -
PUBSUB|NUMPAT PubSubNumPat p -
PUBSUB|NUMSUB PubSubNumSub p -
PUBSUB|SHARDCHANNELS PubSubShardChannels p -
PUBSUB|SHARDNUMSUB PubSubShardNumSub p -
PUNSUBSCRIBE PUnsubscribe p -
QUIT Quit - -
RANDOMKEY RandomKey r -
READONLY ReadOnly - -
READWRITE ReadWrite - -
RENAME Rename w 1,2,1
RENAMENX RenameNX w 1,2,1
REPLCONF ReplConf a -
REPLICAOF ReplicaOf a -
RESET Reset - -
RESTORE Restore w 1,1,1
RESTORE-ASKING RestoreAsking w 1,1,1
ROLE Role - -
RPOP RPop w 1,1,1
RPOPLPUSH RPopLPush w 1,2,1
RPUSH RPush w 1,1,1
RPUSHX RPushX w 1,1,1
SADD SAdd w 1,1,1
SAVE Save a -
SCAN Scan r -
SCARD SCard r 1,1,1
SCRIPT Script c -
SCRIPT|DEBUG ScriptDebug - -
SCRIPT|EXISTS ScriptExists - -
SCRIPT|FLUSH ScriptFlush - -
SCRIPT|HELP ScriptHelp - -
SCRIPT|KILL ScriptKill - -
SCRIPT|LOAD ScriptLoad - -
SDIFF SDiff r 1,-1,1
SDIFFSTORE SDiffStore w 1,-1,1
SELECT Select - -
SET Set w 1,1,1
SETBIT SetBit w 1,1,1
SETEX SetEx w 1,1,1
SETNX SetNX w 1,1,1
SETRANGE SetRange w 1,1,1
SHUTDOWN Shutdown a -
SINTER SInter r 1,-1,1
SINTERCARD SInterCard r - number=1
SINTERSTORE SInterStore w 1,-1,1
SISMEMBER SIsMember r 1,1,1
SLAVEOF SlaveOf a -
SLOWLOG SlowLog c -
SLOWLOG|GET SlowLogGet a -
SLOWLOG|HELP SlowLogHelp - -
SLOWLOG|LEN SlowLogLen a -
SLOWLOG|RESET SlowLogReset a -
SMEMBERS SMembers r 1,1,1
SMISMEMBER SMIsMember r 1,1,1
SMOVE SMove w 1,2,1
SORT Sort w 1,1,1 one=STORE
SORT_RO SortRO r 1,1,1
SPOP SPop w 1,1,1
SPUBLISH SPublish p 1,1,1
SRANDMEMBER SRandMember r 1,1,1
SREM SRem w 1,1,1
SSCAN SScan r 1,1,1
SSUBSCRIBE SSubscribe p 1,-1,1
STRLEN StrLen r 1,1,1
SUBSCRIBE Subscribe p -
SUBSTR SubStr r 1,1,1
SUNION SUnion r 1,-1,1
SUNIONSTORE SUnionStore w 1,-1,1
SUNSUBSCRIBE SUnsubscribe p 1,-1,1
SWAPDB SwapDb w -
SYNC Sync a -
TIME Time - -
TOUCH Touch r 1,-1,1
TTL TTL r 1,1,1
TYPE Type r 1,1,1
UNLINK Unlink w 1,-1,1
UNSUBSCRIBE Unsubscribe p -
UNWATCH UnWatch - -
WAIT Wait b - block=second
WATCH Watch - 1,-1,1
XACK XAck w 1,1,1
XADD XAdd w 1,1,1
XAUTOCLAIM XAutoClaim w 1,1,1
XCLAIM XClaim w 1,1,1
XDEL XDel w 1,1,1
XGROUP XGroup c -
XGROUP|CREATE XGroupCreate w 1,1,1
XGROUP|CREATECONSUMER XGroupCreateConsumer w 1,1,1
XGROUP|DELCONSUMER XGroupDelConsumer w 1,1,1
XGROUP|DESTROY XGroupDestroy w 1,1,1
XGROUP|HELP XGroupHelp - -
XGROUP|SETID XGroupSetId w 1,1,1
XINFO XInfo c -
XINFO|CONSUMERS XInfoConsumers r 1,1,1 shape=maps
XINFO|GROUPS XInfoGroups r 1,1,1 shape=maps
XINFO|HELP XInfoHelp - -
XINFO|STREAM XInfoStream r 1,1,1 shape=stream
XLEN XLen r 1,1,1
XPENDING XPending r 1,1,1
XRANGE XRange r 1,1,1
XREAD XRead rb - after=STREAMS half block=BLOCK shape=streams
XREADGROUP XReadGroup wb - after=STREAMS half block=BLOCK shape=streams
XREVRANGE XRevRange r 1,1,1
XSETID XSetId w 1,1,1
XTRIM XTrim w 1,1,1
ZADD ZAdd w 1,1,1 shape=double
ZCARD ZCard r 1,1,1
ZCOUNT ZCount r 1,1,1
ZDIFF ZDiff r - number=1 shape=with_scores
ZDIFFSTORE ZDiffStore w 1,1,1 number=2
ZINCRBY ZIncrBy w 1,1,1 shape=double
ZINTER ZInter r - number=1 shape=with_scores
ZINTERCARD ZInterCard r - number=1
ZINTERSTORE ZInterStore w 1,1,1 number=2
ZLEXCOUNT ZLexCount r 1,1,1
ZMPOP ZMPop w - number=1 shape=popped_by_key
ZMSCORE ZMScore r 1,1,1 shape=doubles
ZPOPMAX ZPopMax w 1,1,1 shape=popped
ZPOPMIN ZPopMin w 1,1,1 shape=popped
ZRANDMEMBER ZRandMember r 1,1,1 shape=with_scores
ZRANGE ZRange r 1,1,1 shape=with_scores
ZRANGEBYLEX ZRangeByLex r 1,1,1
ZRANGEBYSCORE ZRangeByScore r 1,1,1 shape=with_scores
ZRANGESTORE ZRangeStore w 1,2,1
ZRANK ZRank r 1,1,1
ZREM ZRem w 1,1,1
ZREMRANGEBYLEX ZRemRangeByLex w 1,1,1
ZREMRANGEBYRANK ZRemRangeByRank w 1,1,1
ZREMRANGEBYSCORE ZRemRangeByScore w 1,1,1
ZREVRANGE ZRevRange r 1,1,1 shape=with_scores
ZREVRANGEBYLEX ZRevRangeByLex r 1,1,1
ZREVRANGEBYSCORE ZRevRangeByScore r 1,1,1 shape=with_scores
ZREVRANK ZRevRank r 1,1,1
ZSCAN ZScan r 1,1,1
ZSCORE ZScore r 1,1,1 shape=double
ZUNION ZUnion r - number=1 shape=with_scores
ZUNIONSTORE ZUnionStore w 1,1,1 number=2
]],
}
