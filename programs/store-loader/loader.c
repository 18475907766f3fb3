// SPDX-License-Identifier: GPL-3.0-or-later
// programs/store-loader: handles redshirt:kernel/loader out of the local store, redshirt:io/blocks.
//
// A program of up to 1 MiB is one raw block. A larger one is a UnixFS node whose links are all its
// leaves: a program has far fewer than a node has links (see the assertion below), so there is one
// row of them and nothing to descend into. What is known from the node is checked before any leaf
// is fetched; the kernel hashes the whole once more.
//
// Loads go on side by side, each with a few fetches under way; the answer is put together where it
// is sent from.
//
// Use     store-loader [--fetch]
//         --fetch  what the store lacks is asked for, once, of whoever handles
//                  redshirt:kernel/fetch, and the load begun anew when it has come. So who speaks
//                  to the network never holds a whole program, and what is in the store needs
//                  nobody.
#include "interfaces/loader.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/unixfs.h"
#include "interfaces/blocks.h"
#include "interfaces/blocks_section.h"
#include "interfaces/fetch.h"
#include "interfaces/fetch_section.h"
#include "interfaces/loader_section.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"
#include "programs/store-loader/limits.h"

STATIC_ASSERT(LOADER_PROGRAM_BYTES / UNIXFS_CHUNK_BYTES <= UNIXFS_LINKS);

enum {
    HEAD_BYTES = 5,      // of an encoded result, in front of the program's bytes
    WORDS_BYTES = 1100,  // of an error's sentence: who has not what may be long
    REQUEST_BYTES = 128, // of a request to the store: a CID and its length
};

struct fetch {
    u64 id; // of the message to the store; 0: none under way
    struct cid cid;
    u64 offset; // in the program; the root: 0
    u64 bytes;  // how many it must have; the root: not known, 0
};

struct load {
    u64 message; // 0: this slot is free
    struct cid cid;
    bool root;        // the root is still to come
    bool was_fetched; // or is being, or waits for somebody who does it
    bool waits_for_fetcher;
    u64 fetch_id; // of the message to the fetcher; 0: none under way
    u8 *answer;   // HEAD_BYTES and the program; NULL before its size is known
    u64 program_bytes;
    u8 *block; // the root, to which `node` points
    size_t block_bytes;
    struct unixfs_node node;
    u64 asked_bytes; // [0, asked_bytes) were asked for
    u64 got_bytes;
    struct fetch fetches[LOADER_FETCHES];
};

// What was asked for and has not begun.
struct request {
    u64 message; // 0: it was cancelled
    struct cid cid;
};

static struct load loads[LOADER_LOADS];
static u32 load_count;
static u64 held_bytes;                         // of all loads' answers
static i64 store;                              // the bond
static struct request waiting[LOADER_WAITING]; // a ring
static u32 waiting_start;
static u32 waiting_count;
static bool waiting_for_room; // one was put back; no load has given its bytes back since

// Who brings what the store lacks.
static struct {
    bool is_expected;
    i64 bond;     // below 0: there is none yet
    u64 bind_id;  // of the message that asks for it
    u64 timer_id; // after which it is not expected any more
} fetcher = {.bond = -1};

// ---- endings

// Gives back what it holds.
static void load_clear(struct load *load)
{
    if (load->answer != NULL) {
        memory_give(rt_memory(), load->answer, HEAD_BYTES + (size_t)load->program_bytes);
        held_bytes -= load->program_bytes;
        waiting_for_room = false;
    }
    if (load->block != NULL) {
        memory_give(rt_memory(), load->block, load->block_bytes);
    }
    *load = (struct load){.message = load->message, .cid = load->cid};
}

static void load_free(struct load *load)
{
    if (load->fetch_id != 0) {
        struct system_cancel_call cancel = {load->fetch_id};
        struct system_result_none_error result;
        (void)system_cancel(RT_SYSTEM_BOND, &cancel, &result);
    }
    load_clear(load);
    *load = (struct load){0}; // answers to its fetches find nobody
    load_count--;
}

static void load_refuse(struct load *load, enum abi_error error)
{
    (void)rt_answer_error(load->message, error);
    load_free(load);
}

