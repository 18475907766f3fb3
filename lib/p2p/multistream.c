// SPDX-License-Identifier: GPL-3.0-or-later
// A line is its size as a varint, then text that ends in a newline, which the size counts. Both
// sides begin with the header; then the dialler's name, and the listener's echo of it or "na".
#include "lib/p2p/multistream.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/p2p/proto.h"

#define HEADER SPAN_LITERAL("/multistream/1.0.0")
#define NOT_AVAILABLE SPAN_LITERAL("na")

static void write_line(struct proto_writer *out, struct span name)
{
    ASSERT(name.size <= P2P_PROTOCOL_BYTES);
    proto_varint(out, name.size + 1);
    proto_raw(out, name);
    proto_raw(out, SPAN_LITERAL("\n"));
}

size_t multistream_propose(struct span name, u8 out[MULTISTREAM_PROPOSAL_BYTES])
{
    struct proto_writer writer = proto_writer_over(out, MULTISTREAM_PROPOSAL_BYTES);
    write_line(&writer, HEADER);
    ASSERT(writer.size == MULTISTREAM_HEADER_BYTES);
    write_line(&writer, name);
    ASSERT(proto_fits(&writer));
    return writer.size;
}

// The line at the front without its newline. *taken 0: it has not arrived whole.
static enum err read_line(struct span bytes, struct span *line, size_t *taken,
                          struct report *report)
{
    *taken = 0;
    if (bytes.size == 0) {
        return ERR_OK;
    }
    size_t size = bytes.data[0] & 0x7f;
    size_t start = 1;
    if (bytes.data[0] >= 0x80) {
        if (bytes.size < 2) {
            return ERR_OK;
        }
        size |= (size_t)bytes.data[1] << 7;
        start = 2;
        if (bytes.data[1] >= 0x80) {
            return report_err(report, ERR_LIMIT, 0, "line of a negotiation is beyond 1024 bytes");
        }
        if (bytes.data[1] == 0) {
            return report_err(report, ERR_MALFORMED, 0, "line's size is not in its shortest form");
        }
    }
    if (size > P2P_LINE_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "line of a negotiation is beyond 1024 bytes");
    }
    if (size == 0) {
        return report_err(report, ERR_MALFORMED, 0, "line of a negotiation is empty");
    }
    if (bytes.size - start < size) {
        return ERR_OK;
    }
    if (bytes.data[start + size - 1] != '\n') {
        return report_err(report, ERR_MALFORMED, 0, "line of a negotiation lacks its newline");
    }
    *line = span_slice(bytes, start, start + size - 1);
    *taken = start + size;
    return ERR_OK;
}

static enum err listener_line(struct multistream *stream, struct span line,
                              const struct span *names, size_t name_count,
                              enum multistream_step *step, struct multistream_answer *answer,
                              struct report *report)
{
    struct proto_writer out = proto_writer_over(answer->reply, sizeof answer->reply);
    *step = MULTISTREAM_LINE;
    if (stream->proposals++ == P2P_PROPOSALS) {
        return report_err(report, ERR_LIMIT, 0, "peer has tried 16 protocols in vain");
    }
    struct span reply = NOT_AVAILABLE;
    for (u32 i = 0; i < name_count; i++) {
        if (span_equal(names[i], line)) {
            *step = MULTISTREAM_AGREED;
            answer->agreed = i;
            reply = names[i];
            break;
        }
    }
    write_line(&out, reply);
    ASSERT(proto_fits(&out));
    answer->reply_size = (u32)out.size;
    return ERR_OK;
}

enum err multistream_read(struct multistream *stream, struct span bytes, const struct span *names,
                          size_t name_count, enum multistream_step *step,
                          struct multistream_answer *answer, struct report *report)
{
    ASSERT(name_count <= P2P_PROTOCOLS);
    ASSERT(!stream->is_dialler || name_count == 1);
    struct span line;
    answer->reply_size = 0;
    TRY(read_line(bytes, &line, &answer->taken, report));
    *step = MULTISTREAM_MORE;
    if (answer->taken == 0) {
        return ERR_OK;
    }
    if (!stream->has_header) {
        if (!span_equal(line, HEADER)) {
            return report_err(report, ERR_MALFORMED, 0, "peer does not speak multistream 1.0");
        }
        stream->has_header = true;
        *step = MULTISTREAM_LINE;
        if (!stream->is_dialler) {
            struct proto_writer out = proto_writer_over(answer->reply, sizeof answer->reply);
            write_line(&out, HEADER);
            answer->reply_size = (u32)out.size;
        }
        return ERR_OK;
    }
    if (!stream->is_dialler) {
        return listener_line(stream, line, names, name_count, step, answer, report);
    }
    if (span_equal(line, names[0])) {
        *step = MULTISTREAM_AGREED;
        answer->agreed = 0;
        return ERR_OK;
    }
    if (span_equal(line, NOT_AVAILABLE)) {
        *step = MULTISTREAM_REFUSED;
        return ERR_OK;
    }
    return report_err(report, ERR_MALFORMED, 0, "peer answers with a protocol nobody proposed");
}
