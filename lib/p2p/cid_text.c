// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/cid_text.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/multibase.h"

enum { VERSION_0_LETTERS = 46 };

// Decodes the letters of a base that core/base/cid.h does not know.
static enum err parse_base(enum multibase base, struct span letters, struct cid *out,
                           struct report *report)
{
    u8 bytes[P2P_MULTIBASE_BYTES];
    size_t size;
    TRY(multibase_read(base, letters, bytes, sizeof bytes, &size, report));
    return cid_parse_binary(span_of(bytes, size), out, report);
}

static enum err parse_version_0(struct span text, struct cid *out, struct report *report)
{
    u8 bytes[P2P_MULTIBASE_BYTES];
    size_t size;
    struct cid cid;
    TRY(multibase_read(MULTIBASE_58, text, bytes, sizeof bytes, &size, report));
    struct reader in = reader_over(span_of(bytes, size));
    TRY(cid_read_any(&in, &cid, report));
    if (reader_left(&in) != 0) {
        return report_err(report, ERR_MALFORMED, reader_offset(&in),
                          "CID is too long: bytes follow its digest");
    }
    *out = cid;
    return ERR_OK;
}

enum err p2p_cid_parse_text(struct span text, struct cid *out, struct report *report)
{
    if (text.size == VERSION_0_LETTERS && text.data[0] == 'Q' && text.data[1] == 'm') {
        return parse_version_0(text, out, report);
    }
    if (text.size > 1 && text.data[0] == 'k') {
        return parse_base(MULTIBASE_36, span_slice(text, 1, text.size), out, report);
    }
    if (text.size > 1 && text.data[0] == 'z') {
        return parse_base(MULTIBASE_58, span_slice(text, 1, text.size), out, report);
    }
    return cid_parse_text(text, out, report);
}

enum err p2p_cid_parse_word(struct span text, struct cid *out, struct report *report)
{
    static const char *const prefixes[] = {"/ipfs/", "ipfs://"};
    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        struct span prefix = span_string(prefixes[i]);
        if (text.size < prefix.size || !mem_equal(text.data, prefix.data, prefix.size)) {
            continue;
        }
        struct span rest = span_slice(text, prefix.size, text.size);
        if (rest.size != 0 && rest.data[rest.size - 1] == '/') {
            rest.size--;
        }
        for (size_t at = 0; at < rest.size; at++) {
            if (rest.data[at] == '/') {
                return report_err(report, ERR_UNSUPPORTED, prefix.size + at,
                                  "a path below a CID; the CID of the file itself is wanted");
            }
        }
        return p2p_cid_parse_text(rest, out, report);
    }
    return p2p_cid_parse_text(text, out, report);
}
