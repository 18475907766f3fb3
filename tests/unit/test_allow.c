// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/test_allow.c: limits on hosts and ports, against who spells his way around them.
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/kernel/device.h"
#include "core/kernel/limits.h"
#include "machines/hosted/allow.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above before it
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What the kernel would say of a client.
static u8 told[KERNEL_LIMITS_BYTES];
static size_t told_size;

enum err kernel_device_limits(struct kernel_device *device, u64 client, u8 *to, size_t *size)
{
    (void)device;
    memcpy(to, told, told_size);
    *size = told_size;
    return client == 666 ? ERR_NOT_FOUND : ERR_OK;
}

static struct net_endpoint at(const char *address, u16 port)
{
    struct net_endpoint out = {.port = port};
    u8 bytes[16];
    char text[64];
    snprintf(text, sizeof text, "%s", address);
    char *scope = strchr(text, '%');
    if (scope != NULL) {
        *scope++ = 0;
    }
    if (inet_pton(AF_INET, text, bytes) == 1) {
        out.address.kind = NET_ADDRESS_IPV4;
        out.address.as.ipv4 = mem_load_u32(bytes);
        return out;
    }
    assert_int_equal(inet_pton(AF_INET6, text, bytes), 1);
    out.address.kind = NET_ADDRESS_IPV6;
    out.address.as.ipv6.first = mem_load_u64(bytes);
    out.address.as.ipv6.second = mem_load_u64(bytes + 8);
    out.address.as.ipv6.scope = scope == NULL ? 0 : (u32)atoi(scope);
    return out;
}

static const struct allow *parsed(const char *text)
{
    static struct allow allow;
    struct report report = {0};
    if (allow_parse(span_string(text), &allow, &report) != ERR_OK) {
        fail_msg("%s: %s at %d", text, report.text, (int)report.offset);
    }
    return &allow;
}

static bool connects(const char *limit, const char *address, u16 port)
{
    struct net_endpoint to = at(address, port);
    return allow_connect(parsed(limit), 7, &to);
}

static bool listens(const char *limit, const char *address, u16 port)
{
    struct net_endpoint to = at(address, port);
    return allow_listen(parsed(limit), &to);
}

static void ports_and_addresses(void **state)
{
    (void)state;
    assert_true(connects("connect:127.0.0.1:80", "127.0.0.1", 80));
    assert_false(connects("connect:127.0.0.1:80", "127.0.0.1", 81));
    assert_false(connects("connect:127.0.0.1:80", "127.0.0.2", 80));
    assert_false(connects("listen:80", "127.0.0.1", 80));
    assert_false(listens("connect:*:*", "127.0.0.1", 80));
    assert_true(connects("listen:1,connect:10.0.0.0/8:80-90", "10.255.3.4", 90));
    assert_false(connects("connect:10.0.0.0/8:80-90", "11.0.0.1", 85));
    assert_false(connects("connect:10.0.0.0/8:80-90", "10.0.0.1", 91));
    assert_true(connects("connect:10.20.0.0/13:*", "10.23.1.1", 1));
    assert_false(connects("connect:10.20.0.0/13:*", "10.24.1.1", 1));
    assert_true(connects("connect:0.0.0.0/0:*", "8.8.8.8", 53));
    assert_false(connects("connect:0.0.0.0/0:*", "2001:db8::1", 53));
    assert_true(connects("connect:*:443", "2001:db8::1", 443));
    assert_true(listens("listen:8080", "0.0.0.0", 8080));
    assert_true(listens("listen:127.0.0.1:8080", "127.0.0.1", 8080));
    assert_false(listens("listen:127.0.0.1:8080", "0.0.0.0", 8080));
    assert_false(listens("listen:8080", "127.0.0.1", 0)); // any free one
    assert_true(listens("listen:127.0.0.1:*", "127.0.0.1", 0));
}

