// SPDX-License-Identifier: GPL-3.0-or-later
// The hosted machine without a kernel: workers, slices, pages, memory, calls, streams, the store.
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/report.h"
#include "core/platform.h"
#include "machines/hosted/calls.h"
#include "machines/hosted/file.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/memory.h"
#include "machines/hosted/platform.h"
#include "machines/hosted/store.h"
#include "machines/hosted/stream.h"
#include "machines/hosted/visits.h"
#include "tests/unit/sha256.h"

static const u64 ms = 1000000;

// ---- hashes

// Two libraries, one function: at every length about a block's ends, wherever the bytes begin.
static void test_hashes_are_those_of_another_library(void **state)
{
    (void)state;
    enum { LONGEST = 300, STARTS = 17 };
    u8 bytes[LONGEST + STARTS], ours[32], theirs[32];
    platform_random(bytes, sizeof bytes);
    for (size_t size = 0; size <= LONGEST; size++) {
        for (size_t start = 0; start < STARTS; start++) {
            struct span span = span_of(bytes + start, size);
            platform_sha256(span, ours);
            test_sha256(span, theirs);
            assert_memory_equal(ours, theirs, sizeof ours);
        }
    }
    platform_sha256((struct span){0}, ours);
    test_sha256((struct span){0}, theirs);
    assert_memory_equal(ours, theirs, sizeof ours);
}

// ---- workers

static struct {
    u32 entered; // atomic
    u32 rounds;  // atomic
    bool stop;   // atomic
} shared;

static void worker_main(void *context, u32 index)
{
    assert_ptr_equal(context, &shared);
    __atomic_add_fetch(&shared.entered, index, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&shared.stop, __ATOMIC_SEQ_CST)) {
        platform_wait(index, UINT64_MAX);
        __atomic_add_fetch(&shared.rounds, 1, __ATOMIC_SEQ_CST);
        platform_wake(0);
    }
}

static void test_workers_wake_each_other(void **state)
{
    (void)state;
    assert_int_equal(hosted_platform_start(3, NULL), ERR_OK);
    assert_int_equal(platform_worker_count(), 3);
    assert_int_equal(platform_worker_start(1, worker_main, &shared), ERR_OK);
    assert_int_equal(platform_worker_start(2, worker_main, &shared), ERR_OK);
    for (u32 i = 0; i < 1000; i++) {
        u32 before = __atomic_load_n(&shared.rounds, __ATOMIC_SEQ_CST);
        platform_wake(1 + i % 2);
        u64 deadline_ns = platform_clock_ns() + 10000 * ms;
        while (__atomic_load_n(&shared.rounds, __ATOMIC_SEQ_CST) == before) {
            platform_wait(0, deadline_ns);
            assert_true(platform_clock_ns() < deadline_ns);
        }
    }
    assert_int_equal(__atomic_load_n(&shared.entered, __ATOMIC_SEQ_CST), 1 + 2);
    __atomic_store_n(&shared.stop, true, __ATOMIC_SEQ_CST);
    platform_wake(1);
    platform_wake(2);
    hosted_platform_stop();
}

static void test_a_wake_before_the_wait_is_not_lost(void **state)
{
    (void)state;
    assert_int_equal(hosted_platform_start(1, NULL), ERR_OK);
    u64 start_ns = platform_clock_ns();
    platform_wake(0);
    platform_wait(0, start_ns + 5000 * ms);
    assert_true(platform_clock_ns() < start_ns + 4000 * ms);
    start_ns = platform_clock_ns();
    platform_wait(0, start_ns + 20 * ms); // the wake was used up
    assert_true(platform_clock_ns() >= start_ns + 19 * ms);
    platform_wait(0, 0); // a deadline that has passed
    hosted_platform_stop();
}

