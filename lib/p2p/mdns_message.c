// SPDX-License-Identifier: GPL-3.0-or-later
// A message is a header of counts, then questions, then records in three sections, which are read
// alike: js-libp2p puts the addresses among the answers, others behind them. A name is labels, each
// behind its size, or ends in a pointer to an earlier place of the packet, where it goes on; each
// pointer must lead in front of where the last one led, so no row of them is endless.
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/mdns.h"

enum {
    SECTIONS = 4, // questions, answers, authorities, additional ones
    FLAG_RESPONSE = 0x8000,
    FLAG_AUTHORITY = 0x0400,
    OPCODE_MASK = 0x7800,
    POINTER = 0xc0, // the two bits before an offset of 14
    POINTER_HIGH = 0x3f,
    TYPE_PTR = 12,
    TYPE_TXT = 16,
    TYPE_ANY = 255,
    CLASS_IN = 1,
    CLASS_ANY = 255,
    CLASS_MASK = 0x7fff, // the bit above it: answer to me alone; forget other records
    BYTE_BITS = 8,
    TXT_BYTES = 255, // of one string
    ADDRESS_WORD_BYTES = 8,
};

#define SERVICE SPAN_LITERAL("\4_p2p\4_udp\5local\0")
#define ADDRESS_WORD "dnsaddr="

static enum err malformed(const struct reader *in, const char *why, struct report *report)
{
    return report_err(report, ERR_MALFORMED, reader_offset(in), why);
}

static enum err read_u16(struct reader *in, u32 *out, struct report *report)
{
    struct span bytes;
    TRY(reader_bytes(in, 2, &bytes, report));
    *out = (u32)bytes.data[0] << BYTE_BITS | bytes.data[1];
    return ERR_OK;
}

struct name {
    u32 size; // of labels behind their sizes, the empty one at the end included
    u8 bytes[MDNS_NAME_BYTES];
};

static u8 lower(u8 c)
{
    return c >= 'A' && c <= 'Z' ? (u8)(c + ('a' - 'A')) : c;
}

// Appends a label of `size` bytes, which the reader is at.
static enum err read_label(struct reader *in, u8 size, struct name *out, struct report *report)
{
    struct span label;
    TRY(reader_bytes(in, size, &label, report));
    if (out->size + 1 + label.size > MDNS_NAME_BYTES) {
        return report_err(report, ERR_LIMIT, reader_offset(in), "mdns: a name beyond 255 bytes");
    }
    out->bytes[out->size++] = size;
    for (size_t i = 0; i < label.size; i++) {
        out->bytes[out->size++] = lower(label.data[i]);
    }
    return ERR_OK;
}

// Reads a name at `in`, which moves behind it; pointers lead into what stands in front of it.
static enum err read_name(struct reader *in, struct name *out, struct report *report)
{
    struct reader at = *in;
    u64 bound = reader_offset(in); // where the next pointer must lead in front of
    bool has_jumped = false;
    u8 size, low;
    out->size = 0;
    for (u32 jumps = 0;;) {
        TRY(reader_u8(&at, &size, report));
        if ((size & POINTER) == POINTER) {
            TRY(reader_u8(&at, &low, report));
            u64 to = (u64)(size & POINTER_HIGH) << BYTE_BITS | low;
            if (to >= bound || jumps++ == MDNS_JUMPS) {
                return malformed(&at, "mdns: a name that points at itself, or forth", report);
            }
            if (!has_jumped) {
                *in = at;
                has_jumped = true;
            }
            bound = to;
            at.next = at.start + to;
            continue;
        }
        if ((size & POINTER) != 0) {
            return malformed(&at, "mdns: a label of a kind that does not exist", report);
        }
        TRY(read_label(&at, size, out, report));
        if (size == 0) {
            break;
        }
    }
    if (!has_jumped) {
        *in = at;
    }
    return ERR_OK;
}

static bool is_service(const struct name *name)
{
    return span_equal(span_of(name->bytes, name->size), SERVICE);
}