// Answers with an error of the interface; `words` and then `detail` are its sentence.
static void load_fail(struct load *load, enum loader_error_kind kind, const char *words,
                      struct span detail)
{
    char sentence[WORDS_BYTES];
    u8 body[WORDS_BYTES + 16];
    struct text text = text_over(sentence, sizeof sentence);
    text_string(&text, words);
    text_printable(&text, detail);
    struct loader_result_bytes_error result = {.ok = false, .error = {.kind = kind}};
    result.error.as.failed = span_of(sentence, text.size); // every case is one string
    size_t size = loader_load_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    (void)rt_answer(load->message, body, (u32)size);
    load_free(load);
}

static void load_fail_block(struct load *load, enum loader_error_kind kind, const struct cid *cid,
                            const char *words, struct span detail)
{
    char sentence[WORDS_BYTES];
    char name[CID_TEXT_BYTES];
    struct text text = text_over(sentence, sizeof sentence);
    cid_write_text(cid, name);
    text_string(&text, "block ");
    text_string(&text, name);
    text_string(&text, words);
    load_fail(load, kind, sentence, detail);
}

static void load_finish(struct load *load)
{
    size_t bytes = (size_t)load->program_bytes;
    struct loader_result_bytes_error result = {.ok = true,
                                               .value = span_of(load->answer + HEAD_BYTES, bytes)};
    // The bytes are already where the encoding puts them, so this copy has nothing to move.
    size_t size = loader_load_encode_result(load->answer, HEAD_BYTES + bytes, &result);
    ASSERT(size == HEAD_BYTES + bytes);
    (void)rt_answer(load->message, load->answer, (u32)size);
    load_free(load);
}

// ---- fetching

// Asks the store for a block. False: the load has failed.
static bool fetch_start(struct load *load, struct fetch *fetch)
{
    char name[CID_TEXT_BYTES];
    u8 body[REQUEST_BYTES];
    cid_write_text(&fetch->cid, name);
    struct blocks_get_call call = {span_of(name, CID_TEXT_LETTERS)};
    size_t size = blocks_get_encode_call(body, sizeof body, &call);
    ASSERT(size <= sizeof body);
    i64 id = rt_send((u32)store, BLOCKS_GET_ID, body, (u32)size);
    if (id <= 0) {
        load_fail(load, LOADER_ERROR_FAILED,
                  "the store cannot be asked: ", span_string(rt_error_name(id)));
        return false;
    }
    fetch->id = (u64)id;
    return true;
}

// Asks for the next leaves, as many as may be under way. All links were checked.
static void load_continue(struct load *load)
{
    for (u32 i = 0; i < LOADER_FETCHES; i++) {
        struct fetch *fetch = &load->fetches[i];
        struct unixfs_link link;
        if (fetch->id != 0 || !unixfs_node_next(&load->node, &link)) {
            continue;
        }
        *fetch =
            (struct fetch){.cid = link.cid, .offset = load->asked_bytes, .bytes = link.file_bytes};
        load->asked_bytes += link.file_bytes;
        if (!fetch_start(load, fetch)) {
            return;
        }
    }
}

static bool request_wait(u64 message, const struct cid *cid)
{
    if (waiting_count == LOADER_WAITING) {
        return false;
    }
    waiting[(waiting_start + waiting_count++) % LOADER_WAITING] = (struct request){message, *cid};
    return true;
}

// Room for a program of `bytes`. False: the load was refused, or put back to wait for others to
// end.
static bool load_reserve(struct load *load, const struct cid *cid, u64 bytes)
{
    u8 *answer = NULL;
    if (bytes <= LOADER_BYTES - held_bytes) {
        answer = memory_take(rt_memory(), HEAD_BYTES + (size_t)bytes);
    }
    if (answer == NULL && held_bytes != 0 && request_wait(load->message, cid)) {
        load_free(load);
        waiting_for_room = true;
        return false;
    }
    if (answer == NULL) {
        load_refuse(load, E_BUSY);
        return false;
    }
    load->answer = answer;
    load->program_bytes = bytes;
    held_bytes += bytes;
    return true;
}

// ---- the root

// Whether all links are what the leaves of a program must be: raw, and full but for the last, and
// nothing of it lies in the node itself.
static bool links_are_leaves(struct unixfs_node node)
{
    struct unixfs_link link;
    u64 left = node.file_bytes;
    if (node.link_count == 0 || node.data.size != 0) {
        return false;
    }
    while (unixfs_node_next(&node, &link)) {
        u64 wanted = left < UNIXFS_CHUNK_BYTES ? left : UNIXFS_CHUNK_BYTES;
        if (link.cid.codec != CID_RAW || link.file_bytes != wanted || wanted == 0) {
            return false;
        }
        left -= wanted;
    }
    return left == 0;
}