static void test_the_count_of_workers_is_checked(void **state)
{
    (void)state;
    struct report report = {0};
    assert_int_equal(hosted_platform_start(0, &report), ERR_LIMIT);
    assert_non_null(strstr(report.text, "workers"));
    assert_int_equal(hosted_platform_start(HOSTED_WORKERS + 1, NULL), ERR_LIMIT);
    assert_int_equal(hosted_platform_start(HOSTED_WORKERS, NULL), ERR_OK);
    hosted_platform_stop();
}

// ---- slices

static u64 slice_take(u64 slice_ns)
{
    static bool flag; // outlives a late write, as a kernel's does
    __atomic_store_n(&flag, false, __ATOMIC_RELAXED);
    u64 start_ns = platform_clock_ns();
    platform_slice(0, slice_ns, &flag);
    while (!__atomic_load_n(&flag, __ATOMIC_RELAXED)) {
        if (platform_clock_ns() - start_ns > 5000 * ms) {
            break;
        }
    }
    return platform_clock_ns() - start_ns;
}

static void test_slices_end_in_time(void **state)
{
    (void)state;
    assert_int_equal(hosted_platform_start(1, NULL), ERR_OK);
    u64 shortest_ns = UINT64_MAX;
    for (u32 i = 0; i < 20; i++) {
        u64 took_ns = slice_take(10 * ms);
        assert_true(took_ns < 4000 * ms); // raised at all; a busy host may delay it
        shortest_ns = took_ns < shortest_ns ? took_ns : shortest_ns;
    }
    assert_true(shortest_ns >= 7 * ms);
    assert_true(shortest_ns <= 12 * ms);
    hosted_platform_stop();
}

static void test_a_slice_is_noticed_after_a_long_rest(void **state)
{
    (void)state;
    assert_int_equal(hosted_platform_start(1, NULL), ERR_OK);
    usleep(600000); // the ticker sleeps by now
    assert_true(slice_take(10 * ms) < 4000 * ms);
    hosted_platform_stop();
}

static void test_a_cancelled_slice_is_not_told(void **state)
{
    (void)state;
    static bool flag; // outlives a late write
    assert_int_equal(hosted_platform_start(1, NULL), ERR_OK);
    platform_slice(0, 10 * ms, &flag);
    platform_slice(0, 0, NULL);
    usleep(50000);
    assert_false(__atomic_load_n(&flag, __ATOMIC_RELAXED));
    hosted_platform_stop();
}

// ---- visits

static struct {
    struct visits visits;
    u32 *shared; // there while they are open
    u32 made;    // atomic: visits that were
    bool is_over;
} visited;

static void visit(int number)
{
    (void)number;
    if (visit_begin(&visited.visits)) {
        *visited.shared += 1;
        __atomic_fetch_add(&visited.made, 1, __ATOMIC_ACQ_REL);
        visit_end(&visited.visits);
    }
}

static void *visitor_main(void *context)
{
    while (!__atomic_load_n(&visited.is_over, __ATOMIC_ACQUIRE)) {
        (void)raise(SIGUSR2);
    }
    return context;
}

// What a handler uses in another thread is freed again and again, under the sanitizers.
static void test_nothing_is_freed_under_a_visit(void **state)
{
    (void)state;
    enum { ROUNDS = 200 };
    struct sigaction action = {.sa_handler = visit}, before;
    assert_int_equal(sigaction(SIGUSR2, &action, &before), 0);
    pthread_t visitor;
    assert_int_equal(pthread_create(&visitor, NULL, visitor_main, NULL), 0);
    for (u32 i = 0; i < ROUNDS; i++) {
        visited.shared = calloc(1, sizeof *visited.shared);
        assert_non_null(visited.shared);
        u32 made = __atomic_load_n(&visited.made, __ATOMIC_ACQUIRE);
        visits_open(&visited.visits);
        while (__atomic_load_n(&visited.made, __ATOMIC_ACQUIRE) == made) {
            (void)sched_yield();
        }
        visits_over(&visited.visits);
        made = __atomic_load_n(&visited.made, __ATOMIC_ACQUIRE) - made;
        assert_int_equal(*visited.shared, made); // and none came in behind the end
        free(visited.shared);
    }
    __atomic_store_n(&visited.is_over, true, __ATOMIC_RELEASE);
    assert_int_equal(pthread_join(visitor, NULL), 0);
    assert_int_equal(sigaction(SIGUSR2, &before, NULL), 0);
}

