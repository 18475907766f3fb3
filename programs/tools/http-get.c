// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/http-get.c: asks a web server for a page. A call is under way at a time; each
// waits as long as the machine's own patience lasts.
#include <string.h>

#include "core/base/report.h"
#include "core/base/text.h"
#include "interfaces/dns.h"
#include "interfaces/dns_client.h"
#include "interfaces/dns_section.h"
#include "interfaces/tcp.h"
#include "interfaces/tcp_client.h"
#include "interfaces/tcp_section.h"
#include "lib/http/client.h"
#include "lib/http/limits.h"
#include "lib/p2p/web_address.h"
#include "programs/tools/common/limits.h"
#include "programs/tools/common/messages.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "http-get",
    "Usage: http-get http://HOST[:PORT][/PATH]\n"
    "\n"
    "Asks a web server, and puts out what it answers. There is no https, and redirects are told,\n"
    "not followed. The program needs to be allowed tcp, and for a HOST that is a name dns:\n"
    "redshirt run --allow dns=example.org --allow tcp=connect:example.org:80 http-get ...\n",
    1,
};

enum { REQUEST_BYTES = HTTP_TARGET_BYTES + HTTP_HOST_BYTES + 256, MESSAGE_BYTES = 256 };

static u8 message[TOOL_CHUNK_BYTES + MESSAGE_BYTES]; // a call, then its answer

static const char *error_word(enum net_error error)
{
    static const char *const words[] = {
        [NET_ERROR_NOT_FOUND] = "there is no such connection",
        [NET_ERROR_REFUSED] = "nobody listens there",
        [NET_ERROR_RESET] = "the server broke the connection",
        [NET_ERROR_TIMED_OUT] = "it does not answer",
        [NET_ERROR_UNREACHABLE] = "there is no way to it",
        [NET_ERROR_ADDRESS_IN_USE] = "the address is in use",
        [NET_ERROR_ADDRESS_NOT_AVAILABLE] = "the address is none to connect to",
        [NET_ERROR_UNKNOWN_NAME] = "there is no host of that name",
        [NET_ERROR_CLOSED] = "the connection is closed",
        [NET_ERROR_LIMIT] = "there are too many connections",
        [NET_ERROR_DENIED] = "not allowed (redshirt grant, or redshirt run --allow)",
        [NET_ERROR_UNSUPPORTED] = "the machine does not do this",
        [NET_ERROR_INVALID] = "this is no address",
        [NET_ERROR_FAILED] = "it failed",
    };
    return (size_t)error < COUNT_OF(words) ? words[error] : words[NET_ERROR_FAILED];
}

// A call that was answered, or not: says what is wrong, and ends the tool.
static void check(const char *url, i64 sent, bool is_good, enum net_error error)
{
    if (sent < 0) {
        messages_fail(url, sent);
    }
    if (!is_good) {
        tool_fail(url, error_word(error));
    }
}

// ---- to the server

static bool connect_try(u32 tcp, struct net_endpoint to, u64 *socket, enum net_error *error)
{
    struct tcp_connect_call call = {to};
    struct tcp_result_connection_net_error result;
    i64 sent = tcp_connect(tcp, &call, &result);
    if (sent < 0) {
        messages_fail("tcp", sent);
    }
    *socket = result.ok ? result.value.socket : 0;
    *error = result.ok ? *error : result.error;
    return result.ok;
}

// Each address of the name in turn.
static u64 name_connect(u32 tcp, const struct web_address *server, const char *url)
{
    u32 dns = messages_bind(&dns_interface, "dns");
    static u8 answer[4096];
    struct dns_resolve_call call = {server->name};
    struct dns_result_list_net_address_net_error result;
    i64 sent = dns_resolve(dns, answer, sizeof answer, &call, &result);
    check(url, sent, sent >= 0 && result.ok, sent >= 0 ? result.error : NET_ERROR_FAILED);
    struct net_endpoint to = {.port = server->port};
    enum net_error error = NET_ERROR_UNKNOWN_NAME;
    u64 socket;
    while (dns_list_net_address_next(&result.value, &to.address)) {
        if (connect_try(tcp, to, &socket, &error)) {
            return socket;
        }
    }
    tool_fail(url, error_word(error));
}

static u64 number_connect(u32 tcp, const struct web_address *server, const char *url)
{
    struct net_endpoint to = {.port = server->port};
    enum net_error error = NET_ERROR_FAILED;
    u64 socket;
    if (server->kind == WEB_HOST_IP4) {
        to.address.kind = NET_ADDRESS_IPV4;
        to.address.as.ipv4 = mem_load_u32(server->ip);
    } else {
        to.address.kind = NET_ADDRESS_IPV6;
        to.address.as.ipv6 =
            (struct net_ipv6){mem_load_u64(server->ip), mem_load_u64(server->ip + 8), 0};
    }
    if (!connect_try(tcp, to, &socket, &error)) {
        tool_fail(url, error_word(error));
    }
    return socket;
}

