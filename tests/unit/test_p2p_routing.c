// SPDX-License-Identifier: GPL-3.0-or-later
// Are web servers asked as the specifications say, and is what they answer read with suspicion?
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/routing.h"
#include "lib/p2p/web_address.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
#define OTHER_ID "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"

// Reads a body in pieces; returns how many peers it told, the last in *hint.
static enum err read_body(const char *body, size_t piece, u32 *count, struct p2p_hint *hint)
{
    static struct routing_reader reader;
    struct span input = span_string(body);
    routing_reader_init(&reader, P2P_SCOPE_PUBLIC);
    *count = 0;
    for (size_t at = 0; at < input.size;) {
        size_t size = input.size - at < piece ? input.size - at : piece, taken;
        bool has_hint;
        enum err err =
            routing_read(&reader, span_of(input.data + at, size), &taken, hint, &has_hint, NULL);
        if (err != ERR_OK) {
            return err;
        }
        assert_true(has_hint || taken == size);
        *count += has_hint;
        at += taken;
    }
    return routing_end(&reader, NULL);
}

static void peers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        u32 count, addresses;
    } rows[] = {
        // as the specification shows it
        {"{\"Providers\":[{\"Schema\":\"peer\",\"ID\":\"" ID
         "\",\"Addrs\":[\"/ip4/8.8.8.8/tcp/1\"],"
         "\"Protocols\":[\"transport-bitswap\"]}]}",
         1, 1},
        {"{\"Providers\":null}", 0, 0},
        {"{\"Providers\":[]}", 0, 0},
        {"{}", 0, 0},
        // fields in the order of their names, addresses with the peer, two of them not dialled
        {"{\"Providers\":[{\"Addrs\":[\"/ip4/8.8.8.8/tcp/1/p2p/" ID
         "\",\"/ip4/8.8.8.8/udp/1/quic-v1\","
         "\"/ip4/10.0.0.1/tcp/1\",\"/dns4/x.org/tcp/4001\"],\"ID\":\"" ID
         "\",\"Schema\":\"peer\"}]}",
         1, 2},
        // lines
        {"{\"Schema\":\"peer\",\"ID\":\"" ID "\",\"Addrs\":[\"/ip4/8.8.8.8/tcp/1\"]}\n"
         "{\"Schema\":\"bitswap\",\"Protocol\":\"transport-bitswap\",\"ID\":\"" OTHER_ID
         "\",\"Addrs\":[\"/ip4/9.9.9.9/tcp/1\",\"/ip4/9.9.9.9/tcp/2\"]}\n",
         2, 2},
        // other schemas, no schema, no ID, no address, an ID that is none
        {"{\"Schema\":\"other\",\"ID\":\"" ID "\",\"Addrs\":[\"/ip4/8.8.8.8/tcp/1\"]}", 0, 0},
        {"{\"ID\":\"" ID "\",\"Addrs\":[\"/ip4/8.8.8.8/tcp/1\"]}", 0, 0},
        {"{\"Schema\":\"peer\",\"Addrs\":[\"/ip4/8.8.8.8/tcp/1/p2p/" ID "\"]}", 0, 0},
        {"{\"Schema\":\"peer\",\"ID\":\"" ID "\",\"Addrs\":[]}", 0, 0},
        {"{\"Schema\":\"peer\",\"ID\":\"x\",\"Addrs\":[\"/ip4/8.8.8.8/tcp/1\"]}", 0, 0},
        // another peer's addresses
        {"{\"Schema\":\"peer\",\"ID\":\"" ID "\",\"Addrs\":[\"/ip4/8.8.8.8/tcp/1/p2p/" OTHER_ID
         "\"]}",
         0, 0},
        {"{\"Addrs\":[\"/ip4/8.8.8.8/tcp/1/p2p/" OTHER_ID "\"],\"Schema\":\"peer\",\"ID\":\"" ID
         "\"}",
         0, 0},
        // fields that are not known, of any kind and at any depth
        {"{\"Extra\":{\"ID\":\"x\",\"Addrs\":[[\"/ip4/1.1.1.1/tcp/"
         "1\"]]},\"Providers\":[{\"ID\":\"" ID "\",\"Metadata\":{\"Schema\":\"x\",\"Addrs\":[\"/"
         "ip4/1.1.1.1/tcp/9\"]},\"Schema\":\"peer\","
         "\"Addrs\":[\"/ip4/8.8.8.8/tcp/1\",5,null,{\"a\":\"/ip4/1.1.1.1/tcp/9\"}]}],\"More\":[1]}",
         1, 1},
        {"{\"Schema\":5,\"ID\":[],\"Addrs\":\"/ip4/8.8.8.8/tcp/1\"}", 0, 0},
        {"5 \"x\" null [] [{}]", 0, 0},
    };
    struct peer_id ids[2];
    assert_int_equal(peer_id_parse(SPAN_LITERAL(ID), &ids[0], NULL), ERR_OK);
    assert_int_equal(peer_id_parse(SPAN_LITERAL(OTHER_ID), &ids[1], NULL), ERR_OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece < 3000; piece = piece * 7 + 1) {
            struct p2p_hint hint = {0};
            u32 count;
            enum err err = read_body(rows[i].body, piece, &count, &hint);
            if (err != ERR_OK || count != rows[i].count ||
                hint.address_count != rows[i].addresses) {
                fail_msg("%s: %u peers, %u addresses", rows[i].body, count, hint.address_count);
            }
            assert_true(count == 0 || peer_id_equal(&hint.peer, &ids[count - 1]));
        }
    }
}