static void root_is_node(struct load *load, const struct cid *cid, struct span block)
{
    struct report report;
    report_clear(&report);
    u8 *copy = block.size > UNIXFS_NODE_BYTES ? NULL : memory_take(rt_memory(), block.size);
    if (copy == NULL) {
        load_fail_block(load, LOADER_ERROR_UNSUPPORTED, cid, " is too long for a UnixFS node",
                        (struct span){0});
        return;
    }
    mem_copy(copy, block.data, block.size);
    load->block = copy;
    load->block_bytes = block.size;
    enum err err = unixfs_node_parse(span_of(copy, block.size), &load->node, &report);
    if (err != ERR_OK) {
        load_fail_block(load,
                        err == ERR_MALFORMED ? LOADER_ERROR_DAMAGED : LOADER_ERROR_UNSUPPORTED, cid,
                        " is not a file that can be a program: ", span_string(report.text));
        return;
    }
    if (load->node.file_bytes > LOADER_PROGRAM_BYTES) {
        char words[64];
        struct text text = text_over(words, sizeof words);
        text_u64(&text, load->node.file_bytes);
        text_string(&text, " bytes");
        load_fail(load, LOADER_ERROR_TOO_LARGE, "the file has ", span_of(words, text.size));
        return;
    }
    if (!links_are_leaves(load->node)) {
        load_fail_block(load, LOADER_ERROR_UNSUPPORTED, cid,
                        " is not a node over raw leaves of 1 MiB", (struct span){0});
        return;
    }
    if (load_reserve(load, cid, load->node.file_bytes)) {
        load_continue(load);
    }
}

static void root_came(struct load *load, const struct cid *cid, struct span block)
{
    load->root = false;
    if (cid->codec == CID_DAG_PB) {
        root_is_node(load, cid, block);
    } else if (block.size > UNIXFS_CHUNK_BYTES) {
        load_fail_block(load, LOADER_ERROR_UNSUPPORTED, cid,
                        " is raw and longer than 1 MiB, which no program's only block is",
                        (struct span){0});
    } else if (load_reserve(load, cid, block.size)) {
        mem_copy(load->answer + HEAD_BYTES, block.data, block.size);
        load_finish(load);
    }
}

// ---- what others have

static void load_begin(struct load *load)
{
    load->root = true;
    load->fetches[0].cid = load->cid;
    (void)fetch_start(load, &load->fetches[0]);
}

static void load_ask(struct load *load)
{
    char name[CID_TEXT_BYTES];
    u8 body[REQUEST_BYTES];
    cid_write_text(&load->cid, name);
    struct fetch_fetch_call call = {span_of(name, CID_TEXT_LETTERS)};
    size_t size = fetch_fetch_encode_call(body, sizeof body, &call);
    ASSERT(size <= sizeof body);
    i64 id = rt_send((u32)fetcher.bond, FETCH_FETCH_ID, body, (u32)size);
    load->waits_for_fetcher = false;
    if (id <= 0) {
        load_fail(load, LOADER_ERROR_FAILED,
                  "who fetches cannot be asked: ", span_string(rt_error_name(id)));
        return;
    }
    load->fetch_id = (u64)id;
}

// The store lacks a block. False: nobody can be asked for it, or has been already.
static bool load_fetch(struct load *load)
{
    if (!fetcher.is_expected || load->was_fetched) {
        return false;
    }
    load_clear(load);
    load->was_fetched = true;
    load->waits_for_fetcher = true;
    if (fetcher.bond >= 0) {
        load_ask(load);
    }
    return true;
}

static void fetched(struct load *load, const struct rt_event *event)
{
    struct fetch_result_none_error result;
    load->fetch_id = 0;
    if (event->error != 0 || fetch_fetch_decode_result(event->body, &result) != ERR_OK) {
        load_fail(load, LOADER_ERROR_FAILED,
                  "who fetches does not answer: ", span_string(rt_error_name(event->error)));
        return;
    }
    if (result.ok) {
        load_begin(load);
        return;
    }
    static const enum loader_error_kind kinds[] = {
        [FETCH_ERROR_NOT_FOUND] = LOADER_ERROR_NOT_FOUND,
        [FETCH_ERROR_LIED_TO] = LOADER_ERROR_DAMAGED,
        [FETCH_ERROR_REFUSED] = LOADER_ERROR_UNSUPPORTED,
        [FETCH_ERROR_TOO_LARGE] = LOADER_ERROR_TOO_LARGE,
        [FETCH_ERROR_FAILED] = LOADER_ERROR_FAILED,
    };
    load_fail(load, kinds[result.error.kind], "", result.error.as.failed); // each is one string
}