static void request_write(u32 tcp, u64 socket, const char *url, struct span host,
                          struct span target)
{
    static char bytes[REQUEST_BYTES];
    struct text request = text_over(bytes, sizeof bytes);
    http_request_head(&request, host, target, NULL);
    if (request.cut) {
        tool_fail(url, "the path is too long");
    }
    struct tcp_write_call call = {socket, span_of(bytes, request.size)};
    struct tcp_result_none_net_error result;
    i64 sent = tcp_write(tcp, message, sizeof message, &call, &result);
    check(url, sent, sent >= 0 && result.ok, sent >= 0 ? result.error : NET_ERROR_FAILED);
}

// ---- the answer

// Bytes that are held: takes out of them what is whole. True: the response has ended.
static bool held_take(struct http_response_reader *reader, u8 *held, size_t *size, const char *url)
{
    for (;;) {
        struct http_part part;
        struct report report = {0};
        size_t taken;
        if (http_response_read(reader, span_of(held, *size), &taken, &part, &report) != ERR_OK) {
            tool_fail(url, report.text);
        }
        if (part.kind == HTTP_PART_HEAD && part.response.status / 100 != 2) {
            char words[64];
            struct text text = text_over(words, sizeof words);
            text_string(&text, "the server answers ");
            text_u64(&text, part.response.status);
            tool_fail(url, words);
        }
        if (part.kind == HTTP_PART_BODY) {
            out_bytes(part.bytes.data, part.bytes.size);
        }
        *size -= taken;
        memmove(held, held + taken, *size);
        if (part.kind == HTTP_PART_MORE || part.kind == HTTP_PART_END) {
            return part.kind == HTTP_PART_END;
        }
    }
}

static void response_read(u32 tcp, u64 socket, const char *url)
{
    static u8 held[HTTP_GET_HEAD_BYTES + TOOL_CHUNK_BYTES];
    size_t size = 0;
    struct http_response_reader reader;
    http_response_reader_init(&reader);
    do {
        out_flush();
        struct tcp_read_call call = {socket, TOOL_CHUNK_BYTES};
        struct tcp_result_bytes_net_error result;
        i64 sent = tcp_read(tcp, message, sizeof message, &call, &result);
        check(url, sent, sent >= 0 && result.ok, sent >= 0 ? result.error : NET_ERROR_FAILED);
        if (result.value.size == 0) {
            if (http_response_end(&reader, NULL) != ERR_OK) {
                tool_fail(url, "the answer is cut off");
            }
            return;
        }
        if (result.value.size > sizeof held - size) {
            tool_fail(url, "the head of the answer is too long");
        }
        memcpy(held + size, result.value.data, result.value.size);
        size += result.value.size;
    } while (!held_take(&reader, held, &size, url));
}

// ---- the command line

// Splits the words of a URL. The target is all from the path on.
static struct web_address url_parse(const char *url, struct span *target)
{
    struct web_address server;
    struct report report = {0};
    const char *host = strstr(url, "://");
    host = host == NULL ? url : host + 3;
    size_t size = (size_t)(host - url) + strcspn(host, "/?#");
    if (web_address_parse(span_of(url, size), &server, &report) != ERR_OK) {
        tool_fail_usage(url, report.text);
    }
    *target = span_of(url + size, strcspn(url + size, "#"));
    if (target->size == 0 || target->data[0] != '/') {
        static char whole[HTTP_TARGET_BYTES];
        struct text text = text_over(whole, sizeof whole);
        text_char(&text, '/');
        text_bytes(&text, *target);
        *target = span_of(whole, text.cut ? HTTP_TARGET_BYTES + 1 : text.size);
    }
    for (size_t i = 0; i < target->size && target->size <= HTTP_TARGET_BYTES; i++) {
        if (target->data[i] <= ' ' || target->data[i] >= 0x7f) {
            tool_fail_usage(url, "a path holds visible letters only; others are written as %XX");
        }
    }
    if (target->size > HTTP_TARGET_BYTES) {
        tool_fail(url, "the path is too long");
    }
    return server;
}

int tool_main(int count, char **words)
{
    struct options options;
    options_begin(&options, count, words, "");
    while (options_next(&options) != 0) {
    }
    if (options.operand_count != 1) {
        tool_fail_usage(NULL, "which page?");
    }
    const char *url = options.words[0];
    struct span target;
    struct web_address server = url_parse(url, &target);
    u32 tcp = messages_bind(&tcp_interface, "tcp");
    u64 socket = server.kind == WEB_HOST_NAME ? name_connect(tcp, &server, url)
                                              : number_connect(tcp, &server, url);
    request_write(tcp, socket, url, server.host, target);
    response_read(tcp, socket, url);
    return 0;
}