// ---- memory

static void test_pages_are_zero_again(void **state)
{
    (void)state;
    u64 bytes = (u64)1 << 36; // far more than the host has
    u8 *start = platform_pages_reserve(bytes);
    assert_non_null(start);
    assert_int_equal((uintptr_t)start % 65536, 0);
    u8 *far = start + bytes - PLATFORM_PAGE_BYTES;
    assert_int_equal(platform_pages_commit(far, PLATFORM_PAGE_BYTES), ERR_OK);
    assert_int_equal(far[17], 0);
    far[17] = 5;
    platform_pages_decommit(far, PLATFORM_PAGE_BYTES);
    assert_int_equal(platform_pages_commit(far, PLATFORM_PAGE_BYTES), ERR_OK);
    assert_int_equal(far[17], 0);
    assert_int_equal(platform_pages_make_executable(far, PLATFORM_PAGE_BYTES), ERR_OK);
    platform_pages_decommit(far, PLATFORM_PAGE_BYTES);
    assert_int_equal(platform_pages_commit(far, PLATFORM_PAGE_BYTES), ERR_OK);
    far[0] = 1;
    platform_pages_release(start, bytes);
    assert_null(platform_pages_reserve(0));
    assert_null(platform_pages_reserve((u64)1 << 60));
}

static void test_memory_keeps_its_budget(void **state)
{
    (void)state;
    struct hosted_memory memory;
    hosted_memory_init(&memory, 1000);
    void *first = memory_take(&memory.base, 600);
    assert_non_null(first);
    assert_int_equal((uintptr_t)first % 16, 0);
    assert_null(memory_take(&memory.base, 401));
    assert_null(memory_take(&memory.base, SIZE_MAX));
    void *second = memory_take(&memory.base, 400);
    assert_non_null(second);
    memory_give(&memory.base, first, 600);
    memory_give(&memory.base, second, 400);
    assert_int_equal(memory.used_bytes, 0);
}

// ---- calls

// A bond of that process; the next number is another one of it.
#define PROCESS(number) ((u64)(number) << 31 | 5)

static void test_calls_are_bounded_and_found(void **state)
{
    (void)state;
    struct calls calls;
    struct call call[4];
    struct thing thing[3];
    assert_int_equal(calls_init(&calls, (struct calls_limits){2, 3, 1, 2}), ERR_OK);
    assert_int_equal(calls_begin(&calls, &call[0], PROCESS(7), 100), ERR_OK);
    assert_int_equal(calls_begin(&calls, &call[1], PROCESS(7), 101), ERR_OK);
    assert_int_equal(calls_begin(&calls, &call[2], PROCESS(7) + 1, 102), ERR_LIMIT); // nor so
    assert_int_equal(calls_begin(&calls, &call[2], PROCESS(7), 102), ERR_LIMIT); // of this process
    assert_int_equal(calls_begin(&calls, &call[2], PROCESS(8), 102), ERR_OK);
    assert_int_equal(calls_begin(&calls, &call[3], PROCESS(9), 103), ERR_LIMIT); // of all
    assert_ptr_equal(calls_find(&calls, 101), &call[1]);
    assert_null(calls_find(&calls, 103));
    assert_ptr_equal(calls_of_client(&calls, PROCESS(7)), &call[0]);
    assert_null(calls_of_client(&calls, PROCESS(9)));
    assert_int_equal(things_begin(&calls, &thing[0], PROCESS(7)), ERR_OK);
    assert_int_equal(things_begin(&calls, &thing[1], PROCESS(7)), ERR_LIMIT); // of this process
    assert_int_equal(things_begin(&calls, &thing[1], PROCESS(8)), ERR_OK);
    assert_int_equal(things_begin(&calls, &thing[2], PROCESS(9)), ERR_LIMIT); // of all
    u64 id = thing[0].node.key;
    assert_ptr_equal(things_find(&calls, PROCESS(7), id), &thing[0]);
    assert_null(things_find(&calls, PROCESS(8), id)); // somebody else's
    things_end(&calls, &thing[0]);
    assert_null(things_find(&calls, PROCESS(7), id));
    assert_int_equal(things_begin(&calls, &thing[0], PROCESS(9)), ERR_OK);
    assert_int_not_equal(thing[0].node.key, id); // never the same again
    assert_int_equal(things_begin(&calls, &thing[2], PROCESS(9) + 1), ERR_LIMIT); // another bond
    for (u32 i = 0; i < 3; i++) {
        calls_end(&calls, &call[i]);
    }
    assert_non_null(things_first(&calls));
    things_end(&calls, &thing[0]);
    things_end(&calls, &thing[1]);
    assert_null(things_first(&calls));
    calls_drop(&calls);
}

