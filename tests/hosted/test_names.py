# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that are keys: published in one home, run from another."""
import contextlib
import ctypes
import ctypes.util
import os
import re
import socket
import time

from harness import expect, expect_good, expect_refused, test
from test_grants import Terminal
from test_p2p import ABSENT, add, eventually, finish, home, serving

ONCE = "this asks for p2p-loader's logic; whether its code runs right in each mode, test_p2p.py asks"


def guest(world, name):
    with open(world.guest(name), "rb") as file:
        return file.read()


def publish(world, *words):
    ended = world.run("publish", *words)
    expect_good(ended)
    name = ended.out.decode().strip()
    expect(re.fullmatch(r"[a-z0-9-]+@k51\w+", name) is not None, True, name)
    return name


def seen(world):
    with open(os.path.join(world.home, "store", "records", "names"), "rb") as file:
        return file.read()


@test
def names_follow_their_owner(world):
    giver, taker = home(world, "giver"), home(world, "taker")
    first, second = add(giver, guest(giver, "keep")), add(giver, guest(giver, "inspector"))
    name = publish(giver, "tool", second)
    with serving(giver) as node:
        ended = taker.run("run", "--peer", node.address, name)
        expect((ended.code, b"p2p-loader" in ended.out), (0, True), ended)
        old = seen(taker)
        # Again with nobody to ask: it is known, and in the store.
        expect(taker.run("run", name).code, 0)
        expect(publish(giver, "tool", first), name)

        def newest():
            taker.run("run", "--peer", node.address, name)
            return None if seen(taker) == old else seen(taker)

        expect(eventually(newest) is not None, True, "the second record is heard of")
    new = seen(taker)
    # The old record does not come back, though its signature is right.
    with open(os.path.join(giver.home, "store", "records", "names"), "wb") as file:
        file.write(old.replace(b"seen ", b"mine "))
    with serving(giver) as node:
        taker.run("run", "--peer", node.address, name)
    expect(seen(taker), new)
    taker.run("run", name)
    expect(seen(taker), new)


def number(value):
    """As varint of protobuf."""
    data = b""
    while value > 127:
        data, value = data + bytes([value & 127 | 128]), value >> 7
    return data + bytes([value])


def cbor(kind, value):
    if value < 24:
        return bytes([kind << 5 | value])
    size = next(size for size in (1, 2, 4, 8) if value < 1 << 8 * size)
    return bytes([kind << 5 | 24 + size.bit_length() - 1]) + value.to_bytes(size, "big")


def ipns(seed, value, sequence, valid_until):
    """A record that the key signed."""
    fields = {b"TTL": cbor(0, 10**9), b"Value": cbor(2, len(value)) + value, b"Sequence": cbor(0, sequence),
              b"Validity": cbor(2, len(valid_until)) + valid_until, b"ValidityType": cbor(0, 0)}
    data = cbor(5, len(fields)) + b"".join(cbor(3, len(key)) + key + field for key, field in fields.items())
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    public, secret, signature = (ctypes.create_string_buffer(size) for size in (32, 64, 64))
    sodium.crypto_sign_seed_keypair(public, secret, seed)
    signed = b"ipns-signature:" + data
    sodium.crypto_sign_detached(signature, None, signed, ctypes.c_ulonglong(len(signed)), secret)
    return b"".join(number(field << 3 | 2) + number(len(part)) + part
                    for field, part in ((8, signature.raw), (9, data)))


def sequence_of(line):
    """Of a record in the list of names."""
    data = bytes.fromhex(line.split()[2].decode())
    at = data.index(b"hSequence") + 9
    size = max(0, (data[at] & 31) - 23)
    return data[at] if size == 0 else int.from_bytes(data[at + 1:at + 1 + (1 << size - 1)], "big")


def record_path(world, name):
    folder = os.path.join(world.home, "store", "records")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.path.join(folder, name)