static void broken_answers_are_refused(void **state)
{
    (void)state;
    struct p2p_hint hint;
    u32 count;
    assert_int_equal(read_body("<html>", 10, &count, &hint), ERR_MALFORMED);
    assert_int_equal(read_body("{\"Providers\":[", 10, &count, &hint), ERR_MALFORMED);
    assert_int_equal(read_body("{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", 10, &count, &hint),
                     ERR_LIMIT);
    static char body[8 * ROUTING_RECORDS];
    for (u32 records = ROUTING_RECORDS; records <= ROUTING_RECORDS + 1; records++) {
        body[0] = 0;
        for (u32 i = 0; i < records; i++) {
            memcpy(body + 3 * (size_t)i, "{}\n", 4);
        }
        assert_int_equal(read_body(body, 100, &count, &hint),
                         records <= ROUTING_RECORDS ? ERR_OK : ERR_LIMIT);
    }
}

static void requests_are_those_of_the_specifications(void **state)
{
    (void)state;
    char out[ROUTING_REQUEST_BYTES + 1], host[262];
    struct cid cid;
    struct peer_id name;
    struct span server = SPAN_LITERAL("router.local");
    assert_int_equal(
        cid_parse_text(SPAN_LITERAL("bafkreidfdrlkeq4m4xnxuyx6iae76fdm4wgl5d4xzsb77ixhyqwumhz244"),
                       &cid, NULL),
        ERR_OK);
    assert_int_equal(
        peer_id_parse(
            SPAN_LITERAL("k51qzi5uqu5dh71qgwangrt6r0nd4094i88nsady6qgd1dhjcyfsaqmpp143ab"), &name,
            NULL),
        ERR_OK);
    size_t size = routing_providers_request(server, &cid, out);
    out[size] = 0;
    assert_non_null(strstr(out,
                           "GET /routing/v1/providers/bafkreidfdrlkeq4m4xnxuyx6iae76fdm4wgl5d4xz"
                           "sb77ixhyqwumhz244 HTTP/1.1\r\nHost: router.local\r\n"
                           "Accept: application/x-ndjson, application/json\r\n"));
    size = routing_name_request(server, &name, out);
    out[size] = 0;
    assert_non_null(strstr(out,
                           "GET /routing/v1/ipns/k51qzi5uqu5dh71qgwangrt6r0nd4094i88nsady6qgd1dh"
                           "jcyfsaqmpp143ab HTTP/1.1\r\n"));
    assert_non_null(strstr(out, "\r\nAccept: application/vnd.ipfs.ipns-record\r\n"));
    size = gateway_block_request(server, &cid, out);
    out[size] = 0;
    assert_non_null(strstr(out,
                           "GET /ipfs/bafkreidfdrlkeq4m4xnxuyx6iae76fdm4wgl5d4xzsb77ixhyqwumhz244"
                           "?format=raw HTTP/1.1\r\n"));
    size = gateway_probe_request(server, out);
    out[size] = 0;
    assert_non_null(strstr(out, "GET /ipfs/bafkqaaa?format=raw HTTP/1.1\r\n"));
    // The longest host fits.
    memset(host, 'a', sizeof host);
    size = routing_providers_request(span_of(host, 261), &cid, out);
    assert_true(size < ROUTING_REQUEST_BYTES && memcmp(out + size - 4, "\r\n\r\n", 4) == 0);
}

