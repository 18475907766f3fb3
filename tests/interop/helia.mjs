// SPDX-License-Identifier: GPL-3.0-or-later
// Helia as the other side of `redshirt serve` and `redshirt get`. Runs in the folder into which
// tests/interop/blocks installed its packages.
//
//   node helia.mjs serve SIZES      adds a file of each size in each layout and gives them away; prints
//                                   "file LAYOUT SIZE CID" for each, then "listening ADDRESS", and serves
//                                   until stdin ends
//   node helia.mjs get ADDRESS CID... fetches each file; prints "got CID BYTES SHA256 MILLISECONDS" for each
//   node helia.mjs lie SIZES        serves as above, but with one bit of each block changed
//   node helia.mjs dht              is a node of the local DHT and has no file; prints "listening ADDRESS"
//   node helia.mjs provide ADDRESS SIZES  serves as above, after telling the DHT of that node what it has
//   node helia.mjs public-dht HOST  is a node of the public DHT at that address of IPv4
//   node helia.mjs public-provide ADDRESS SIZES HOST  as provide, in the public DHT, at that address
//   node helia.mjs public-find ADDRESS CID  asks that node of the public DHT; prints "provider ID ADDRESS..." for each
//   node helia.mjs ping ADDRESS     prints "ping" three times
//   node helia.mjs name SIZES       prints "file LAYOUT SIZE CID" for each and ends
//
// The byte at place n of a file of some size is (n * 31 + (n >> 9) + size) & 255, as in blocks; but for the
// first four of each 4096, which hold the number of those, little-endian, so that no two are the same.
import { createHash } from 'node:crypto'
import { createHeliaLight } from 'helia'
import { withLibp2pLight } from '@helia/libp2p'
import { withBitswap } from '@helia/bitswap'
import { unixfs } from '@helia/unixfs'
import { MemoryBlockstore } from 'blockstore-core'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { tcp } from '@libp2p/tcp'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { identify, identifyPush } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { kadDHT, passthroughMapper, removePrivateAddressesMapper } from '@libp2p/kad-dht'
import { ipnsValidator } from 'ipns/validator'
import { ipnsSelector } from 'ipns/selector'
import { multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'

// For node 20, which does not have it yet.
Promise.withResolvers ??= function () {
    let resolve, reject
    const promise = new Promise((yes, no) => { resolve = yes; reject = no })
    return { promise, resolve, reject }
}

const PINGS = 3
const SECONDS = 60
const SETTLE_MS = 1000
const PUBLIC_PORT = 4001
// As `ipfs add` makes them: today's profile, the one before it, and the oldest.
const LAYOUTS = {
    profile: { cidVersion: 1, rawLeaves: true, chunker: fixedSize({ chunkSize: 1 << 20 }),
        layout: balanced({ maxChildrenPerNode: 1024 }) },
    small: { cidVersion: 1, rawLeaves: true, chunker: fixedSize({ chunkSize: 256 << 10 }),
        layout: balanced({ maxChildrenPerNode: 174 }) },
    old: { cidVersion: 0, rawLeaves: false, chunker: fixedSize({ chunkSize: 256 << 10 }),
        layout: balanced({ maxChildrenPerNode: 174 }) }
}

function content (size) {
    const bytes = new Uint8Array(size)
    for (let n = 0; n < size; n++) {
        const place = n & 4095
        bytes[n] = place < 4 ? (n >> 12) >> (8 * place) & 255 : (n * 31 + (n >> 9) + size) & 255
    }
    return bytes
}

class Liar extends MemoryBlockstore {
    async * get (cid, options) {
        for await (const bytes of super.get(cid, options)) {
            const others = bytes.slice()
            others[0] ^= 1
            yield others
        }
    }
}

async function node (listen, speaksKad, blockstore, isPublic, isClient) {
    const kad = isPublic
        ? kadDHT({ protocol: '/ipfs/kad/1.0.0', clientMode: isClient, peerInfoMapper: removePrivateAddressesMapper,
            allowQueryWithZeroPeers: true, validators: { ipns: ipnsValidator }, selectors: { ipns: ipnsSelector } })
        : kadDHT({ protocol: '/ipfs/lan/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper })
    const helia = withBitswap(withLibp2pLight(createHeliaLight({ blockstore }), {
        // A public address is believed where it is announced, or asked back for by others.
        addresses: { listen, announce: isPublic ? listen : [] },
        transports: [tcp()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        connectionMonitor: { enabled: false },
        connectionManager: { inboundConnectionThreshold: 1000 }, // of one host in a second; by default 5
        services: { identify: identify(), push: identifyPush(), ping: ping(), ...(speaksKad ? { kad } : {}) }
    }))
    await helia.start()
    return helia
}

async function files (helia, sizes) {
    const fs = unixfs(helia)
    const cids = []
    for (const size of sizes) {
        for (const [name, options] of Object.entries(LAYOUTS)) {
            const cid = await fs.addBytes(content(size), options)
            console.log(`file ${name} ${size} ${cid}`)
            cids.push(cid)
        }
    }
    return cids
}

async function ended () {
    console.log('listening ' + helia.libp2p.getMultiaddrs()[0])
    process.stdin.resume()
    await new Promise((resolve) => process.stdin.on('end', resolve))
}

const [whatever, ...rest] = process.argv.slice(2)
const isPublic = whatever.startsWith('public-')
const what = whatever.replace('public-', '')
const sizes = (rest[what === 'provide' ? 1 : 0] ?? '').split(',').map(Number)
const lies = what === 'lie'
const stays = lies || what === 'serve' || what === 'dht' || what === 'provide'
const host = isPublic && stays ? rest[rest.length - 1] : '127.0.0.1'
const speaksKad = isPublic || what === 'dht' || what === 'provide'
const helia = await node(stays ? [`/ip4/${host}/tcp/${isPublic ? PUBLIC_PORT : 0}`] : [], speaksKad,
    lies ? new Liar() : new MemoryBlockstore(), isPublic, what === 'find')
try {
    if (what === 'serve' || lies) {
        await files(helia, sizes)
        await ended()
    } else if (what === 'dht') {
        await ended()
    } else if (what === 'provide') {
        await helia.libp2p.dial(multiaddr(rest[0]))
        await new Promise((resolve) => setTimeout(resolve, SETTLE_MS)) // until it is in the routing table
        for (const cid of await files(helia, sizes)) {
            for await (const event of helia.libp2p.services.kad.provide(cid)) {
                if (event.name === 'QUERY_ERROR') {
                    console.error(event.error)
                }
            }
        }
        await ended()
    } else if (what === 'find') {
        await helia.libp2p.dial(multiaddr(rest[0]))
        await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
        for await (const event of helia.libp2p.services.kad.findProviders(CID.parse(rest[1]))) {
            for (const provider of event.name === 'PROVIDER' ? event.providers : []) {
                console.log(`provider ${provider.id} ${provider.multiaddrs.join(' ')}`)
            }
        }
    } else if (what === 'name') {
        await files(helia, sizes)
    } else if (what === 'ping') {
        const connection = await helia.libp2p.dial(multiaddr(rest[0]))
        for (let n = 0; n < PINGS; n++) {
            await helia.libp2p.services.ping.ping(connection.remotePeer)
            console.log('ping')
        }
    } else {
        const begun = Date.now()
        const connection = await helia.libp2p.dial(multiaddr(rest[0]))
        const fs = unixfs(helia)
        for (const name of rest.slice(1)) {
            const hash = createHash('sha256')
            let size = 0
            const options = { providers: [connection.remotePeer], signal: AbortSignal.timeout(SECONDS * 1000) }
            for await (const bytes of fs.cat(CID.parse(name), options)) {
                hash.update(bytes)
                size += bytes.length
            }
            console.log(`got ${name} ${size} ${hash.digest('hex')} ${Date.now() - begun}`)
        }
    }
} catch (error) {
    console.log('fail ' + error.message)
    console.error(error)
    process.exitCode = 1
}
await helia.stop()
process.exit()
