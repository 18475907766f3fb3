// SPDX-License-Identifier: GPL-3.0-or-later
// The file of the user's words (tools/redshirt/grants_text.h). What is accepted must be read again
// as the same when it is written; what is not must say where.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "tools/redshirt/grants_text.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void read_again(const struct grants_line *line)
{
    char bytes[GRANTS_LINE_BYTES + 2];
    struct text text = text_over(bytes, sizeof bytes);
    grants_write(line, &text);
    ASSERT(!text.cut);
    struct grants_reader in = grants_reader_over(span_of(text.data, text.size));
    struct grants_line same;
    bool found;
    ASSERT(grants_read(&in, &same, &found, NULL) == ERR_OK && found && in.rest.size == 0);
    ASSERT(same.right == line->right && same.word == line->word);
    ASSERT(cid_equal(&same.program, &line->program));
    ASSERT(mem_equal(same.interface, line->interface, sizeof same.interface));
    ASSERT(span_equal(same.name, line->name) && span_equal(same.limit, line->limit));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct grants_reader in = grants_reader_over(span_of(data, size));
    struct report report = {0};
    struct grants_line line;
    bool found = true;
    enum err err = ERR_OK;
    while (err == ERR_OK && found) {
        err = grants_read(&in, &line, &found, &report);
        if (found) {
            read_again(&line);
        }
    }
    ASSERT(err == ERR_OK || (in.line > 0 && in.column > 0 && report.text[0] != 0));
    ASSERT(err != ERR_OK || in.rest.size == 0);
    return 0;
}
