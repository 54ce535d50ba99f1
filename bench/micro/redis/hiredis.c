/* The limit of the group redis: the same commands by hiredis, which blocks.
 *
 *     hiredis ROW PORT COUNT      sequential callers pipeline big messages
 *
 * Its concurrent callers are rounds: 50 commands are appended, then 50 replies are taken.
 * A twentieth of the work comes first and does not count; messages have none.
 * Compiled by bench/run: cc -O2 hiredis.c -lhiredis */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { KEYS = 1000, SMALL = 16, BIG = 1 << 20, CALLERS = 50, BATCH = 100, WARM = 20 };

static redisContext *server;
static char keys[KEYS][16];

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, server ? server->errstr : "");
    exit(1);
}

/* CPU time of this process, user and system, in seconds. */
static double used(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double wall(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(redisReply *reply, size_t size) {
    if (!reply || reply->type != REDIS_REPLY_STRING || reply->len != size) {
        fail("not the value");
    }
    freeReplyObject(reply);
}

static void sequential(long count, size_t size) {
    for (long i = 0; i < count; i++) {
        const char *key = size == BIG ? "big" : keys[i % KEYS];
        check(redisCommand(server, "GET %s", key), size);
    }
}

static void rounds(long count, long batch) {
    for (long done = 0; done < count; done += batch) {
        for (long i = 0; i < batch; i++) {
            redisAppendCommand(server, "GET %s", keys[(done + i) % KEYS]);
        }
        for (long i = 0; i < batch; i++) {
            redisReply *reply = NULL;
            if (redisGetReply(server, (void **)&reply) != REDIS_OK) {
                fail("no reply");
            }
            check(reply, SMALL);
        }
    }
}

static void messages(long count) {
    freeReplyObject(redisCommand(server, "SUBSCRIBE bench"));
    if (system(getenv("PUBLISH"))) {
        fail("cannot publish");
    }
    for (long i = 0; i < count; i++) {
        redisReply *reply = NULL;
        if (redisGetReply(server, (void **)&reply) != REDIS_OK || reply->elements != 3
            || reply->element[2]->len != SMALL) {
            fail("no message");
        }
        freeReplyObject(reply);
    }
}

static void run(const char *row, long count) {
    if (!strcmp(row, "sequential")) {
        sequential(count, SMALL);
    } else if (!strcmp(row, "big")) {
        sequential(count, BIG);
    } else if (!strcmp(row, "callers")) {
        rounds(count, CALLERS);
    } else if (!strcmp(row, "pipeline")) {
        rounds(count, BATCH);
    } else {
        messages(count);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fail("hiredis ROW PORT COUNT");
    }
    for (int i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof keys[i], "key:%d", i);
    }
    server = redisConnect("127.0.0.1", atoi(argv[2]));
    if (!server || server->err) {
        fail("no server");
    }
    long count = atol(argv[3]);
    if (strcmp(argv[1], "messages")) {
        run(argv[1], count / WARM);
    }
    double before = used(), begin = wall();
    run(argv[1], count);
    printf("{\"name\":\"cpu\",\"rate\":%.3f}\n", (used() - before) / (double)count * 1e6);
    printf("{\"name\":\"rate\",\"rate\":%.0f}\n", (double)count / (wall() - begin));
    redisFree(server);
    return 0;
}
