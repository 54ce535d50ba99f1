--- The commands of redis-server 7.0.15. Written by scripts/redis_commands: not to be changed here.
---
--- A line is: name, method, flags (r: reads only, w: writes, b: blocks, p: is of publishing, a: is
--- for administrators, c: has subcommands), first key, last key and step, group, version that
--- brought it, and what is special. `commands` reads it.
return {
  VERSION = "7.0.15",
  LINES = [[
ACL Acl c - server 6.0.0
ACL|CAT AclCat - - server 6.0.0
ACL|DELUSER AclDelUser a - server 6.0.0
ACL|DRYRUN AclDryRun a - server 7.0.0
ACL|GENPASS AclGenPass - - server 6.0.0
ACL|GETUSER AclGetUser a - server 6.0.0 shape=acl_user
ACL|HELP AclHelp - - server 6.0.0
ACL|LIST AclList a - server 6.0.0
ACL|LOAD AclLoad a - server 6.0.0
ACL|LOG AclLog a - server 6.0.0 shape=acl_log
ACL|SAVE AclSave a - server 6.0.0
ACL|SETUSER AclSetUser a - server 6.0.0
ACL|USERS AclUsers a - server 6.0.0
ACL|WHOAMI AclWhoAmI - - server 6.0.0
APPEND Append w 1,1,1 string 2.0.0
ASKING Asking - - cluster 3.0.0
AUTH Auth - - connection 1.0.0
BGREWRITEAOF BgRewriteAof a - server 1.0.0
BGSAVE BgSave a - server 1.0.0
BITCOUNT BitCount r 1,1,1 bitmap 2.6.0
BITFIELD BitField w 1,1,1 bitmap 3.2.0
BITFIELD_RO BitFieldRO r 1,1,1 bitmap 6.0.0
BITOP BitOp w 2,-1,1 bitmap 2.6.0
BITPOS BitPos r 1,1,1 bitmap 2.8.7
BLMOVE BLMove wb 1,2,1 list 6.2.0 block=last
BLMPOP BLMPop wb - list 7.0.0 number=2 block=first
BLPOP BLPop wb 1,-2,1 list 2.0.0 block=last
BRPOP BRPop wb 1,-2,1 list 2.0.0 block=last
BRPOPLPUSH BRPopLPush wb 1,2,1 list 2.2.0 block=last
BZMPOP BZMPop wb - sorted-set 7.0.0 number=2 block=first shape=popped_by_key
BZPOPMAX BZPopMax wb 1,-2,1 sorted-set 5.0.0 block=last shape=key_and_popped
BZPOPMIN BZPopMin wb 1,-2,1 sorted-set 5.0.0 block=last shape=key_and_popped
CLIENT Client c - connection 2.4.0
CLIENT|CACHING ClientCaching - - connection 6.0.0
CLIENT|GETNAME ClientGetName - - connection 2.6.9
CLIENT|GETREDIR ClientGetRedir - - connection 6.0.0
CLIENT|HELP ClientHelp - - connection 5.0.0
CLIENT|ID ClientId - - connection 5.0.0
CLIENT|INFO ClientInfo - - connection 6.2.0
CLIENT|KILL ClientKill a - connection 2.4.0
CLIENT|LIST ClientList a - connection 2.4.0
CLIENT|NO-EVICT ClientNoEvict a - connection 7.0.0
CLIENT|PAUSE ClientPause a - connection 2.9.50
CLIENT|REPLY ClientReply - - connection 3.2.0
CLIENT|SETNAME ClientSetName - - connection 2.6.9
CLIENT|TRACKING ClientTracking - - connection 6.0.0
CLIENT|TRACKINGINFO ClientTrackingInfo - - connection 6.2.0 shape=map
CLIENT|UNBLOCK ClientUnBlock a - connection 5.0.0
CLIENT|UNPAUSE ClientUnPause a - connection 6.2.0
CLUSTER Cluster c - cluster 3.0.0
CLUSTER|ADDSLOTS ClusterAddSlots a - cluster 3.0.0
CLUSTER|ADDSLOTSRANGE ClusterAddSlotsRange a - cluster 7.0.0
CLUSTER|BUMPEPOCH ClusterBumpEpoch a - cluster 3.0.0
CLUSTER|COUNT-FAILURE-REPORTS ClusterCountFailureReports a - cluster 3.0.0
CLUSTER|COUNTKEYSINSLOT ClusterCountKeysInSlot - - cluster 3.0.0
CLUSTER|DELSLOTS ClusterDelSlots a - cluster 3.0.0
CLUSTER|DELSLOTSRANGE ClusterDelSlotsRange a - cluster 7.0.0
CLUSTER|FAILOVER ClusterFailover a - cluster 3.0.0
CLUSTER|FLUSHSLOTS ClusterFlushSlots a - cluster 3.0.0
CLUSTER|FORGET ClusterForget a - cluster 3.0.0
CLUSTER|GETKEYSINSLOT ClusterGetKeysInSlot - - cluster 3.0.0
CLUSTER|HELP ClusterHelp - - cluster 5.0.0
CLUSTER|INFO ClusterInfo - - cluster 3.0.0
CLUSTER|KEYSLOT ClusterKeySlot - - cluster 3.0.0
CLUSTER|LINKS ClusterLinks - - cluster 7.0.0 shape=maps
CLUSTER|MEET ClusterMeet a - cluster 3.0.0
CLUSTER|MYID ClusterMyId - - cluster 3.0.0
CLUSTER|NODES ClusterNodes - - cluster 3.0.0
CLUSTER|REPLICAS ClusterReplicas a - cluster 5.0.0
CLUSTER|REPLICATE ClusterReplicate a - cluster 3.0.0
CLUSTER|RESET ClusterReset a - cluster 3.0.0
CLUSTER|SAVECONFIG ClusterSaveConfig a - cluster 3.0.0
CLUSTER|SET-CONFIG-EPOCH ClusterSetConfigEpoch a - cluster 3.0.0
CLUSTER|SETSLOT ClusterSetSlot a - cluster 3.0.0
CLUSTER|SHARDS ClusterShards - - cluster 7.0.0 shape=shards
CLUSTER|SLAVES ClusterSlaves a - cluster 3.0.0
CLUSTER|SLOTS ClusterSlots - - cluster 3.0.0 shape=slots
COMMAND Command c - server 2.8.13 shape=command_infos
COMMAND|COUNT CommandCount - - server 2.8.13
COMMAND|DOCS CommandDocs - - server 7.0.0 shape=command_docs
COMMAND|GETKEYS CommandGetKeys - - server 2.8.13
COMMAND|GETKEYSANDFLAGS CommandGetKeysAndFlags - - server 7.0.0
COMMAND|HELP CommandHelp - - server 5.0.0
COMMAND|INFO CommandInfo - - server 2.8.13 shape=command_infos
COMMAND|LIST CommandList - - server 7.0.0
CONFIG Config c - server 2.0.0
CONFIG|GET ConfigGet a - server 2.0.0 shape=map
CONFIG|HELP ConfigHelp - - server 5.0.0
CONFIG|RESETSTAT ConfigResetStat a - server 2.0.0
CONFIG|REWRITE ConfigRewrite a - server 2.8.0
CONFIG|SET ConfigSet a - server 2.0.0
COPY Copy w 1,2,1 generic 6.2.0
DBSIZE DbSize r - server 1.0.0
DEBUG Debug a - server 1.0.0
DECR Decr w 1,1,1 string 1.0.0
DECRBY DecrBy w 1,1,1 string 1.0.0
DEL Del w 1,-1,1 generic 1.0.0
DISCARD Discard - - transactions 2.0.0
DUMP Dump r 1,1,1 generic 2.6.0
ECHO Echo - - connection 1.0.0
EVAL Eval - - scripting 2.6.0 number=2
EVALSHA EvalSha - - scripting 2.6.0 number=2
EVALSHA_RO EvalShaRO r - scripting 7.0.0 number=2
EVAL_RO EvalRO r - scripting 7.0.0 number=2
EXEC Exec - - transactions 1.2.0
EXISTS Exists r 1,-1,1 generic 1.0.0
EXPIRE Expire w 1,1,1 generic 1.0.0
EXPIREAT ExpireAt w 1,1,1 generic 1.2.0
EXPIRETIME ExpireTime r 1,1,1 generic 7.0.0
FAILOVER Failover a - server 6.2.0
FCALL FCall - - scripting 7.0.0 number=2
FCALL_RO FCallRO r - scripting 7.0.0 number=2
FLUSHALL FlushAll w - server 1.0.0
FLUSHDB FlushDb w - server 1.0.0
FUNCTION Function c - scripting 7.0.0
FUNCTION|DELETE FunctionDelete w - scripting 7.0.0
FUNCTION|DUMP FunctionDump - - scripting 7.0.0
FUNCTION|FLUSH FunctionFlush w - scripting 7.0.0
FUNCTION|HELP FunctionHelp - - scripting 7.0.0
FUNCTION|KILL FunctionKill - - scripting 7.0.0
FUNCTION|LIST FunctionList - - scripting 7.0.0 shape=functions
FUNCTION|LOAD FunctionLoad w - scripting 7.0.0
FUNCTION|RESTORE FunctionRestore w - scripting 7.0.0
FUNCTION|STATS FunctionStats - - scripting 7.0.0 shape=function_stats
GEOADD GeoAdd w 1,1,1 geo 3.2.0
GEODIST GeoDist r 1,1,1 geo 3.2.0
GEOHASH GeoHash r 1,1,1 geo 3.2.0
GEOPOS GeoPos r 1,1,1 geo 3.2.0 shape=positions
GEORADIUS GeoRadius w 1,1,1 geo 3.2.0 one=STORE,STOREDIST shape=found
GEORADIUSBYMEMBER GeoRadiusByMember w 1,1,1 geo 3.2.0 one=STORE,STOREDIST shape=found
GEORADIUSBYMEMBER_RO GeoRadiusByMemberRO r 1,1,1 geo 3.2.10 shape=found
GEORADIUS_RO GeoRadiusRO r 1,1,1 geo 3.2.10 shape=found
GEOSEARCH GeoSearch r 1,1,1 geo 6.2.0 shape=found
GEOSEARCHSTORE GeoSearchStore w 1,2,1 geo 6.2.0
GET Get r 1,1,1 string 1.0.0
GETBIT GetBit r 1,1,1 bitmap 2.2.0
GETDEL GetDel w 1,1,1 string 6.2.0
GETEX GetEx w 1,1,1 string 6.2.0
GETRANGE GetRange r 1,1,1 string 2.4.0
GETSET GetSet w 1,1,1 string 1.0.0
HDEL HDel w 1,1,1 hash 2.0.0
HELLO Hello - - connection 6.0.0 shape=hello
HEXISTS HExists r 1,1,1 hash 2.0.0
HGET HGet r 1,1,1 hash 2.0.0
HGETALL HGetAll r 1,1,1 hash 2.0.0 shape=map
HINCRBY HIncrBy w 1,1,1 hash 2.0.0
HINCRBYFLOAT HIncrByFloat w 1,1,1 hash 2.6.0
HKEYS HKeys r 1,1,1 hash 2.0.0
HLEN HLen r 1,1,1 hash 2.0.0
HMGET HMGet r 1,1,1 hash 2.0.0
HMSET HMSet w 1,1,1 hash 2.0.0
HRANDFIELD HRandField r 1,1,1 hash 6.2.0 shape=with_values
HSCAN HScan r 1,1,1 hash 2.8.0
HSET HSet w 1,1,1 hash 2.0.0
HSETNX HSetNX w 1,1,1 hash 2.0.0
HSTRLEN HStrLen r 1,1,1 hash 3.2.0
HVALS HVals r 1,1,1 hash 2.0.0
INCR Incr w 1,1,1 string 1.0.0
INCRBY IncrBy w 1,1,1 string 1.0.0
INCRBYFLOAT IncrByFloat w 1,1,1 string 2.6.0
INFO Info - - server 1.0.0
KEYS Keys r - generic 1.0.0
LASTSAVE LastSave - - server 1.0.0
LATENCY Latency c - server 2.8.13
LATENCY|DOCTOR LatencyDoctor a - server 2.8.13
LATENCY|GRAPH LatencyGraph a - server 2.8.13
LATENCY|HELP LatencyHelp - - server 2.8.13
LATENCY|HISTOGRAM LatencyHistogram a - server 7.0.0 shape=histograms
LATENCY|HISTORY LatencyHistory a - server 2.8.13
LATENCY|LATEST LatencyLatest a - server 2.8.13
LATENCY|RESET LatencyReset a - server 2.8.13
LCS LCS r 1,2,1 string 7.0.0 shape=matches
LINDEX LIndex r 1,1,1 list 1.0.0
LINSERT LInsert w 1,1,1 list 2.2.0
LLEN LLen r 1,1,1 list 1.0.0
LMOVE LMove w 1,2,1 list 6.2.0
LMPOP LMPop w - list 7.0.0 number=1
LOLWUT LolWut r - server 5.0.0
LPOP LPop w 1,1,1 list 1.0.0
LPOS LPos r 1,1,1 list 6.0.6
LPUSH LPush w 1,1,1 list 1.0.0
LPUSHX LPushX w 1,1,1 list 2.2.0
LRANGE LRange r 1,1,1 list 1.0.0
LREM LRem w 1,1,1 list 1.0.0
LSET LSet w 1,1,1 list 1.0.0
LTRIM LTrim w 1,1,1 list 1.0.0
MEMORY Memory c - server 4.0.0
MEMORY|DOCTOR MemoryDoctor - - server 4.0.0
MEMORY|HELP MemoryHelp - - server 4.0.0
MEMORY|MALLOC-STATS MemoryMallocStats - - server 4.0.0
MEMORY|PURGE MemoryPurge - - server 4.0.0
MEMORY|STATS MemoryStats - - server 4.0.0 shape=memory
MEMORY|USAGE MemoryUsage r 1,1,1 server 4.0.0
MGET MGet r 1,-1,1 string 1.0.0
MIGRATE Migrate w 3,3,1 generic 2.6.0 after=KEYS
MODULE Module c - server 4.0.0
MODULE|HELP ModuleHelp - - server 5.0.0
MODULE|LIST ModuleList a - server 4.0.0 shape=maps
MODULE|LOAD ModuleLoad a - server 4.0.0
MODULE|LOADEX ModuleLoadEx a - server 7.0.0
MODULE|UNLOAD ModuleUnload a - server 4.0.0
MONITOR Monitor a - server 1.0.0
MOVE Move w 1,1,1 generic 1.0.0
MSET MSet w 1,-1,2 string 1.0.1
MSETNX MSetNX w 1,-1,2 string 1.0.1
MULTI Multi - - transactions 1.2.0
OBJECT Object c - generic 2.2.3
OBJECT|ENCODING ObjectEncoding r 1,1,1 generic 2.2.3
OBJECT|FREQ ObjectFreq r 1,1,1 generic 4.0.0
OBJECT|HELP ObjectHelp - - generic 6.2.0
OBJECT|IDLETIME ObjectIdleTime r 1,1,1 generic 2.2.3
OBJECT|REFCOUNT ObjectRefCount r 1,1,1 generic 2.2.3
PERSIST Persist w 1,1,1 generic 2.2.0
PEXPIRE PExpire w 1,1,1 generic 2.6.0
PEXPIREAT PExpireAt w 1,1,1 generic 2.6.0
PEXPIRETIME PExpireTime r 1,1,1 generic 7.0.0
PFADD PfAdd w 1,1,1 hyperloglog 2.8.9
PFCOUNT PfCount r 1,-1,1 hyperloglog 2.8.9
PFDEBUG PfDebug wa 2,2,1 hyperloglog 2.8.9
PFMERGE PfMerge w 1,-1,1 hyperloglog 2.8.9
PFSELFTEST PfSelfTest a - hyperloglog 2.8.9
PING Ping - - connection 1.0.0
PSETEX PSetEx w 1,1,1 string 2.6.0
PSUBSCRIBE PSubscribe p - pubsub 2.0.0
PSYNC PSync a - server 2.8.0
PTTL PTTL r 1,1,1 generic 2.6.0
PUBLISH Publish p - pubsub 2.0.0
PUBSUB PubSub c - pubsub 2.8.0
PUBSUB|CHANNELS PubSubChannels p - pubsub 2.8.0
PUBSUB|HELP PubSubHelp - - pubsub 6.2.0
PUBSUB|NUMPAT PubSubNumPat p - pubsub 2.8.0
PUBSUB|NUMSUB PubSubNumSub p - pubsub 2.8.0
PUBSUB|SHARDCHANNELS PubSubShardChannels p - pubsub 7.0.0
PUBSUB|SHARDNUMSUB PubSubShardNumSub p - pubsub 7.0.0
PUNSUBSCRIBE PUnsubscribe p - pubsub 2.0.0
QUIT Quit - - connection 1.0.0
RANDOMKEY RandomKey r - generic 1.0.0
READONLY ReadOnly - - cluster 3.0.0
READWRITE ReadWrite - - cluster 3.0.0
RENAME Rename w 1,2,1 generic 1.0.0
RENAMENX RenameNX w 1,2,1 generic 1.0.0
REPLCONF ReplConf a - server 3.0.0
REPLICAOF ReplicaOf a - server 5.0.0
RESET Reset - - connection 6.2.0
RESTORE Restore w 1,1,1 generic 2.6.0
RESTORE-ASKING RestoreAsking w 1,1,1 server 3.0.0
ROLE Role - - server 2.8.12
RPOP RPop w 1,1,1 list 1.0.0
RPOPLPUSH RPopLPush w 1,2,1 list 1.2.0
RPUSH RPush w 1,1,1 list 1.0.0
RPUSHX RPushX w 1,1,1 list 2.2.0
SADD SAdd w 1,1,1 set 1.0.0
SAVE Save a - server 1.0.0
SCAN Scan r - generic 2.8.0
SCARD SCard r 1,1,1 set 1.0.0
SCRIPT Script c - scripting 2.6.0
SCRIPT|DEBUG ScriptDebug - - scripting 3.2.0
SCRIPT|EXISTS ScriptExists - - scripting 2.6.0
SCRIPT|FLUSH ScriptFlush - - scripting 2.6.0
SCRIPT|HELP ScriptHelp - - scripting 5.0.0
SCRIPT|KILL ScriptKill - - scripting 2.6.0
SCRIPT|LOAD ScriptLoad - - scripting 2.6.0
SDIFF SDiff r 1,-1,1 set 1.0.0
SDIFFSTORE SDiffStore w 1,-1,1 set 1.0.0
SELECT Select - - connection 1.0.0
SET Set w 1,1,1 string 1.0.0
SETBIT SetBit w 1,1,1 bitmap 2.2.0
SETEX SetEx w 1,1,1 string 2.0.0
SETNX SetNX w 1,1,1 string 1.0.0
SETRANGE SetRange w 1,1,1 string 2.2.0
SHUTDOWN Shutdown a - server 1.0.0
SINTER SInter r 1,-1,1 set 1.0.0
SINTERCARD SInterCard r - set 7.0.0 number=1
SINTERSTORE SInterStore w 1,-1,1 set 1.0.0
SISMEMBER SIsMember r 1,1,1 set 1.0.0
SLAVEOF SlaveOf a - server 1.0.0
SLOWLOG SlowLog c - server 2.2.12
SLOWLOG|GET SlowLogGet a - server 2.2.12
SLOWLOG|HELP SlowLogHelp - - server 6.2.0
SLOWLOG|LEN SlowLogLen a - server 2.2.12
SLOWLOG|RESET SlowLogReset a - server 2.2.12
SMEMBERS SMembers r 1,1,1 set 1.0.0
SMISMEMBER SMIsMember r 1,1,1 set 6.2.0
SMOVE SMove w 1,2,1 set 1.0.0
SORT Sort w 1,1,1 generic 1.0.0 one=STORE
SORT_RO SortRO r 1,1,1 generic 7.0.0
SPOP SPop w 1,1,1 set 1.0.0
SPUBLISH SPublish p 1,1,1 pubsub 7.0.0
SRANDMEMBER SRandMember r 1,1,1 set 1.0.0
SREM SRem w 1,1,1 set 1.0.0
SSCAN SScan r 1,1,1 set 2.8.0
SSUBSCRIBE SSubscribe p 1,-1,1 pubsub 7.0.0
STRLEN StrLen r 1,1,1 string 2.2.0
SUBSCRIBE Subscribe p - pubsub 2.0.0
SUBSTR SubStr r 1,1,1 string 1.0.0
SUNION SUnion r 1,-1,1 set 1.0.0
SUNIONSTORE SUnionStore w 1,-1,1 set 1.0.0
SUNSUBSCRIBE SUnsubscribe p 1,-1,1 pubsub 7.0.0
SWAPDB SwapDb w - server 4.0.0
SYNC Sync a - server 1.0.0
TIME Time - - server 2.6.0
TOUCH Touch r 1,-1,1 generic 3.2.1
TTL TTL r 1,1,1 generic 1.0.0
TYPE Type r 1,1,1 generic 1.0.0
UNLINK Unlink w 1,-1,1 generic 4.0.0
UNSUBSCRIBE Unsubscribe p - pubsub 2.0.0
UNWATCH UnWatch - - transactions 2.2.0
WAIT Wait b - generic 3.0.0 block=second
WATCH Watch - 1,-1,1 transactions 2.2.0
XACK XAck w 1,1,1 stream 5.0.0
XADD XAdd w 1,1,1 stream 5.0.0
XAUTOCLAIM XAutoClaim w 1,1,1 stream 6.2.0
XCLAIM XClaim w 1,1,1 stream 5.0.0
XDEL XDel w 1,1,1 stream 5.0.0
XGROUP XGroup c - stream 5.0.0
XGROUP|CREATE XGroupCreate w 1,1,1 stream 5.0.0
XGROUP|CREATECONSUMER XGroupCreateConsumer w 1,1,1 stream 6.2.0
XGROUP|DELCONSUMER XGroupDelConsumer w 1,1,1 stream 5.0.0
XGROUP|DESTROY XGroupDestroy w 1,1,1 stream 5.0.0
XGROUP|HELP XGroupHelp - - stream 5.0.0
XGROUP|SETID XGroupSetId w 1,1,1 stream 5.0.0
XINFO XInfo c - stream 5.0.0
XINFO|CONSUMERS XInfoConsumers r 1,1,1 stream 5.0.0 shape=maps
XINFO|GROUPS XInfoGroups r 1,1,1 stream 5.0.0 shape=maps
XINFO|HELP XInfoHelp - - stream 5.0.0
XINFO|STREAM XInfoStream r 1,1,1 stream 5.0.0 shape=stream
XLEN XLen r 1,1,1 stream 5.0.0
XPENDING XPending r 1,1,1 stream 5.0.0
XRANGE XRange r 1,1,1 stream 5.0.0
XREAD XRead rb - stream 5.0.0 after=STREAMS half block=BLOCK shape=streams
XREADGROUP XReadGroup wb - stream 5.0.0 after=STREAMS half block=BLOCK shape=streams
XREVRANGE XRevRange r 1,1,1 stream 5.0.0
XSETID XSetId w 1,1,1 stream 5.0.0
XTRIM XTrim w 1,1,1 stream 5.0.0
ZADD ZAdd w 1,1,1 sorted-set 1.2.0 shape=double
ZCARD ZCard r 1,1,1 sorted-set 1.2.0
ZCOUNT ZCount r 1,1,1 sorted-set 2.0.0
ZDIFF ZDiff r - sorted-set 6.2.0 number=1 shape=with_scores
ZDIFFSTORE ZDiffStore w 1,1,1 sorted-set 6.2.0 number=2
ZINCRBY ZIncrBy w 1,1,1 sorted-set 1.2.0 shape=double
ZINTER ZInter r - sorted-set 6.2.0 number=1 shape=with_scores
ZINTERCARD ZInterCard r - sorted-set 7.0.0 number=1
ZINTERSTORE ZInterStore w 1,1,1 sorted-set 2.0.0 number=2
ZLEXCOUNT ZLexCount r 1,1,1 sorted-set 2.8.9
ZMPOP ZMPop w - sorted-set 7.0.0 number=1 shape=popped_by_key
ZMSCORE ZMScore r 1,1,1 sorted-set 6.2.0 shape=doubles
ZPOPMAX ZPopMax w 1,1,1 sorted-set 5.0.0 shape=popped
ZPOPMIN ZPopMin w 1,1,1 sorted-set 5.0.0 shape=popped
ZRANDMEMBER ZRandMember r 1,1,1 sorted-set 6.2.0 shape=with_scores
ZRANGE ZRange r 1,1,1 sorted-set 1.2.0 shape=with_scores
ZRANGEBYLEX ZRangeByLex r 1,1,1 sorted-set 2.8.9
ZRANGEBYSCORE ZRangeByScore r 1,1,1 sorted-set 1.0.5 shape=with_scores
ZRANGESTORE ZRangeStore w 1,2,1 sorted-set 6.2.0
ZRANK ZRank r 1,1,1 sorted-set 2.0.0
ZREM ZRem w 1,1,1 sorted-set 1.2.0
ZREMRANGEBYLEX ZRemRangeByLex w 1,1,1 sorted-set 2.8.9
ZREMRANGEBYRANK ZRemRangeByRank w 1,1,1 sorted-set 2.0.0
ZREMRANGEBYSCORE ZRemRangeByScore w 1,1,1 sorted-set 1.2.0
ZREVRANGE ZRevRange r 1,1,1 sorted-set 1.2.0 shape=with_scores
ZREVRANGEBYLEX ZRevRangeByLex r 1,1,1 sorted-set 2.8.9
ZREVRANGEBYSCORE ZRevRangeByScore r 1,1,1 sorted-set 2.2.0 shape=with_scores
ZREVRANK ZRevRank r 1,1,1 sorted-set 2.0.0
ZSCAN ZScan r 1,1,1 sorted-set 2.8.0
ZSCORE ZScore r 1,1,1 sorted-set 1.2.0 shape=double
ZUNION ZUnion r - sorted-set 6.2.0 number=1 shape=with_scores
ZUNIONSTORE ZUnionStore w 1,1,1 sorted-set 2.0.0 number=2
]],
}
