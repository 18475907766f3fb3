// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/limits.h: every bound of the hosted machine, and why it is where it is.
#pragma once

enum {
    // ---- memory: a quarter is left, for the host would end the command to get more

    // One part in so many of the host's memory for all linear memories together.
    HOSTED_GUEST_SHARE = 2,
    // The same for all that the kernel keeps: programs, messages, tables and stacks of guests.
    HOSTED_KERNEL_SHARE = 4,

    // ---- workers

    // More OS threads than that are no longer one desk's machine.
    HOSTED_WORKERS = 64,
    // Unless --workers says otherwise: more help few programs.
    HOSTED_WORKERS_DEFAULT = 8,
    // A slice ends at most one part in eight early, and never late by design.
    HOSTED_TICKS_PER_SLICE = 8,
    // Ticks without a slice before the ticker goes to sleep: waking it costs a system call, which a
    // server that waits between requests should not pay.
    HOSTED_IDLE_TICKS = 64,

    // ---- devices. What is of one process is so of all its bonds together.

    // Events of one device before the loop looks at its sockets again.
    HOSTED_LOOP_EVENTS = 256,
    // Such rounds over all devices before the same.
    HOSTED_LOOP_TURNS = 4,
    // Times that worker 0 serves its own messages to devices without asking the host for more.
    HOSTED_LOOP_SKIPS = 8,
    // Ticks (of 1.25 ms) without asking the host before the loop's own thread goes in: less than a
    // slice, and more than the host makes worker 0 wait for its CPU now and then.
    HOSTED_UNATTENDED_TICKS = 4,
    // How long it stays at least, ns: several times what the switch costs.
    HOSTED_ATTEND_NS = 1000000,
    // The most of that: it doubles each time that it is needed again soon, as then worker 0 is busy
    // for much of the time, and one in so many requests would wait for HOSTED_UNATTENDED_TICKS.
    HOSTED_ATTEND_NS_MOST = 1024 * HOSTED_ATTEND_NS,
    HOSTED_ATTEND_SOON = 16, // so many times as long as it has stayed
    // One read or write of stdio and tcp; their .wit promise it.
    HOSTED_IO_BYTES = 65536,
    // The longest answer: a read, with what stands before it.
    HOSTED_SCRATCH_BYTES = HOSTED_IO_BYTES + 4096,
    // One answer of random; random.wit promises it.
    HOSTED_RANDOM_BYTES = 65536,
    // Bytes and boxes of one call of crypto; crypto.wit promises them. A quarter of a millisecond
    // at most in which the loop does nothing else. A hash may be of a whole block, elsewhere.
    HOSTED_CRYPTO_BYTES = 131072,
    HOSTED_CRYPTO_BOXES = 64,
    // Keys that crypto holds for one process: both directions of two thousand peers.
    HOSTED_CLIENT_KEYS = 4096,
    // Of all clients.
    HOSTED_KEYS = 65536,
    // One line of log; log.wit promises it.
    HOSTED_LOG_BYTES = 4096,
    // What is kept of the standard error for who looks on later: some thousand lines. control.wit
    // promises it.
    HOSTED_LOG_KEPT_BYTES = 262144,

    // Calls under way of one process of tcp or udp: a server with a read on each of a thousand
    // sockets, and writes on most of them.
    HOSTED_CLIENT_CALLS = 2048,
    // The same, of all clients.
    HOSTED_CALLS = 65536,
    // Sockets of one process of tcp, and of udp; at most half of all that the device may have.
    HOSTED_CLIENT_SOCKETS = 16384,
    // Of all clients; where the host gives few descriptors, one in so many of those, so that a
    // quarter is left for the store.
    HOSTED_SOCKETS = 65536,
    HOSTED_TCP_SHARE = 2,
    HOSTED_UDP_SHARE = 4,
    // Connections the host holds for a listener that does not accept.
    HOSTED_BACKLOG = 511,

    // A domain name, RFC 1035 section 2.3.4, less its final dot.
    HOSTED_NAME_BYTES = 253,
    // Of one name; dns.wit promises it.
    HOSTED_ADDRESSES = 16,
    // Lookups of one process at once; the host's resolver takes seconds at worst.
    HOSTED_CLIENT_LOOKUPS = 16,
    // Of all clients at once.
    HOSTED_LOOKUPS = 128,

    // Timers of one process.
    HOSTED_CLIENT_TIMERS = 4096,
    // Of all clients: 100,000 sleeping processes and room.
    HOSTED_TIMERS = 1 << 18,

