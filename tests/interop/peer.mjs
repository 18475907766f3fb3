// SPDX-License-Identifier: GPL-3.0-or-later
// js-libp2p doing what tests/interop/peer.c does: the same arguments, the same lines. `listen` serves until
// stdin ends. Runs in the folder into which tests/interop/run installed its packages.
import { createLibp2p } from 'libp2p'
import { tcp } from '@libp2p/tcp'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { identify, identifyPush } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'

const ECHO = '/echo/1.0.0'
const SIZES = [0, 1, 32, 65535, 262144, 262145, 5000001]
const PINGS = 3
const MANY = 50
const PIECE = 50000

// For node 20, which does not have it yet.
Promise.withResolvers ??= function () {
    let resolve, reject
    const promise = new Promise((yes, no) => { resolve = yes; reject = no })
    return { promise, resolve, reject }
}

const node = await createLibp2p({
    addresses: { listen: process.argv[2] === 'listen' ? ['/ip4/127.0.0.1/tcp/0'] : [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), push: identifyPush(), ping: ping() }
})

function drained (stream) {
    return new Promise((resolve, reject) => {
        stream.addEventListener('drain', resolve, { once: true })
        stream.addEventListener('close', () => reject(new Error('closed while it drains')), { once: true })
    })
}

await node.handle(ECHO, async (stream) => {
    try {
        for await (const bytes of stream) {
            if (!stream.send(bytes)) {
                await drained(stream)
            }
        }
        await stream.close()
    } catch (error) {
        console.error('echo:', error.message)
    }
}, { maxInboundStreams: MANY })

function byteAt (size, at) {
    return (at * 31 + (at >> 9) + size) & 255
}

async function echo (connection, size) {
    const stream = await connection.newStream(ECHO)
    const heard = (async () => {
        let at = 0
        for await (const bytes of stream) {
            for (const byte of bytes.subarray()) {
                if (byte !== byteAt(size, at++)) {
                    throw new Error('an echo brings other bytes')
                }
            }
        }
        return at
    })()
    for (let at = 0; at < size; at += PIECE) {
        const piece = new Uint8Array(Math.min(PIECE, size - at))
        for (let i = 0; i < piece.length; i++) {
            piece[i] = byteAt(size, at + i)
        }
        if (!stream.send(piece)) {
            await drained(stream)
        }
    }
    await stream.close()
    const count = await heard
    if (count !== size) {
        throw new Error(`an echo ends after ${count} of ${size} bytes`)
    }
}

function tell (what) {
    console.log('ok ' + what)
}

node.addEventListener('peer:identify', ({ detail }) => {
    const protocols = detail.protocols
    tell(`identify ${detail.agentVersion} ${protocols.includes('/ipfs/ping/1.0.0') ? 'ping' : 'no-ping'} ` +
        `${protocols.includes(ECHO) ? 'echo' : 'no-echo'} ${detail.observedAddr ?? ''}`)
})

if (process.argv[2] === 'listen') {
    console.log('listening ' + node.getMultiaddrs()[0])
    process.stdin.resume()
    await new Promise((resolve) => process.stdin.on('end', resolve))
} else {
    try {
        const identified = new Promise((resolve) => node.addEventListener('peer:identify', resolve, { once: true }))
        const address = multiaddr(process.argv[3])
        const connection = await node.dial(address)
        await identified
        for (let i = 0; i < PINGS; i++) {
            await node.services.ping.ping(connection.remotePeer)
            tell('ping')
        }
        for (const size of SIZES) {
            await echo(connection, size)
            tell('echo ' + size)
        }
        await Promise.all(Array.from({ length: MANY }, (_, i) => echo(connection, i * 3001)))
        tell('streams')
        await connection.close()
    } catch (error) {
        console.log('fail ' + error.message)
        console.error(error)
        process.exitCode = 1
    }
}
await node.stop()
process.exit()