// One label in front of the service's name.
static bool is_instance(const struct name *name)
{
    size_t label = (size_t)1 + name->bytes[0];
    return name->bytes[0] != 0 && label < name->size &&
           span_equal(span_of(name->bytes + label, name->size - label), SERVICE);
}

static struct p2p_hint *hint_of(struct mdns_message *message, const struct peer_id *peer)
{
    for (u32 i = 0; i < message->hint_count; i++) {
        if (peer_id_equal(&message->hints[i].peer, peer)) {
            return &message->hints[i];
        }
    }
    if (message->hint_count == MDNS_PACKET_HINTS) {
        return NULL;
    }
    struct p2p_hint *hint = &message->hints[message->hint_count];
    *hint = (struct p2p_hint){.peer = *peer};
    return hint;
}

// One string of a TXT record. What is not an address of a peer that we can dial is read over.
static void read_string(struct mdns_message *message, struct span string)
{
    struct multiaddr address;
    struct multiaddr_target target;
    if (string.size <= ADDRESS_WORD_BYTES ||
        !mem_equal(string.data, ADDRESS_WORD, ADDRESS_WORD_BYTES)) {
        return;
    }
    struct span text = span_slice(string, ADDRESS_WORD_BYTES, string.size);
    if (multiaddr_parse(text, &address, NULL) != ERR_OK) {
        return;
    }
    struct span bytes = span_of(address.bytes, address.size);
    if (multiaddr_target(bytes, &target, NULL) != ERR_OK || !target.has_peer) {
        return;
    }
    struct p2p_hint *hint = hint_of(message, &target.peer);
    bool is_new = hint == &message->hints[message->hint_count];
    if (hint != NULL && p2p_hint_add(hint, P2P_SCOPE_LAN, bytes) && is_new) {
        message->hint_count++;
    }
}

static enum err read_text(struct mdns_message *message, struct span data, struct report *report)
{
    struct reader in = reader_over(data);
    while (reader_left(&in) != 0) {
        struct span string;
        u8 size;
        TRY(reader_u8(&in, &size, report));
        TRY(reader_bytes(&in, size, &string, report));
        read_string(message, string);
    }
    return ERR_OK;
}

static enum err read_question(struct reader *in, bool is_response, struct mdns_message *out,
                              struct report *report)
{
    struct name name;
    u32 type, class;
    TRY(read_name(in, &name, report));
    TRY(read_u16(in, &type, report));
    TRY(read_u16(in, &class, report));
    class &= CLASS_MASK;
    out->is_query |= !is_response && is_service(&name) && (type == TYPE_PTR || type == TYPE_ANY) &&
                     (class == CLASS_IN || class == CLASS_ANY);
    return ERR_OK;
}

static enum err read_record(struct reader *in, bool is_response, struct mdns_message *out,
                            struct report *report)
{
    struct name name;
    u32 type, class, ttl_high, ttl_low, size;
    struct span data;
    TRY(read_name(in, &name, report));
    TRY(read_u16(in, &type, report));
    TRY(read_u16(in, &class, report));
    TRY(read_u16(in, &ttl_high, report));
    TRY(read_u16(in, &ttl_low, report));
    TRY(read_u16(in, &size, report));
    TRY(reader_bytes(in, size, &data, report));
    bool is_leaving = ttl_high == 0 && ttl_low == 0;
    if (is_response && !is_leaving && type == TYPE_TXT && (class & CLASS_MASK) == CLASS_IN &&
        is_instance(&name)) {
        TRY(read_text(out, data, report));
    }
    return ERR_OK;
}