// ---- streams

static struct {
    u32 done; // atomic
    enum err err;
    char bytes[64];
    size_t size;
} seen;

static void request_done(struct stream_request *request, enum err err, struct span bytes)
{
    (void)request;
    seen.err = err;
    if (bytes.size > 0 && bytes.size <= sizeof seen.bytes) {
        memcpy(seen.bytes, bytes.data, bytes.size);
    }
    seen.size = bytes.size;
    __atomic_add_fetch(&seen.done, 1, __ATOMIC_SEQ_CST);
}

static void wait_for_done(u32 count)
{
    for (u32 i = 0; i < 5000 && __atomic_load_n(&seen.done, __ATOMIC_SEQ_CST) < count; i++) {
        usleep(1000);
    }
    assert_int_equal(__atomic_load_n(&seen.done, __ATOMIC_SEQ_CST), count);
}

static u32 accepted_bytes;

static void request_accepted(struct stream_request *request, struct span bytes)
{
    (void)request;
    accepted_bytes += (u32)bytes.size;
}

static void test_only_accepted_writes_are_told(void **state)
{
    (void)state;
    static u8 page[65536];
    static struct stream_request requests[HOSTED_STREAM_CLIENT_REQUESTS + 8];
    int ends[2];
    assert_int_equal(pipe(ends), 0); // which nobody reads: it fills up
    struct stream *stream = calloc(1, sizeof *stream);
    seen.done = 0;
    accepted_bytes = 0;
    assert_int_equal(stream_start(stream, ends[1], false), ERR_OK);
    u32 taken = 0;
    u32 refused = 0;
    for (u32 i = 0; i < COUNT_OF(requests); i++) {
        requests[i] = (struct stream_request){.client = PROCESS(5),
                                              .message = 1 + i,
                                              .done = request_done,
                                              .accepted = request_accepted,
                                              .bytes = span_of(page, sizeof page - i)};
        bool is_taken = stream_request(stream, &requests[i]) == ERR_OK;
        taken += is_taken ? (u32)sizeof page - i : 0;
        refused += !is_taken;
    }
    assert_true(refused > 0);
    assert_true(taken > 0);
    assert_int_equal(accepted_bytes, taken);
    bool abandon = true;
    stream_stop(stream, &abandon);
    close(ends[0]);
    close(ends[1]);
    free(stream);
}