static void spellings_of_ipv6(void **state)
{
    (void)state;
    assert_true(connects("connect:127.0.0.1:80", "::ffff:127.0.0.1", 80)); // it is the same
    assert_false(connects("connect:10.0.0.1:80", "::ffff:127.0.0.1", 80));
    assert_false(connects("connect:10.0.0.1:80", "::10.0.0.1", 80)); // this is not
    assert_false(connects("connect:[::]/1:80", "::ffff:127.0.0.1", 80) &&
                 !connects("connect:[::]/1:80", "::1", 80));
    assert_true(connects("connect:[2001:db8::1]:80", "2001:db8:0:0:0:0:0:1", 80));
    assert_true(connects("connect:[2001:db8::]/32:80", "2001:db8:ffff::1", 80));
    assert_false(connects("connect:[2001:db8::]/32:80", "2001:db9::1", 80));
    assert_true(connects("connect:[fe80::1%2]:80", "fe80::1%2", 80));
    assert_false(connects("connect:[fe80::1%2]:80", "fe80::1%3", 80));
    assert_false(connects("connect:[fe80::1%2]:80", "fe80::1", 80));
    assert_false(connects("connect:[fe80::1]:80", "fe80::1%3", 80));
    assert_true(connects("connect:[2001:db8::1]:80", "2001:db8::1%9", 80)); // means nothing there
    // The host takes a connection to no address as one to this machine.
    assert_false(connects("connect:10.0.0.1:80", "0.0.0.0", 80));
    assert_true(connects("connect:127.0.0.1:80", "0.0.0.0", 80));
    assert_true(connects("connect:127.0.0.1:80", "::ffff:0.0.0.0", 80));
    assert_true(connects("connect:[::1]:80", "::", 80));
    assert_false(connects("connect:[::]:80", "::1", 80));
}

static void resolve(u64 owner, const char *name, const char *address)
{
    struct net_endpoint found = at(address, 0);
    resolved_add(owner, name, &found.address);
}

static void names_are_what_they_turned_out_to_be(void **state)
{
    (void)state;
    const char *limit = "connect:Good.Example:443";
    assert_false(connects(limit, "93.184.216.34", 443)); // not asked for yet
    resolve(7, "good.EXAMPLE.", "93.184.216.34");
    assert_true(connects(limit, "93.184.216.34", 443));
    assert_true(connects(limit, "::ffff:93.184.216.34", 443));
    assert_false(connects(limit, "93.184.216.34", 80));
    assert_false(connects(limit, "93.184.216.35", 443));
    resolve(7, "bad.example", "93.184.216.35");
    assert_false(connects(limit, "93.184.216.35", 443)); // another name's
    resolve(8, "good.example", "93.184.216.36");
    assert_false(connects(limit, "93.184.216.36", 443)); // another process's
}

// Whoever answers for a name says that it is a machine near us.
static void names_do_not_rebind(void **state)
{
    (void)state;
    static const char *const near[] = {"127.0.0.1",
                                       "127.9.9.9",
                                       "0.0.0.0",
                                       "10.1.1.1",
                                       "172.16.0.1",
                                       "172.31.0.1",
                                       "192.168.1.1",
                                       "169.254.1.1",
                                       "100.64.0.1",
                                       "224.0.0.1",
                                       "255.255.255.255",
                                       "::1",
                                       "::",
                                       "fe80::1",
                                       "fec0::1",
                                       "fc00::1",
                                       "fdff::1",
                                       "::ffff:127.0.0.1",
                                       "::ffff:192.168.0.1",
                                       "::127.0.0.1",
                                       "ff02::1"};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        resolve(7, "evil.example", near[i]);
        assert_false(connects("connect:evil.example:*", near[i], 80));
    }
    static const char *const far[] = {"172.32.0.1", "8.8.8.8", "100.128.0.1", "2001:db8::1"};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        resolve(7, "evil.example", far[i]);
        assert_true(connects("connect:evil.example:*", far[i], 80));
    }
    resolve(7, "localhost", "127.0.0.1");
    assert_true(connects("connect:localhost:80", "127.0.0.1", 80)); // that is what it says
}

static void limits_of_what_was_resolved(void **state)
{
    (void)state;
    char address[32];
    resolve(9, "first.example", "8.8.8.8");
    struct net_endpoint to = at("8.8.8.8", 1);
    const struct allow *limit = parsed("connect:first.example:*");
    for (u32 i = 1; i < HOSTED_OWNER_RESOLVED; i++) {
        snprintf(address, sizeof address, "9.0.%u.1", i);
        resolve(9, "other.example", address);
    }
    assert_true(allow_connect(limit, 9, &to));
    resolve(9, "other.example", "9.1.1.1");
    assert_false(allow_connect(limit, 9, &to)); // its own oldest has gone
    resolve(9, "first.example", "8.8.8.8");
    for (u32 i = 0; i < HOSTED_RESOLVED; i++) {
        resolve(100 + i, "other.example", "9.1.1.1");
    }
    assert_false(allow_connect(limit, 9, &to));
}