// It is there, or will not come.
static void fetcher_known(i64 bond)
{
    fetcher.bond = bond;
    fetcher.is_expected = bond >= 0;
    for (u32 i = 0; i < LOADER_LOADS; i++) {
        struct load *load = &loads[i];
        if (load->message == 0 || !load->waits_for_fetcher) {
            continue;
        }
        if (bond >= 0) {
            load_ask(load);
        } else {
            load_fail(load, LOADER_ERROR_NOT_FOUND, "the store has it not, and nobody fetches",
                      (struct span){0});
        }
    }
}

// Takes the answer to a message about the fetcher itself. False: it is to another.
static bool fetcher_answer(const struct rt_event *event)
{
    struct system_result_u32_bind_error result;
    if (event->id == fetcher.timer_id && fetcher.bond < 0) {
        fetcher_known(-1);
        return true;
    }
    if (event->id != fetcher.bind_id || fetcher.bond >= 0) {
        return false;
    }
    bool is_bound =
        event->error == 0 && system_bind_decode_result(event->body, &result) == ERR_OK && result.ok;
    fetcher_known(is_bound ? (i64)result.value : -1);
    return true;
}

// Asks for a bond that comes when there is a fetcher, and for the time to be told when none came.
static void fetcher_expect(void)
{
    u8 body[64];
    u64 now_ns = 0;
    struct system_bind_call bind = {.patient = true};
    mem_copy(&bind.interface, fetch_interface.hash, sizeof bind.interface);
    size_t size = system_bind_encode_call(body, sizeof body, &bind);
    ASSERT(size <= sizeof body);
    i64 bind_id = rt_send(RT_SYSTEM_BOND, SYSTEM_BIND_ID, body, (u32)size);
    i64 time = rt_bind(&time_interface, false);
    if (bind_id <= 0 || time < 0 || time_monotonic((u32)time, &now_ns) < 0) {
        return;
    }
    struct time_wait_until_call wait = {now_ns + LOADER_FETCHER_NS};
    size = time_wait_until_encode_call(body, sizeof body, &wait);
    ASSERT(size <= sizeof body);
    i64 timer_id = rt_send((u32)time, TIME_WAIT_UNTIL_ID, body, (u32)size);
    fetcher.is_expected = timer_id > 0;
    fetcher.bind_id = (u64)bind_id;
    fetcher.timer_id = (u64)timer_id;
}

// ---- what the store answers

static void leaf_came(struct load *load, const struct fetch *fetch, struct span block)
{
    if (block.size != fetch->bytes) {
        load_fail_block(load, LOADER_ERROR_DAMAGED, &fetch->cid,
                        " has not as many bytes as its parent says", (struct span){0});
        return;
    }
    mem_copy(load->answer + HEAD_BYTES + fetch->offset, block.data, block.size);
    load->got_bytes += block.size;
    if (load->got_bytes == load->program_bytes) {
        load_finish(load);
    } else {
        load_continue(load);
    }
}

static void block_refused(struct load *load, const struct cid *cid,
                          const struct blocks_error *error)
{
    struct span none = {0};
    switch (error->kind) {
    case BLOCKS_ERROR_NOT_FOUND:
        if (load_fetch(load)) {
            break;
        }
        load_fail_block(load, LOADER_ERROR_NOT_FOUND, cid, " is not in the store", none);
        break;
    case BLOCKS_ERROR_DAMAGED:
        if (load_fetch(load)) { // a sound one takes its place
            break;
        }
        load_fail_block(load, LOADER_ERROR_DAMAGED, cid, ": ", error->as.damaged);
        break;
    case BLOCKS_ERROR_TOO_LARGE:
        load_fail_block(load, LOADER_ERROR_TOO_LARGE, cid, " is too large for the store", none);
        break;
    case BLOCKS_ERROR_BAD_CID:
        load_fail_block(load, LOADER_ERROR_UNSUPPORTED, cid, ": ", error->as.bad_cid);
        break;
    case BLOCKS_ERROR_FAILED:
        load_fail_block(load, LOADER_ERROR_FAILED, cid, " cannot be read: ", error->as.failed);
        break;
    }
}