static void test_a_cancelled_read_leaves_its_bytes(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct stream *stream = calloc(1, sizeof *stream);
    seen.done = 0;
    assert_int_equal(stream_start(stream, ends[0], true), ERR_OK);
    struct stream_request first = {.client = 1, .message = 10, .done = request_done, .max = 60};
    struct stream_request second = {.client = 1, .message = 11, .done = request_done, .max = 3};
    struct stream_request third = {.client = 2, .message = 12, .done = request_done, .max = 60};
    assert_int_equal(stream_request(stream, &first), ERR_OK);
    usleep(50000); // it reads by now
    struct stream_request *found;
    assert_true(stream_cancel(stream, 10, &found));
    assert_ptr_equal(found, &first);
    assert_false(stream_cancel(stream, 10, &found));
    assert_int_equal(write(ends[1], "abcdef", 6), 6);
    assert_int_equal(stream_request(stream, &second), ERR_OK);
    wait_for_done(1);
    assert_int_equal(seen.size, 3);
    assert_memory_equal(seen.bytes, "abc", 3);
    assert_int_equal(stream_request(stream, &third), ERR_OK);
    wait_for_done(2);
    assert_memory_equal(seen.bytes, "def", 3);
    assert_int_equal(stream_request(stream, &second), ERR_OK);
    close(ends[1]);
    wait_for_done(3);
    assert_int_equal(seen.err, ERR_OK);
    assert_int_equal(seen.size, 0); // the end
    bool abandon = false;
    stream_stop(stream, &abandon);
    close(ends[0]);
    free(stream);
}

static void test_a_held_stream_reads_nothing(void **state)
{
    (void)state;
    int ends[2];
    char bytes[8];
    assert_int_equal(pipe(ends), 0);
    struct stream *stream = calloc(1, sizeof *stream);
    seen.done = 0;
    assert_int_equal(stream_start(stream, ends[0], true), ERR_OK);
    struct stream_request request = {.client = 1, .message = 10, .done = request_done, .max = 60};
    assert_int_equal(stream_request(stream, &request), ERR_OK);
    for (u32 i = 1; i <= 100; i++) { // also just before it blocks
        stream_hold(stream, true);
        assert_int_equal(write(ends[1], "other", 5), 5);
        assert_int_equal(read(ends[0], bytes, sizeof bytes), 5); // is still there
        stream_hold(stream, false);
    }
    assert_int_equal(__atomic_load_n(&seen.done, __ATOMIC_SEQ_CST), 0);
    assert_int_equal(write(ends[1], "own", 3), 3);
    wait_for_done(1);
    assert_int_equal(seen.size, 3);
    assert_memory_equal(seen.bytes, "own", 3);
    assert_int_equal(stream_request(stream, &request), ERR_OK);
    stream_hold(stream, true);
    bool abandon = false;
    stream_stop(stream, &abandon); // which being held does not hold up
    close(ends[0]);
    close(ends[1]);
    free(stream);
}

// Neither what comes meanwhile nor the rest of a write that has begun; the end writes it all.
static void test_a_held_stream_writes_nothing(void **state)
{
    (void)state;
    enum { LONG = 200000 };
    int ends[2];
    char *bytes = calloc(1, LONG);
    char *got = calloc(1, LONG);
    assert_int_equal(pipe(ends), 0);
    struct stream *stream = calloc(1, sizeof *stream);
    seen.done = 0;
    assert_int_equal(stream_start(stream, ends[1], false), ERR_OK);
    stream_hold(stream, true);
    struct stream_request requests[2];
    for (u32 i = 0; i < 2; i++) {
        requests[i] = (struct stream_request){
            .client = 1, .message = 10 + i, .done = request_done, .bytes = span_of(bytes, LONG)};
    }
    assert_int_equal(stream_request(stream, &requests[0]), ERR_OK);
    usleep(20000);
    int waiting;
    assert_int_equal(ioctl(ends[0], FIONREAD, &waiting), 0);
    assert_int_equal(waiting, 0);
    stream_hold(stream, false);
    struct pollfd readable = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&readable, 1, 5000), 1);
    stream_hold(stream, true);
    int held;
    assert_int_equal(ioctl(ends[0], FIONREAD, &waiting), 0);
    assert_true(waiting > 0 && waiting < LONG);
    assert_int_equal(read(ends[0], got, (size_t)waiting), waiting); // now there would be room
    assert_int_equal(stream_request(stream, &requests[1]), ERR_OK);
    usleep(20000);
    assert_int_equal(ioctl(ends[0], FIONREAD, &held), 0);
    assert_int_equal(held, 0);
    assert_int_equal(seen.done, 0);
    stream_hold(stream, false);
    for (size_t rest = 2 * LONG - (size_t)waiting; rest > 0;) {
        ssize_t count = read(ends[0], got, rest < LONG ? rest : LONG);
        assert_true(count > 0);
        rest -= (size_t)count;
    }
    wait_for_done(2);
    requests[0].bytes = span_of(bytes, 3);
    stream_hold(stream, true);
    assert_int_equal(stream_request(stream, &requests[0]), ERR_OK);
    bool abandon = false;
    stream_stop(stream, &abandon); // which being held does not hold up
    assert_int_equal(seen.done, 3);
    assert_int_equal(read(ends[0], got, LONG), 3);
    close(ends[0]);
    close(ends[1]);
    free(stream);
    free(bytes);
    free(got);
}