static void expect_refused(const char *text, enum err err, u32 offset)
{
    static struct allow allow;
    struct report report = {0};
    assert_int_equal(allow_parse(span_string(text), &allow, &report), err);
    if (report.offset != offset) {
        fail_msg("%s: %s at %d", text, report.text, (int)report.offset);
    }
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    expect_refused("", ERR_MALFORMED, 0);
    expect_refused("connect", ERR_MALFORMED, 0);
    expect_refused("connect:80", ERR_MALFORMED, 10);
    expect_refused("connect:a:80,", ERR_MALFORMED, 13);
    expect_refused("connect:a:80x", ERR_MALFORMED, 12);
    expect_refused("connect:a:65536", ERR_MALFORMED, 14);
    expect_refused("connect:a:0", ERR_MALFORMED, 11);
    expect_refused("connect:a:9-8", ERR_MALFORMED, 13);
    expect_refused("connect:1.2.3:80", ERR_MALFORMED, 13);
    expect_refused("connect:1.2.3.4/33:80", ERR_MALFORMED, 17);
    expect_refused("connect:a/8:80", ERR_MALFORMED, 9);
    expect_refused("connect:[::1:80", ERR_MALFORMED, 15);
    expect_refused("connect:[::1%2]:80", ERR_MALFORMED, 15);
    expect_refused("connect:[::ffff:1.2.3.4]:80", ERR_MALFORMED, 24);
    expect_refused("listen:name:80", ERR_MALFORMED, 11);
    expect_refused("connect:a\x01:80", ERR_MALFORMED, 10);
    char many[HOSTED_ALLOW_PARTS * 10 + 16] = "listen:1";
    static struct allow allow;
    for (u32 i = 1; i < HOSTED_ALLOW_PARTS; i++) {
        strcat(many, ",listen:1");
    }
    assert_int_equal(allow_parse(span_string(many), &allow, NULL), ERR_OK);
    assert_int_equal(allow.count, HOSTED_ALLOW_PARTS);
    strcat(many, ",listen:1");
    assert_int_equal(allow_parse(span_string(many), &allow, NULL), ERR_LIMIT);
}

static void tell(u32 count, const char *const *limits)
{
    struct wire_writer out = wire_writer_over(told, sizeof told);
    wire_write_u32(&out, count);
    for (u32 i = 0; i < count; i++) {
        wire_write_bytes(&out, span_string(limits[i]));
    }
    told_size = out.size;
}

static void all_limits_of_a_client_hold(void **state)
{
    (void)state;
    struct allow_table table = {0};
    struct net_endpoint both = at("127.0.0.1", 80);
    struct net_endpoint one = at("127.0.0.1", 81);
    tell(2, (const char *const[]){"connect:127.0.0.1:80-90", "connect:*:80"});
    const struct allow_client *client = allow_client(&table, NULL, 1);
    assert_true(allow_client_connect(client, &both));
    assert_false(allow_client_connect(client, &one));
    assert_false(allow_client_listen(client, &both));
    tell(0, NULL);
    assert_ptr_equal(allow_client(&table, NULL, 1), client); // asked once
    assert_true(allow_client_connect(allow_client(&table, NULL, 257), &one));
    allow_gone(&table, 1);
    assert_true(allow_client_connect(allow_client(&table, NULL, 1), &one));
    allow_gone(&table, 5); // nobody
    tell(1, (const char *const[]){"nonsense"});
    assert_false(allow_client_connect(allow_client(&table, NULL, 2), &both));
    assert_null(allow_client(&table, NULL, 666));
    assert_false(allow_client_connect(NULL, &both));
    tell(1, (const char *const[]){"connect:8.8.8.8:53"});
    client = allow_client(&table, NULL, 3);
    struct net_endpoint any = at("0.0.0.0", 0);
    assert_true(allow_client_open(client, &any));
    assert_false(allow_client_open(client, &both));
    allow_table_drop(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_and_addresses),
        cmocka_unit_test(spellings_of_ipv6),
        cmocka_unit_test(names_are_what_they_turned_out_to_be),
        cmocka_unit_test(names_do_not_rebind),
        cmocka_unit_test(limits_of_what_was_resolved),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(all_limits_of_a_client_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