static void on_answer(const struct rt_event *event)
{
    if (fetcher_answer(event)) {
        return;
    }
    for (u32 i = 0; i < LOADER_LOADS; i++) {
        if (loads[i].message != 0 && loads[i].fetch_id == event->id) {
            fetched(&loads[i], event);
            return;
        }
    }
    for (u32 i = 0; i < LOADER_LOADS * LOADER_FETCHES; i++) {
        struct load *load = &loads[i / LOADER_FETCHES];
        struct fetch fetch = load->fetches[i % LOADER_FETCHES];
        if (load->message == 0 || fetch.id == 0 || fetch.id != event->id) {
            continue;
        }
        load->fetches[i % LOADER_FETCHES].id = 0;
        struct blocks_result_bytes_error result;
        if (event->error != 0) {
            load_fail(load, LOADER_ERROR_FAILED,
                      "the store does not answer: ", span_string(rt_error_name(event->error)));
        } else if (blocks_get_decode_result(event->body, &result) != ERR_OK) {
            load_fail(load, LOADER_ERROR_FAILED, "the store answers in no known form",
                      (struct span){0});
        } else if (!result.ok) {
            block_refused(load, &fetch.cid, &result.error);
        } else if (load->root) {
            root_came(load, &fetch.cid, result.value);
        } else {
            leaf_came(load, &fetch, result.value);
        }
        return;
    }
}

// ---- what clients ask

static struct load *load_of(u64 message)
{
    for (u32 i = 0; i < LOADER_LOADS; i++) {
        if (loads[i].message == message) {
            return &loads[i];
        }
    }
    return NULL;
}

// Begins what waits while there is room. Nothing waits for ever: who is put back was refused room
// by one that holds it, and that one ends.
static void waiting_begin(void)
{
    while (waiting_count != 0 && load_count < LOADER_LOADS && !waiting_for_room) {
        struct request request = waiting[waiting_start];
        waiting_start = (waiting_start + 1) % LOADER_WAITING;
        waiting_count--;
        if (request.message == 0) {
            continue;
        }
        struct load *load = load_of(0);
        ASSERT(load != NULL);
        load_count++;
        *load = (struct load){.message = request.message, .cid = request.cid};
        load_begin(load);
    }
}

static void on_load(void *context, const struct interface_message *message,
                    const struct loader_load_call *call)
{
    (void)context;
    struct cid cid;
    struct report report;
    report_clear(&report);
    if (message->id == 0) {
        return; // nobody wants the program
    }
    if (cid_parse_text(call->cid, &cid, &report) != ERR_OK) {
        struct load refused = {.message = message->id};
        load_count++; // as every load that ends
        load_fail(&refused, LOADER_ERROR_UNSUPPORTED, "", span_string(report.text));
        return;
    }
    if (!request_wait(message->id, &cid)) {
        (void)rt_answer_error(message->id, E_BUSY);
    }
}

static void on_cancelled(u64 message)
{
    struct load *load = load_of(message);
    if (load != NULL) {
        load_refuse(load, E_CANCELLED);
    }
    for (u32 i = 0; i < waiting_count; i++) {
        struct request *request = &waiting[(waiting_start + i) % LOADER_WAITING];
        if (request->message == message) {
            (void)rt_answer_error(message, E_CANCELLED);
            request->message = 0;
        }
    }
}

u32 program_main(void)
{
    static const struct loader_handler handler = {.load = on_load};
    store = rt_bind(&blocks_interface, true);
    if (store < 0 || rt_register(&loader_interface) < 0) {
        (void)rt_print_error("store-loader: no store, or somebody else is the loader\n");
        return 1;
    }
    if (span_equal(rt_argument(1), SPAN_LITERAL("--fetch"))) {
        fetcher_expect();
    }
    for (;;) {
        struct rt_event event;
        rt_next(&event);
        if (event.kind == NOTIFICATION_ANSWER) {
            on_answer(&event);
        } else if (event.kind == NOTIFICATION_CANCELLED) {
            on_cancelled(event.id);
        } else if (event.kind == NOTIFICATION_MESSAGE) {
            struct interface_message message = rt_message(&event);
            enum err err = loader_dispatch(&handler, NULL, &message);
            if (err != ERR_OK) {
                (void)rt_answer_error(event.id, rt_dispatch_error(err));
            }
        }
        waiting_begin();
    }
}