def record_write(world, name, data):
    with open(os.open(record_path(world, name), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)


@test
def names_have_one_key_and_one_order(world):
    """Published by several at once: each has the same key, and a number of its own."""
    cid = add(world, guest(world, "keep"))
    for name in "one", "two":
        with contextlib.ExitStack() as stack:
            running = [stack.enter_context(world.running("publish", name, cid)) for _ in range(6)]
            printed = {process.communicate()[0] for process in running}
        expect(len(printed), 1, printed)
    expect(sorted(sequence_of(line) for line in seen(world).splitlines()), [6, 6])


@test
def names_have_a_node_with_one_identity(world):
    """Those that begin at once in a new home are one peer."""
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(world.running("serve", "--listen", "/ip4/127.0.0.1/tcp/0")) for _ in range(4)]
        printed = {node.stdout.readline().split(b"/")[-1] for node in nodes}
    expect(len(printed), 1, printed)


@test
def names_of_others_are_all_kept(world):
    """Several are resolved in one home at once, and others published there."""
    giver, taker = home(world, "giver"), home(world, "taker")
    cid = add(giver, guest(giver, "inspector"))
    add(taker, guest(taker, "inspector"))
    names = [publish(giver, f"tool{n}", cid) for n in range(6)]
    with serving(giver) as node, contextlib.ExitStack() as stack:
        running = [stack.enter_context(taker.running("run", "--peer", node.address, name)) for name in names]
        mine = [publish(taker, f"mine{n}", cid) for n in range(6)]
        for process in running:
            process.communicate()
            expect(process.returncode, 0)
    lines = seen(taker).decode().splitlines()
    expect(sorted(line.split()[1] for line in lines), sorted(name.split("@")[1] for name in names + mine))


@test
def names_that_expired_do_not_go_back(world):
    """The newest was seen and is no longer valid; an older one that still is stays away."""
    giver, taker = home(world, "giver"), home(world, "taker")
    cid = add(giver, guest(giver, "inspector"))
    name = publish(giver, "tool", cid)
    with open(record_path(giver, "key-tool"), "rb") as file:
        seed = file.read()
    expired = ipns(seed, b"/ipfs/" + cid.encode(), 7, b"2026-01-01T00:00:00Z")
    record_write(taker, "names", b"seen %s %s\n" % (name.split("@")[1].encode(), expired.hex().encode()))
    known = seen(taker)
    expect_refused(taker.run("run", name), 66, "no longer valid")
    with serving(giver) as node:
        expect_refused(taker.run("run", "--peer", node.address, name), 66, "no longer valid")
        expect(seen(taker), known)
    # One with a higher number, valid again, is taken.
    value = re.search(rb"/ipfs/b[a-z2-7]{58}", bytes.fromhex(seen(giver).split()[2].decode())).group()
    newest = ipns(seed, value, 8, b"2099-01-01T00:00:00Z")
    record_write(giver, "names", seen(giver).rsplit(b" ", 1)[0] + b" " + newest.hex().encode() + b"\n")
    with serving(giver) as node:
        expect(taker.run("run", "--peer", node.address, name).code, 0)


@test
def names_say_what_a_program_wants(world):
    cid = add(world, guest(world, "inspector"))
    publish(world, "--version", "1.2", "tool", cid)
    blocks = [line.split()[0] for line in world.run("ls").out.decode().splitlines()]
    manifests = [world.run("get", name).out for name in blocks]
    manifest = next(data for data in manifests if b"interfaces" in data and b"signature" in data)
    for word in b"redshirt:kernel/inspect", b"redshirt:io/stdio", b"1.2", b"tool":
        expect(word in manifest, True, word)


@test
def names_tell_whoever_is_asked(world):
    """The question about a grant says what the publisher says."""
    world.answers = ()
    name = publish(world, "--version", "1.2", "tool", add(world, guest(world, "crypto")))
    terminal = Terminal(world, "run", name)
    terminal.until(rb"(?s)wants to use redshirt:io/crypto\..*published as tool, version 1.2, by k51\w+; it is said to "
                   rb"want [^\n]*redshirt:io/crypto.*n \(no\): ")
    expect(b"not among them" in terminal.seen, False, terminal.seen)
    terminal.type(b"o\n")
    expect(terminal.end()[0], 0)


