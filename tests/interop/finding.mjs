// SPDX-License-Identifier: GPL-3.0-or-later
// js-libp2p doing what tests/interop/finder.c does: the same arguments where both have them, the same lines. Runs in
// the folder into which tests/interop/run installed its packages.
//
//   serve                    a server of the local DHT until stdin ends
//   find, provide, publish, resolve   as finder; provide stays until stdin ends
//   record VALUE N, verify NAME HEX   as finder
//   mdns answer|query|HEX    as finder
import { createLibp2p } from 'libp2p'
import { tcp } from '@libp2p/tcp'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString, peerIdFromCID } from '@libp2p/peer-id'
import { createIPNSRecord, marshalIPNSRecord, unmarshalIPNSRecord, multihashToIPNSRoutingKey } from 'ipns'
import { ipnsValidator } from 'ipns/validator'
import { ipnsSelector } from 'ipns/selector'
import { multiaddr } from '@multiformats/multiaddr'
import { base36 } from 'multiformats/bases/base36'
import { CID } from 'multiformats/cid'
import packets from 'dns-packet'
// Not what the package exports: the functions that make and read its packets.
import { gotQuery, gotResponse } from './node_modules/@libp2p/mdns/dist/src/query.js'

const LAN = '/ipfs/lan/kad/1.0.0'
const SERVICE = '_p2p._udp.local'
const HOURS = 48
const WAIT_MS = 15000

// For node 20, which does not have it yet.
Promise.withResolvers ??= function () {
    let resolve, reject
    const promise = new Promise((yes, no) => { resolve = yes; reject = no })
    return { promise, resolve, reject }
}

function say (words) {
    console.log(words)
}

async function start (isServer) {
    return createLibp2p({
        addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
        transports: [tcp()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        connectionMonitor: { enabled: false },
        services: {
            identify: identify(),
            ping: ping(),
            dht: kadDHT({
                protocol: LAN,
                peerInfoMapper: passthroughMapper,
                clientMode: !isServer,
                allowQueryWithZeroPeers: true,
                validators: { ipns: ipnsValidator },
                selectors: { ipns: ipnsSelector }
            })
        }
    })
}

async function stdinEnds () {
    process.stdin.resume()
    await new Promise((resolve) => process.stdin.on('end', resolve))
}

// A client whose table has the peer at that address.
async function join (address) {
    const node = await start(false)
    const peer = multiaddr(address)
    const connection = await node.dial(peer)
    const until = Date.now() + WAIT_MS
    while (node.services.dht.routingTable.size === 0) {
        if (Date.now() > until) {
            throw new Error('the peer does not enter the table')
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return { node, connection }
}

function nameOf (text) {
    return text.startsWith('k') ? peerIdFromCID(CID.parse(text, base36)) : peerIdFromString(text)
}

function nameText (peer) {
    return peer.toCID().toString(base36)
}

function sayValue (bytes) {
    const record = unmarshalIPNSRecord(bytes)
    say(`ok value ${record.value} ${record.sequence}`)
}

async function makeRecord (value, sequence) {
    const key = await generateKeyPair('Ed25519')
    const record = await createIPNSRecord(key, value, BigInt(sequence), HOURS * 3600 * 1000)
    return { name: peerIdFromPrivateKey(key), bytes: marshalIPNSRecord(record) }
}

const commands = {
    async serve () {
        const node = await start(true)
        say('listening ' + node.getMultiaddrs()[0])
        await stdinEnds()
        await node.stop()
    },
    async find (address, cid) {
        const { node } = await join(address)
        let count = 0
        for await (const event of node.services.dht.findProviders(CID.parse(cid), { signal: AbortSignal.timeout(WAIT_MS) })) {
            for (const provider of event.name === 'PROVIDER' ? event.providers : []) {
                count++
                say('ok provider ' + provider.id)
            }
        }
        if (count === 0) {
            throw new Error('no provider')
        }
    },
    async provide (address, cid) {
        const { node } = await join(address)
        for await (const event of node.services.dht.provide(CID.parse(cid), { signal: AbortSignal.timeout(WAIT_MS) })) {
            if (event.name === 'QUERY_ERROR') {
                console.error(event.error)
            }
        }
        say(`ok provided ${node.peerId} 1`)
        await stdinEnds()
    },
    async publish (address, value, sequence) {
        const { node } = await join(address)
        const { name, bytes } = await makeRecord(value, sequence)
        const key = multihashToIPNSRoutingKey(name.toMultihash())
        let count = 0
        for await (const event of node.services.dht.put(key, bytes, { signal: AbortSignal.timeout(WAIT_MS) })) {
            count += event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE'
        }
        say(`ok published ${nameText(name)} ${count}`)
    },
    async resolve (address, name) {
        const { node } = await join(address)
        const key = multihashToIPNSRoutingKey(nameOf(name).toMultihash())
        for await (const event of node.services.dht.get(key, { signal: AbortSignal.timeout(WAIT_MS) })) {
            if (event.name === 'VALUE') {
                await ipnsValidator(key, event.value)
                sayValue(event.value)
                return
            }
        }
        throw new Error('no record')
    },
    async record (value, sequence) {
        const { name, bytes } = await makeRecord(value, sequence)
        say(`ok record ${nameText(name)} ${Buffer.from(bytes).toString('hex')}`)
    },
    async verify (name, hex) {
        const bytes = new Uint8Array(Buffer.from(hex, 'hex'))
        await ipnsValidator(multihashToIPNSRoutingKey(nameOf(name).toMultihash()), bytes)
        sayValue(bytes)
    },
    async mdns (what) {
        const questions = [{ name: SERVICE, type: 'PTR' }]
        const tell = (packet) => say('ok packet ' + packets.encode(packet).toString('hex'))
        if (what === 'query') {
            tell({ type: 'query', questions })
            return
        }
        if (what === 'answer') {
            const key = await generateKeyPair('Ed25519')
            const addresses = [multiaddr('/ip4/192.168.7.9/tcp/4001/p2p/' + peerIdFromPrivateKey(key))]
            gotQuery({ questions }, { respond: (answers) => tell({ type: 'response', answers }) }, 'a'.repeat(63), addresses, SERVICE, true)
            return
        }
        const packet = packets.decode(Buffer.from(what, 'hex'))
        if (packet.type === 'query') {
            if (packet.questions[0].name !== SERVICE || packet.questions[0].type !== 'PTR') {
                throw new Error('another question')
            }
            say('ok query')
            return
        }
        const peer = gotResponse(packet, 'somebody else', SERVICE)
        say(`ok peer ${peer.id} ${peer.multiaddrs.join(' ')}`)
    }
}

try {
    await commands[process.argv[2]](...process.argv.slice(3))
} catch (error) {
    say('fail ' + error.message)
    console.error(error)
    process.exitCode = 1
}
process.exit()