static void test_streams_bound_what_waits(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct stream *stream = calloc(1, sizeof *stream);
    static struct stream_request requests[HOSTED_STREAM_CLIENT_REQUESTS + 2];
    seen.done = 0;
    assert_int_equal(stream_start(stream, ends[0], true), ERR_OK);
    for (u32 i = 0; i < HOSTED_STREAM_CLIENT_REQUESTS + 1; i++) {
        requests[i] = (struct stream_request){
            .client = PROCESS(5) + i, .message = 1 + i, .done = request_done, .max = 1};
        assert_int_equal(stream_request(stream, &requests[i]),
                         i < HOSTED_STREAM_CLIENT_REQUESTS ? ERR_OK : ERR_LIMIT);
    }
    struct stream_request other = {
        .client = PROCESS(6), .message = 999, .done = request_done, .max = 1};
    assert_int_equal(stream_request(stream, &other), ERR_OK);
    u32 taken = 0;
    struct stream_request *found;
    for (u32 i = 0; i <= HOSTED_STREAM_CLIENT_REQUESTS; i++) { // a bond each
        while (stream_cancel_client(stream, PROCESS(5) + i, &found)) {
            taken++;
        }
    }
    assert_int_equal(taken, HOSTED_STREAM_CLIENT_REQUESTS);
    bool abandon = false;
    stream_stop(stream, &abandon); // a read that never ends does not hold it up
    assert_int_equal(seen.done, 1);
    assert_int_equal(seen.err, ERR_IO);
    close(ends[0]);
    close(ends[1]);
    free(stream);
}

static void test_a_stream_writes_what_it_took_over(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct stream *stream = calloc(1, sizeof *stream);
    seen.done = 0;
    assert_int_equal(stream_start(stream, ends[1], false), ERR_OK);
    struct stream_request requests[3];
    for (u32 i = 0; i < 3; i++) {
        requests[i] = (struct stream_request){
            .client = 1, .message = i, .done = request_done, .bytes = span_of(&"xyz"[i], 1)};
        assert_int_equal(stream_request(stream, &requests[i]), ERR_OK);
    }
    bool abandon = false;
    stream_stop(stream, &abandon);
    assert_int_equal(seen.done, 3);
    char got[4] = {0};
    assert_int_equal(read(ends[0], got, sizeof got), 3);
    assert_string_equal(got, "xyz");
    close(ends[0]);
    close(ends[1]);
    free(stream);
}