@test
def names_are_taken_back_and_mistaken(world):
    cid = add(world, guest(world, "inspector"))
    name = publish(world, "tool", cid)
    expect(world.run("run", name).code, 0)
    expect_refused(world.run("run", "other@" + name.split("@")[1]), 66, "this key is that of \"tool\"")
    publish(world, "--yank", cid + "=it eats files", "tool", cid)
    expect_refused(world.run("run", name), 67, "taken back", "it eats files")
    other = add(world, guest(world, "keep"))
    publish(world, "tool", other)
    expect_refused(world.run("run", "tool@k51nothing"), 67)
    stranger = home(world, "stranger")
    expect_refused(stranger.run("run", name), 66, "nobody has said")
    expect_refused(stranger.run("run", "--peer", "/ip4/127.0.0.1/tcp/9", name), 66, "nobody")
    expect_refused(world.run("publish", "Tool", cid), 64, "small letters")
    expect_refused(world.run("publish", "tool", ABSENT), 66)
    expect_refused(world.run("publish", "tool", "nonsense"), 67)
    expect_refused(world.run("publish", "tool"), 64)


@test
def names_stay_taken_back_where_a_block_is_lost(world):
    """Who took it back stands in the manifest before: without that nothing is published."""
    first, second = add(world, guest(world, "inspector")), add(world, guest(world, "keep"))
    name = publish(world, "tool", first)
    publish(world, "--yank", first + "=it eats files", "tool", second)
    before = seen(world)
    manifest = re.search(r"b[a-z2-7]{58}", bytes.fromhex(before.split()[2].decode()).decode("latin-1")).group()
    path = next(os.path.join(folder, manifest) for folder, _, files in os.walk(world.path("store"))
                if manifest in files)
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.seek(20)
        file.write(b"X")
    expect_refused(world.run("publish", "tool", first), 68, "nothing is published", "--forget-yanks", manifest)
    os.remove(path)
    expect_refused(world.run("publish", "tool", first), 66, "nothing is published", "--peer")
    expect(seen(world), before)
    publish(world, "--forget-yanks", "tool", first)
    expect(world.run("run", name).code, 0)


@test
def names_whose_number_is_lost_are_not_published(world):
    cid = add(world, guest(world, "keep"))
    name = publish(world, "tool", cid)
    publish(world, "tool", cid)
    whole = seen(world)
    for damaged in (whole.replace(b"mine ", b"mone "), whole.replace(b"k51", b"k52"), whole[:-3] + b"\n",
                    whole[:100] + (b"0" if whole[100:101] != b"0" else b"1") + whole[101:]):
        record_write(world, "names", damaged)
        expect_refused(world.run("publish", "tool", cid), 68, "nothing is published", "records/names is damaged")
        expect(seen(world), damaged)
    publish(world, "other", cid)  # a new one has no number to lose
    record_write(world, "names", whole)
    expect(publish(world, "tool", cid), name)
    expect(sequence_of(seen(world)), 3)


@test
def names_that_were_seen_go_where_the_list_is_full(world):
    """What is kept is at most a record: the oldest that was seen goes, and none of the user's own."""
    giver, taker = home(world, "giver"), home(world, "taker")
    cid = add(giver, guest(giver, "inspector"))
    add(taker, guest(taker, "inspector"))
    name = publish(giver, "tool", cid)
    mine = publish(taker, "mine", cid)
    own = seen(taker)
    old = b"seen k51qzi5uqu5dgp9ji5wsl8hs5dvdcvhld70tccmt8jti0z8vbio5px6nie6iw6 " + b"0" * 2000 + b"\n"
    record_write(taker, "names", own + old + b"seen other " + b"0" * (262144 - len(own) - len(old) - 12) + b"\n")
    expect(os.path.getsize(record_path(taker, "names")), 262144)
    with serving(giver) as node:
        expect(taker.run("run", "--peer", node.address, name).code, 0)
    expect([line.split()[1].decode() for line in seen(taker).splitlines()][0::2],
           [mine.split("@")[1], name.split("@")[1]])


