# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a local network of ever new peers that are not there: mdns_liar.py PREFIX, of which it names .100 to .249."""
import os
import socket
import struct
import sys
import time

LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PAUSE_S = 0.1


def peer_id():
    """As base58, of a key at random."""
    data = b"\x00\x24\x08\x01\x12\x20" + os.urandom(32)
    value, text = int.from_bytes(data, "big"), ""
    while value:
        value, letter = divmod(value, 58)
        text = LETTERS[letter] + text
    return "1" + text


def name(*labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner, kind, data):
    return owner + struct.pack(">HHIH", kind, 1, 120, len(data)) + data


def packet(prefix, number):
    service = name(b"_p2p", b"_udp", b"local")
    instance = name(os.urandom(16).hex().encode(), b"_p2p", b"_udp", b"local")
    text = f"dnsaddr=/ip4/{prefix}.{100 + number % 150}/tcp/4001/p2p/{peer_id()}".encode()
    return (struct.pack(">6H", 0, 0x8400, 0, 1, 0, 1) + record(service, 12, instance) +
            record(instance, 16, bytes([len(text)]) + text))


with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    for number in range(10**6):
        sender.sendto(packet(sys.argv[1], number), ("224.0.0.251", 5353))
        time.sleep(PAUSE_S)
