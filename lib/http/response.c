// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/assert.h"
#include "core/base/text.h"
#include "lib/http/http.h"
#include "lib/http/limits.h"

static const struct {
    u32 status;
    const char *name;
} statuses[] = {
    {100, "Continue"},
    {200, "OK"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *http_status_name(u32 status)
{
    const char *name = NULL;
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        if (statuses[i].status == status) {
            name = statuses[i].name;
        }
    }
    ASSERT(name != NULL); // the caller chose the status
    return name;
}

void http_response_head(struct text *out, u32 status, const char *content_type, u64 body_bytes,
                        bool close)
{
    text_string(out, "HTTP/1.1 ");
    text_u64(out, status);
    text_char(out, ' ');
    text_string(out, http_status_name(status));
    text_string(out, "\r\nContent-Type: ");
    text_string(out, content_type);
    text_string(out, "\r\nContent-Length: ");
    text_u64(out, body_bytes);
    if (status == 405) { // RFC 9110, 15.5.6: must say what is allowed
        text_string(out, "\r\nAllow: GET, HEAD");
    }
    text_string(out,
                close ? "\r\nConnection: close\r\n\r\n" : "\r\nConnection: keep-alive\r\n\r\n");
}