// A pipe with room takes a write before stream_request returns. Of one that is too long for it the
// rest waits for the reader, and the next behind it; a pipe without a reader says so at once.
static void test_a_stream_writes_at_once_what_fits(void **state)
{
    (void)state;
    enum { LONG = 200000 };
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_ptr_not_equal(signal(SIGPIPE, SIG_IGN), SIG_ERR);
    struct stream *stream = calloc(1, sizeof *stream);
    u8 *bytes = calloc(1, LONG + 1);
    memset(bytes, 'b', LONG);
    seen.done = 0;
    assert_int_equal(stream_start(stream, ends[1], false), ERR_OK);
    struct span parts[] = {span_of("a", 1), span_of(bytes, LONG), span_of("c", 1)};
    struct stream_request requests[COUNT_OF(parts)];
    for (u32 i = 0; i < COUNT_OF(parts); i++) {
        requests[i] = (struct stream_request){
            .client = 1, .message = 1 + i, .done = request_done, .bytes = parts[i]};
        assert_int_equal(stream_request(stream, &requests[i]), ERR_OK);
        assert_int_equal(__atomic_load_n(&seen.done, __ATOMIC_SEQ_CST), 1); // the first alone
    }
    assert_int_equal(read(ends[0], bytes, 1), 1);
    assert_int_equal(bytes[0], 'a');
    for (u32 i = 0; i < LONG; i++) {
        assert_int_equal(read(ends[0], bytes, 1), 1);
        assert_int_equal(bytes[0], 'b');
    }
    assert_int_equal(read(ends[0], bytes, 1), 1);
    assert_int_equal(bytes[0], 'c');
    wait_for_done(3);
    assert_int_equal(seen.err, ERR_OK);
    close(ends[0]);
    requests[0].bytes = parts[0];
    assert_int_equal(stream_request(stream, &requests[0]), ERR_OK);
    wait_for_done(4);
    assert_int_equal(seen.err, ERR_CLOSED);
    bool abandon = false;
    stream_stop(stream, &abandon);
    close(ends[1]);
    free(bytes);
    free(stream);
}

static void test_an_abandoned_stream_ends_though_nobody_reads(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct stream *stream = calloc(1, sizeof *stream);
    u8 *bytes = calloc(1, 1 << 20);
    seen.done = 0;
    assert_int_equal(stream_start(stream, ends[1], false), ERR_OK);
    struct stream_request request = {
        .client = 1, .message = 1, .done = request_done, .bytes = span_of(bytes, 1 << 20)};
    assert_int_equal(stream_request(stream, &request), ERR_OK);
    usleep(20000);
    bool abandon = true;
    stream_stop(stream, &abandon);
    assert_int_equal(seen.done, 1);
    assert_int_equal(seen.err, ERR_IO);
    close(ends[0]);
    close(ends[1]);
    free(bytes);
    free(stream);
}

// ---- the store

static char home[] = "/tmp/redshirt-unit-XXXXXX";

static enum err count_visit(void *context, const struct cid *cid, u64 size)
{
    (void)cid;
    *(u64 *)context += 1 + size * 1000;
    return ERR_OK;
}

static void test_store_keeps_and_checks(void **state)
{
    (void)state;
    struct store store;
    struct report report = {0};
    char deep[100];
    snprintf(deep, sizeof deep, "%s/a/b", home);
    assert_int_equal(store_open(&store, deep, &report), ERR_OK);
    struct span bytes = SPAN_LITERAL("some bytes");
    struct cid cid = cid_of_block(CID_RAW, bytes, platform_sha256);
    struct span out;
    assert_false(store_has(&store, &cid));
    assert_int_equal(store_get(&store, &cid, &out, NULL), ERR_NOT_FOUND);
    assert_int_equal(store_put(&store, &cid, bytes, NULL), ERR_OK);
    assert_int_equal(store_put(&store, &cid, bytes, NULL), ERR_OK); // it is there
    assert_true(store_has(&store, &cid));
    assert_int_equal(store_get(&store, &cid, &out, NULL), ERR_OK);
    assert_true(span_equal(out, bytes));
    free((void *)out.data);
    struct cid other = cid;
    other.codec = CID_DAG_PB; // another name for the same bytes
    assert_int_equal(store_get(&store, &other, &out, NULL), ERR_NOT_FOUND);
    u64 seen_blocks = 0;
    assert_int_equal(store_list(&store, count_visit, &seen_blocks, NULL), ERR_OK);
    assert_int_equal(seen_blocks, 10001);
    store_close(&store);
}