@test
def names_beyond_those_that_are_told_are_counted(world):
    """32 are given to who asks; with one more it is said."""
    cid = add(world, guest(world, "keep"))
    for n in range(32):
        publish(world, f"tool{n}", cid)
    with serving(world) as node:
        time.sleep(0.5)
        node.terminate()
        expect(b"names are published" in finish(node).err, False)
    publish(world, "tool32", cid)
    with serving(world) as node:
        time.sleep(0.5)
        node.terminate()
        told = finish(node).err
        expect(b"33 names are published here; 32 of them are given" in told, True, told)


@test
def names_are_published_with_options_anywhere(world):
    cid = add(world, guest(world, "inspector"))
    name = publish(world, "tool", cid, "--version", "7")
    expect(publish(world, "tool", "--yank", cid + "=old", cid), name)
    expect_refused(world.run("publish", "tool", cid, "--version"), 64, "--version wants")
    expect_refused(world.run("publish", "tool", cid, "--what"), 64, "no option")
    expect_refused(world.run("publish", "tool", cid, "more"), 64, "more")
    expect_refused(world.run("publish", "tool", ABSENT), 66, "redshirt add", "--peer")
    expect_refused(world.run("publish", "tool", "foo"), 67, "not a CID")


@test
def names_without_a_key_are_told_so(world):
    for text in ("tool@", "tool@k51qzi5uqu5", "@key"):
        ended = world.run("run", text)
        expect((ended.code, b"behind @ is no key" in ended.err), (67, True), ended)


@test
def names_are_told_to_neighbours(world):
    """Published and served on one node, known by its neighbour, run on a third that knows the neighbour alone."""
    giver, middle, taker = home(world, "giver"), home(world, "middle"), home(world, "taker")
    first, second = add(giver, guest(giver, "inspector")), add(giver, guest(giver, "keep"))
    name = publish(giver, "tool", first)
    with serving(middle) as neighbour:
        with serving(giver, "--listen", "/ip4/127.0.0.1/tcp/0", "--peer", neighbour.address):

            def ran():
                ended = taker.run("run", "--peer", neighbour.address, name)
                return ended if ended.code == 0 else None

            ended = eventually(ran)
            expect(ended is not None and b"p2p-loader" in ended.out, True, ended)
            told = taker.run("why", first).out.decode()
            expect(neighbour.address.split("/")[-1] in told, False, told)  # it had the record and not the bytes
            old = seen(taker)
            publish(giver, "tool", second)

            def newest():
                taker.run("run", "--peer", neighbour.address, name)
                return None if seen(taker) == old else seen(taker)

            expect(eventually(newest) is not None, True, "what is published later is told, too")
        # Who published has gone; the record stays with its neighbour.
        other = home(world, "other")
        ended = other.run("run", "--peer", neighbour.address, name)
        expect(b"has its block" in ended.err or b"nobody has it" in ended.err, True, ended)


@test
def names_bring_providers(world):
    """What is pinned is found through a node that has it not."""
    giver, middle, taker = home(world, "giver"), home(world, "middle"), home(world, "taker")
    cids = [add(giver, b"file %d" % n) for n in range(5)]
    with serving(middle) as neighbour:
        # All addresses of this machine: which of them others use, the connection tells.
        with serving(giver, "--listen", "/ip4/0.0.0.0/tcp/0", "--peer", neighbour.address):
            for n, cid in enumerate(cids):
                found = eventually(lambda cid=cid: taker.run("get", cid, "--peer", neighbour.address).out)
                expect(found, b"file %d" % n)
            late = add(giver, b"pinned while it serves")
            found = eventually(lambda: taker.run("get", late, "--peer", neighbour.address).out)
            expect(found, b"pinned while it serves")


@test
def names_end_where_a_peer_never_speaks(world):
    """It takes connections and says nothing: it is waited for once, and not for ever."""
    key = world.run("publish", "tool", add(world, guest(world, "keep"))).out.decode().strip()
    with socket.create_server(("127.0.0.1", 0)) as hole:
        address = f"/ip4/127.0.0.1/tcp/{hole.getsockname()[1]}"
        ended = home(world, "taker").run("run", "--peer", address, key)
        expect_refused(ended, 66, "nobody can be asked")
