# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices tcp, udp and dns, with this process as the other side."""
import signal
import socket
import struct
import subprocess
import threading
import time

from harness import (FAMILIES, Skip, connect, expect, expect_good, finish, line, listen, needs_ipv6,
                     port_of, read_all, resident_kib, test)

MIB = 1 << 20


def each_family():
    yield "4"
    needs_ipv6()
    yield "6"


@test
def tcp_client_closes_its_half_and_reads_on(world):
    for family in each_family():
        listener, port = listen(family)
        with world.running(*world.probe("client", family, str(port), "ping")) as process:
            connection, _ = listener.accept()
            expect(read_all(connection), b"ping", "up to the client's shutdown")
            connection.sendall(b"pong, after the shutdown")
            connection.close()
            ended = finish(process)
        expect_good(ended, b"shutdown: ok\npong, after the shutdown\nread 24 bytes\n")


@test
def tcp_server_reads_to_the_end_and_answers(world):
    for family in each_family():
        with world.running(*world.probe("server", family)) as process:
            connection = connect(family, port_of(process))
            local = connection.getsockname()[1]
            connection.sendall(bytes(MIB))
            connection.shutdown(socket.SHUT_WR)
            expect(read_all(connection), f"got {MIB} bytes from port {local}".encode())
            expect_good(finish(process))