enum err mdns_read(struct span packet, struct mdns_message *out, struct report *report)
{
    struct mdns_message message = {0};
    struct reader in = reader_over(packet);
    u32 id, flags, counts[SECTIONS], sum = 0;
    if (packet.size > MDNS_PACKET_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "mdns: a packet beyond 1452 bytes");
    }
    TRY(read_u16(&in, &id, report));
    TRY(read_u16(&in, &flags, report));
    for (u32 i = 0; i < SECTIONS; i++) {
        TRY(read_u16(&in, &counts[i], report));
        sum += counts[i];
    }
    if (sum > MDNS_RECORDS) {
        return report_err(report, ERR_LIMIT, 0, "mdns: more than 64 records");
    }
    if ((flags & OPCODE_MASK) == 0) { // other kinds are to be ignored (RFC 6762, 18.3)
        bool is_response = (flags & FLAG_RESPONSE) != 0;
        for (u32 i = 0; i < sum; i++) {
            TRY(i < counts[0] ? read_question(&in, is_response, &message, report)
                              : read_record(&in, is_response, &message, report));
        }
        if (reader_left(&in) != 0) {
            return malformed(&in, "mdns: bytes follow the last record", report);
        }
    }
    *out = message;
    return ERR_OK;
}

// ---- writing

struct writer {
    u8 *data;
    size_t size;
};

static void put(struct writer *out, struct span bytes)
{
    ASSERT(bytes.size <= MDNS_PACKET_BYTES - out->size);
    mem_copy(out->data + out->size, bytes.data, bytes.size);
    out->size += bytes.size;
}

static void put_u16(struct writer *out, u32 value)
{
    u8 bytes[2] = {(u8)(value >> BYTE_BITS), (u8)value};
    put(out, span_of(bytes, sizeof bytes));
}

static struct writer begin(u8 *data, u32 flags, u32 questions, u32 answers)
{
    struct writer out = {data, 0};
    put_u16(&out, 0); // the id, which nobody looks at (RFC 6762, 18.1)
    put_u16(&out, flags);
    put_u16(&out, questions);
    put_u16(&out, answers);
    put_u16(&out, 0);
    put_u16(&out, 0);
    return out;
}

size_t mdns_query_write(u8 packet[MDNS_PACKET_BYTES])
{
    struct writer out = begin(packet, 0, 1, 0);
    put(&out, SERVICE);
    put_u16(&out, TYPE_PTR);
    put_u16(&out, CLASS_IN);
    return out.size;
}

static void put_instance(struct writer *out, const struct mdns *mdns)
{
    static const u8 size = MDNS_LABEL_BYTES;
    put(out, span_of(&size, 1));
    put(out, span_of(mdns->label, MDNS_LABEL_BYTES));
    put(out, SERVICE);
}

// The rest of a record's head; returns where its size stands.
static size_t put_head(struct writer *out, u32 type)
{
    put_u16(out, type);
    put_u16(out, CLASS_IN);
    put_u16(out, 0);
    put_u16(out, MDNS_TTL_S);
    put_u16(out, 0);
    return out->size - 2;
}

static void put_size(struct writer *out, size_t head)
{
    size_t size = out->size - head - 2;
    out->data[head] = (u8)(size >> BYTE_BITS);
    out->data[head + 1] = (u8)size;
}

static void put_address(struct writer *out, const struct mdns *mdns, u32 index)
{
    char string[TXT_BYTES + 1];
    struct text text = text_over(string, sizeof string);
    text_string(&text, ADDRESS_WORD);
    multiaddr_write(&text, span_of(mdns->addresses[index].bytes, mdns->addresses[index].size));
    text_string(&text, "/p2p/");
    peer_id_write(&text, &mdns->self);
    u8 size = (u8)text.size;
    if (!text.cut && 1 + text.size <= MDNS_PACKET_BYTES - out->size) {
        put(out, span_of(&size, 1));
        put(out, span_of(string, text.size));
    }
}

size_t mdns_answer_write(const struct mdns *mdns, u8 packet[MDNS_PACKET_BYTES])
{
    struct writer out = begin(packet, FLAG_RESPONSE | FLAG_AUTHORITY, 0, 2);
    put(&out, SERVICE);
    size_t head = put_head(&out, TYPE_PTR);
    put_instance(&out, mdns);
    put_size(&out, head);
    put_instance(&out, mdns);
    head = put_head(&out, TYPE_TXT);
    for (u32 i = 0; i < mdns->address_count; i++) {
        put_address(&out, mdns, i);
    }
    put_size(&out, head);
    return out.size;
}
