// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/assert.h"
#include "lib/gdb/internal.h"

void gdb_answer_begin(struct gdb_answer *answer)
{
    answer->text = text_over(answer->bytes, sizeof answer->bytes);
}

void gdb_answer_little(struct gdb_answer *answer, u64 value)
{
    text_hex_bytes(&answer->text, span_of(&value, sizeof value));
}

static void put(struct gdb_server *server, u8 byte)
{
    ASSERT(server->out_size < sizeof server->out);
    server->out[server->out_size++] = byte;
}

static bool is_special(u8 byte)
{
    return byte == '#' || byte == '$' || byte == '}' || byte == '*';
}

void gdb_answer_send(struct gdb_server *server, const struct gdb_answer *answer)
{
    static const char digits[] = "0123456789abcdef";
    enum { ESCAPE = '}', FLIP = 0x20 };
    u8 sum = 0;
    ASSERT(!answer->text.cut);
    put(server, '$');
    for (size_t i = 0; i < answer->text.size; i++) {
        u8 byte = (u8)answer->text.data[i];
        if (is_special(byte)) {
            put(server, ESCAPE);
            sum += ESCAPE;
            byte ^= FLIP;
        }
        put(server, byte);
        sum += byte;
    }
    put(server, '#');
    put(server, (u8)digits[sum >> 4]);
    put(server, (u8)digits[sum & 15]);
}

void gdb_answer_string(struct gdb_server *server, const char *string)
{
    struct gdb_answer answer;
    gdb_answer_begin(&answer);
    text_string(&answer.text, string);
    gdb_answer_send(server, &answer);
}