@test
def tcp_echo_of_many_bytes(world):
    data = bytes(range(256)) * (4 * MIB // 256)
    with world.running("run", world.guest("echo_tcp")) as process:
        connection = connect("4", port_of(process))
        sender = threading.Thread(
            target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
        sender.start()
        echoed = read_all(connection)
        sender.join()
        expect(echoed == data, True, f"{len(echoed)} bytes")


@test
def tcp_reads_are_answered_in_order(world):
    listener, port = listen("4")
    with world.running(*world.probe("order", "4", str(port))) as process:
        connection, _ = listener.accept()
        expect(line(process), "ready")
        connection.sendall(b"aaaabbbbccccdddd")
        ended = finish(process)
    expect_good(ended, b"aaaa\nbbbb\ncccc\ndddd\n")


@test
def tcp_accepts_are_answered_in_order(world):
    with world.running(*world.probe("accepts", "4")) as process:
        port = port_of(process)
        connections = [connect("4", port) for _ in range(5)]
        wanted = [f"peer {c.getsockname()[1]}" for c in connections]
        ended = finish(process)
    expect_good(ended)
    expect(ended.out.decode().splitlines(), wanted)


@test
def tcp_many_connections_at_once(world):
    listener, port = listen("4")
    count = 500

    def serve():
        connections = [listener.accept()[0] for _ in range(count)]
        for connection in connections:
            connection.sendall(connection.recv(1))

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    expect_good(world.run(*world.probe("many", "4", str(port), str(count))),
                f"echoed {count}\n".encode())


@test
def tcp_a_program_that_does_not_read_buffers_nothing(world):
    listener, port = listen("4")
    with world.running(*world.probe("deaf", "4", str(port))) as process:
        connection, _ = listener.accept()
        expect(line(process), "deaf")
        before, _ = resident_kib(process)
        connection.settimeout(1.0)
        sent = 0
        try:
            while sent < 256 * MIB:
                sent += connection.send(bytes(MIB))
        except socket.timeout:
            pass
        after, most = resident_kib(process)
        if sent >= 64 * MIB or most - before > 8 * 1024:
            raise AssertionError(f"{sent} bytes were taken, memory {before} to {most} KiB")
        process.stdin.write(b"\n")
        process.stdin.flush()
        connection.settimeout(60)
        connection.shutdown(socket.SHUT_WR)
        ended = finish(process)
    expect(ended.code, 0, ended)
    expect(ended.out, f"read {sent} bytes\n".encode())


@test
def tcp_a_peer_that_does_not_read_stops_the_writer(world):
    listener, port = listen("4")
    with world.running(*world.probe("flood", "4", str(port), "64")) as process:
        connection, _ = listener.accept()
        expect(line(process), "flooding")
        time.sleep(1.5)
        expect(process.poll(), None, "it waits")
        _, most = resident_kib(process)
        if most > 400 * 1024:  # sanitizers need most of it
            raise AssertionError(f"{most} KiB")
        connection.settimeout(60)
        count = 0
        while count < 64 * MIB:
            count += len(connection.recv(1 << 20))
        ended = finish(process)
    expect_good(ended, f"wrote {64 * MIB} bytes\n".encode())


@test
def tcp_a_reset_is_an_error_of_the_interface(world):
    listener, port = listen("4")
    with world.running(*world.probe("client", "4", str(port), "x")) as process:
        connection, _ = listener.accept()
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        ended = finish(process)
    expect(ended.code, 1, ended)
    expect(b"read: reset" in ended.out, True, ended)


@test
def tcp_sockets_of_a_dead_program_close(world):
    listener, port = listen("4")
    with world.running("run", "--workers", "2", world.guest("probe"), "die", "4",
                       str(port)) as process:
        connection, _ = listener.accept()
        own = port_of(process)
        connect("4", own).close()
        process.stdin.write(b"\n")
        process.stdin.flush()
        connection.settimeout(10)
        try:
            expect(connection.recv(10), b"", "the peer of a dead program")
        except ConnectionResetError:
            pass
        ended = finish(process)
        expect(ended.code, 134, ended)
        try:
            connect("4", own)
            raise AssertionError("the listener of a dead program still listens")
        except ConnectionRefusedError:
            pass


@test
def tcp_errors_are_values(world):
    for family in each_family():
        listener, port = listen(family)
        closed, nobody = listen(family)
        closed.close()
        ended = world.run(*world.probe("errors", family, str(port), str(nobody)))
        expect_good(ended)
        expect(ended.out.decode().splitlines(), [
            "connect where nobody listens: refused",
            "listen where somebody does: address-in-use",
            "read from no socket: not-found",
            "write to no socket: not-found",
            "read of nothing: invalid",
            "write of too much: invalid",
            "accept on a connection: invalid",
            "read by another client: not-found",
            "shutdown: ok",
            "write after shutdown: closed",
            "close: ok",
            "close: not-found",
        ])


@test
def tcp_a_cancelled_read_loses_nothing(world):
    listener, port = listen("4")
    with world.running(*world.probe("cancel", "4", str(port))) as process:
        connection, _ = listener.accept()
        expect(line(process), "E_CANCELLED")
        connection.sendall(b"all of it")
        connection.close()
        expect_good(finish(process), b"all of it")


@test
def udp_both_ways(world):
    for family in each_family():
        host = "::1" if family == "6" else "127.0.0.1"
        kind = socket.AF_INET6 if family == "6" else socket.AF_INET
        sizes = [5, 0, 1472, 65507]
        with world.running(*world.probe("udp", family, str(len(sizes)))) as process:
            port = port_of(process)
            own = socket.socket(kind, socket.SOCK_DGRAM)
            own.settimeout(20)
            own.bind((host, 0))
            for size in sizes:
                data = bytes(n % 251 for n in range(size))
                own.sendto(data, (host, port))
                echoed, sender = own.recvfrom(1 << 17)
                expect(echoed == data and sender[1] == port, True, f"{size} bytes")
            ended = finish(process)
        wanted = "".join(f"datagram of {n} bytes\nsend: ok\n" for n in sizes)
        expect_good(ended, (wanted + "close: ok\nclose: not-found\n").encode())


@test
def udp_datagrams_wait_for_a_slow_program(world):
    with world.running("run", world.guest("echo_udp")) as process:
        port = port_of(process)
        own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        own.settimeout(20)
        for n in range(50):
            own.sendto(bytes([n]), ("127.0.0.1", port))
        expect(sorted(own.recv(10)[0] for _ in range(50)), list(range(50)))


@test
def dns_resolves_and_refuses(world):
    ended = world.run(*world.probe("dns", "localhost"))
    expect(ended.code, 0, ended)
    lines = ended.out.decode().splitlines()
    expect(lines[0], "resolve: ok")
    known = {f"ipv4 {127 | 1 << 24}", f"ipv6 {1 << 56}"}
    expect(set(lines[1:]) <= known and len(lines) > 1, True, lines)
    expect_good(world.run(*world.probe("dns", "127.0.0.1")),
                f"resolve: ok\nipv4 {127 | 1 << 24}\n".encode())
    expect_good(world.run(*world.probe("dns", "::1")), f"resolve: ok\nipv6 {1 << 56}\n".encode())
    for name in ["", "a b", "x" * 254]:
        expect(world.run(*world.probe("dns", name)).out, b"resolve: invalid\n", name)
    unknown = world.run(*world.probe("dns", "no-such-name.invalid")).out
    # A machine without a resolver cannot know.
    expect(unknown in (b"resolve: unknown-name\n", b"resolve: timed-out\n"), True, unknown)


# Runs a command in a network of its own, in which multicast stays on this machine.
OWN_NETWORK = ["unshare", "-n", "sh", "-c", "ip link set lo up && ip link set lo multicast on && "
               "ip route add 224.0.0.0/4 dev lo && exec \"$@\"", "sh"]


def needs_own_network():
    try:
        done = subprocess.run([*OWN_NETWORK, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        raise Skip("there is no unshare")
    if done.returncode != 0:
        raise Skip("networks of our own are not allowed here")


@test
def udp_groups_are_joined_and_heard(world):
    needs_own_network()
    done = subprocess.run([*OWN_NETWORK, world.redshirt, "run", "--yes", world.guest("multicast")], env=world.env(),
                          capture_output=True, timeout=60, check=False)
    expect((done.returncode, done.stdout), (0, b"no group\nhello\nhello\n"), done.stderr)