static void web_addresses_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *name;
        enum web_host kind;
        u16 port;
    } good[] = {
        {"http://router.example", "router.example", "router.example", WEB_HOST_NAME, 80},
        {"http://router.example/", "router.example", "router.example", WEB_HOST_NAME, 80},
        {"http://a-b_c.9:65535", "a-b_c.9:65535", "a-b_c.9", WEB_HOST_NAME, 65535},
        {"http://10.0.0.1:8080/", "10.0.0.1:8080", "", WEB_HOST_IP4, 8080},
        {"http://[::1]", "[::1]", "", WEB_HOST_IP6, 80},
        {"http://[2001:db8::1]:1", "[2001:db8::1]:1", "", WEB_HOST_IP6, 1},
    };
    static const char *const bad[] = {
        "",           "http",           "http://",        "http:///",        "router.example",
        "ftp://a",    "http://a/b",     "http://a:",      "http://a:0",      "http://a:65536",
        "http://a:x", "http://u@a",     "http://a?b",     "http://a#b",      "http://a b",
        "http://[::", "http://[::]a",   "http://a:1:2",   "http://[a]",      "http://a\r\nb",
        "http://:80", "http://[::1]:a", "http://a:00000", "http://\xc3\xa9",
    };
    struct web_address address;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_int_equal(web_address_parse(span_string(good[i].text), &address, NULL), ERR_OK);
        assert_true(span_equal(address.host, span_string(good[i].host)));
        assert_int_equal(address.kind, good[i].kind);
        assert_int_equal(address.port, good[i].port);
        assert_true(span_equal(address.name, span_string(good[i].name)));
    }
    assert_int_equal(web_address_parse(SPAN_LITERAL("http://1.2.3.4"), &address, NULL), ERR_OK);
    assert_memory_equal(address.ip, "\1\2\3\4", 4);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(web_address_parse(span_string(bad[i]), &address, NULL), ERR_MALFORMED);
    }
    assert_int_equal(web_address_parse(SPAN_LITERAL("https://a"), &address, NULL), ERR_UNSUPPORTED);
    char longest[WEB_ADDRESS_BYTES + 2] = "http://";
    memset(longest + 7, 'a', sizeof longest - 7);
    assert_int_equal(web_address_parse(span_of(longest, WEB_ADDRESS_BYTES), &address, NULL),
                     ERR_OK);
    assert_int_equal(web_address_parse(span_of(longest, WEB_ADDRESS_BYTES + 1), &address, NULL),
                     ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_are_read),
        cmocka_unit_test(broken_answers_are_refused),
        cmocka_unit_test(requests_are_those_of_the_specifications),
        cmocka_unit_test(web_addresses_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
