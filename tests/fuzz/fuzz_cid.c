// SPDX-License-Identifier: GPL-3.0-or-later
// CIDs as text and in binary, and UnixFS nodes. What is accepted must hold what the headers
// promise, and be written back as the same bytes.
#include "core/base/assert.h"
#include "core/base/cid.h"
#include "core/base/report.h"
#include "core/base/unixfs.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void try_text(struct span input)
{
    struct cid cid;
    struct report report;
    char text[CID_TEXT_BYTES];
    report_clear(&report);
    enum err err = cid_parse_text(input, &cid, &report);
    ASSERT((err == ERR_OK) == (report.err == ERR_OK));
    if (err == ERR_OK) {
        cid_write_text(&cid, text);
        ASSERT(span_equal(input, span_string(text)));
    }
}

static void try_binary(struct span input)
{
    struct cid cid;
    u8 binary[CID_BINARY_BYTES];
    if (cid_parse_binary(input, &cid, NULL) == ERR_OK) {
        cid_write_binary(&cid, binary);
        ASSERT(span_equal(input, span_of(binary, sizeof binary)));
    }
}

static void try_node(struct span input)
{
    struct unixfs_node node;
    struct unixfs_link link;
    struct report report;
    report_clear(&report);
    enum err err = unixfs_node_parse(input, &node, &report);
    ASSERT((err == ERR_OK) == (report.err == ERR_OK));
    if (err != ERR_OK) {
        return;
    }
    u64 sum = 0;
    u32 count = 0;
    while (unixfs_node_next(&node, &link)) {
        ASSERT(link.file_bytes != 0);
        ASSERT(link.cid.codec != CID_RAW || link.file_bytes <= UNIXFS_BLOCK_BYTES);
        sum += link.file_bytes;
        count++;
    }
    ASSERT(count == node.link_count && count <= UNIXFS_LINKS_READ);
    ASSERT(sum + node.data.size == node.file_bytes && node.data.size <= input.size);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct span input = span_of(data, size);
    try_text(input);
    try_binary(input);
    try_node(input);
    return 0;
}