    // Calls of terminal that wait for a signal, of one process, and of all.
    HOSTED_CLIENT_WAITS = 64,
    HOSTED_WAITS = 1024,
    // Bonds that are told of interrupts, of one process, and of all: a shell and what it runs.
    HOSTED_CLIENT_LISTENERS = 16,
    HOSTED_LISTENERS = 256,

    // Reads of the store under way of one process; the same of writes, and of hashes of blocks.
    HOSTED_CLIENT_BLOCKS = 64,
    // Of all clients; each waits for one of the host's few file threads.
    HOSTED_BLOCKS = 256,

    // Requests that want an answer, waiting on one of the descriptors 0, 1 and 2.
    HOSTED_STREAM_REQUESTS = 1024,
    // Of them, of one process.
    HOSTED_STREAM_CLIENT_REQUESTS = 64,
    // Copied from writes and not written yet; beyond, the device takes no more messages until they
    // are.
    HOSTED_UNANSWERED_BYTES = 1 << 20,

    // Hosts and ports in one limit of a grant: as many as its bytes hold short ones.
    HOSTED_ALLOW_PARTS = 64,
    // Addresses that names have turned out to be, of all processes, and of one: a page that fetches
    // from a few dozen servers.
    HOSTED_RESOLVED = 1024,
    HOSTED_OWNER_RESOLVED = 64,

    // Calls of files under way of one process: each waits for one of the host's few file threads.
    HOSTED_CLIENT_FILE_CALLS = 64,
    // The same, of all clients.
    HOSTED_FILE_CALLS = 1024,
    // Files and folders that one process has open.
    HOSTED_CLIENT_FILES = 1024,
    // Of all clients; where the host gives few descriptors, one in so many of those: half of what
    // tcp and udp leave.
    HOSTED_FILES = 16384,
    HOSTED_FILES_SHARE = 8,
    // A path of a program's; files.wit promises it. The host's own bound, less its zero.
    HOSTED_FILE_PATH_BYTES = 4095,
    // Of a listing, as the host has it; files.wit promises it.
    HOSTED_LIST_BYTES = 32768,
    // Folders in one limit of a grant: as many as its bytes hold short ones.
    HOSTED_FOLDERS = 32,
    // Where the host cannot stay beneath a folder by itself (machines/hosted/beneath.h): folders on
    // the way of one path, each of them a descriptor; links, as many as Linux follows; and the path
    // with what links put into it.
    HOSTED_WALK_DEPTH = 64,
    HOSTED_WALK_LINKS = 40,
    HOSTED_WALK_BYTES = 8192,

    // ---- store

    // One block; blocks.wit promises it.
    HOSTED_BLOCK_BYTES = 2 << 20,
    // The host's own bound on a path.
    HOSTED_PATH_BYTES = 4096,
    // Blocks that one listing goes through: 16 TiB of leaves.
    HOSTED_STORE_BLOCKS = 1 << 24,

    // ---- records

    // One record; keep.wit promises it. A list of 4,096 CIDs as text.
    HOSTED_RECORD_BYTES = 256 << 10,
    // Their number; keep.wit promises it. Each has a reader that knows it by name.
    HOSTED_RECORDS = 64,
    // How long somebody waits for another who changes records, which takes some milliseconds,
    // before it says so; and how often it looks.
    HOSTED_LOCK_MS = 3000,
    HOSTED_LOCK_PAUSE_MS = 5,
    // What one process tells of itself; keep.wit promises it. Some 300 peers.
    HOSTED_TOLD_BYTES = 64 << 10,
    // Processes that tell something at the same time, in one home. Beyond: refused.
    HOSTED_TOLD = 64,
    // After so many seconds without a word a process is gone; they say it again every few.
    HOSTED_TOLD_S = 15,

    // ---- compiled code that is kept

    // Of all files together; the code of a hundred large programs.
    HOSTED_KEPT_BYTES = 512 << 20,
    // Of one: JIT_IMAGE_BYTES.
    HOSTED_KEPT_FILE_BYTES = 128 << 20,
    // Their number: what one look through the folder goes through at each saving.
    HOSTED_KEPT_FILES = 4096,
    // Loads and saves that wait for the thread.
    HOSTED_KEPT_REQUESTS = 256,

    HOSTED_SIGNAL_STACK_BYTES = 64
                                << 10, // of a worker: what AVX-512 needs, and a sanitizer's frames
};
