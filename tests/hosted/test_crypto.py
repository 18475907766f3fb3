# SPDX-License-Identifier: GPL-3.0-or-later
"""The device crypto, and lib/p2p as a program that uses it."""
import os

from harness import expect, expect_good, is_sanitized, test


@test
def crypto_computes_and_refuses(world):
    ended = world.run("run", world.guest("crypto"))
    expect([line for line in ended.out.splitlines() if not line.startswith(b"ok ")], [], ended)
    expect_good(ended)
    expect(len(ended.out.splitlines()) > 40, True, ended)


@test
def crypto_bounds_the_keys_of_a_process(world):
    # By two bonds in turns; and they are gone with it, or the third would have none left.
    for _ in range(3):
        ended = world.run("run", world.guest("crypto"), "keys")
        expect(ended.out.splitlines()[-1], b"4096 keys", ended)


@test
def crypto_carries_connections_of_a_program(world):
    for size in "0", "1", "300000" if is_sanitized(world) else "5000000":
        ended = world.run("run", world.guest("p2p"), size)
        expect_good(ended, b"identified\nechoed\n")


@test
def keep_answers_nobody_it_was_not_told_of(world):
    ended = world.run("run", world.guest("keep"))
    expect_good(ended, b"E_DENIED\n" * 6)
    expect(os.path.exists(world.path("store/records")), False)