static void test_store_bounds_a_block(void **state)
{
    (void)state;
    struct store store;
    assert_int_equal(store_open(&store, home, NULL), ERR_OK);
    u8 *large = calloc(1, HOSTED_BLOCK_BYTES + 1);
    struct span bytes = span_of(large, HOSTED_BLOCK_BYTES);
    struct cid cid = cid_of_block(CID_RAW, bytes, platform_sha256);
    struct span out;
    assert_int_equal(store_put(&store, &cid, bytes, NULL), ERR_OK);
    assert_int_equal(store_get(&store, &cid, &out, NULL), ERR_OK);
    assert_int_equal(out.size, HOSTED_BLOCK_BYTES);
    free((void *)out.data);
    bytes.size++;
    cid = cid_of_block(CID_RAW, bytes, platform_sha256);
    assert_int_equal(store_put(&store, &cid, bytes, NULL), ERR_LIMIT);
    free(large);
    store_close(&store);
}

// What bears a block's name but is no plain file: a folder, a link that leads elsewhere, a pipe.
static void test_store_reads_plain_files_only(void **state)
{
    (void)state;
    struct store store;
    assert_int_equal(store_open(&store, home, NULL), ERR_OK);
    struct cid cid = cid_of_block(CID_RAW, SPAN_LITERAL("odd"), platform_sha256);
    char name[CID_TEXT_BYTES];
    char path[200];
    cid_write_text(&cid, name);
    snprintf(path, sizeof path, "%s/blocks/%.2s", home, name + CID_TEXT_LETTERS - 3);
    (void)mkdir(path, 0755);
    size_t size = strlen(path);
    snprintf(path + size, sizeof path - size, "/%s", name);
    struct span out;
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(store_get(&store, &cid, &out, NULL), ERR_MISMATCH);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    assert_int_equal(store_get(&store, &cid, &out, NULL), ERR_MISMATCH);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(store_get(&store, &cid, &out, NULL), ERR_IO);
    assert_int_equal(store_put(&store, &cid, SPAN_LITERAL("odd"), NULL), ERR_OK); // replaced
    assert_int_equal(store_get(&store, &cid, &out, NULL), ERR_OK);
    free((void *)out.data);
    store_close(&store);
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(home) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_are_those_of_another_library),
        cmocka_unit_test(test_workers_wake_each_other),
        cmocka_unit_test(test_a_wake_before_the_wait_is_not_lost),
        cmocka_unit_test(test_the_count_of_workers_is_checked),
        cmocka_unit_test(test_slices_end_in_time),
        cmocka_unit_test(test_a_slice_is_noticed_after_a_long_rest),
        cmocka_unit_test(test_a_cancelled_slice_is_not_told),
        cmocka_unit_test(test_nothing_is_freed_under_a_visit),
        cmocka_unit_test(test_pages_are_zero_again),
        cmocka_unit_test(test_memory_keeps_its_budget),
        cmocka_unit_test(test_calls_are_bounded_and_found),
        cmocka_unit_test(test_only_accepted_writes_are_told),
        cmocka_unit_test(test_a_cancelled_read_leaves_its_bytes),
        cmocka_unit_test(test_a_held_stream_reads_nothing),
        cmocka_unit_test(test_a_held_stream_writes_nothing),
        cmocka_unit_test(test_streams_bound_what_waits),
        cmocka_unit_test(test_a_stream_writes_what_it_took_over),
        cmocka_unit_test(test_a_stream_writes_at_once_what_fits),
        cmocka_unit_test(test_an_abandoned_stream_ends_though_nobody_reads),
        cmocka_unit_test(test_store_keeps_and_checks),
        cmocka_unit_test(test_store_bounds_a_block),
        cmocka_unit_test(test_store_reads_plain_files_only),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
