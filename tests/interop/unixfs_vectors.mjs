// SPDX-License-Identifier: GPL-3.0-or-later
// Prints the tables of tests/unit/unixfs_vectors.h: names that another implementation (ipfs-unixfs-importer, the
// one in Helia) gives to files of deterministic contents under the profile unixfs-v1-2025, and under the two
// layouts that `ipfs add` made by default before.
//
// Use  npm install ipfs-unixfs-importer blockstore-core   (in a folder of its own, with this file)
//      node unixfs_vectors.mjs
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { BlackHoleBlockstore } from 'blockstore-core/black-hole'

const MIB = 1 << 20
const SIZES = [0, 1, 100, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 12345, 64 * MIB,
    1023 * MIB + 1, 1024 * MIB, 1024 * MIB + 1, 1025 * MIB + 17]

// The contents repeat a pattern whose length is prime, so that no two chunks are equal.
const PATTERN_BYTES = 1000003
const pattern = new Uint8Array(PATTERN_BYTES)
let word = 1
for (let i = 0; i < PATTERN_BYTES; i++) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0
    pattern[i] = word >>> 24
}

async function * contents (size) {
    for (let at = 0; at < size; at += PATTERN_BYTES) {
        yield pattern.subarray(0, Math.min(PATTERN_BYTES, size - at))
    }
}

async function name (size, options) {
    const file = [{ content: contents(size) }]
    for await (const entry of importer(file, new BlackHoleBlockstore(), { reduceSingleLeafToSelf: true, ...options })) {
        return entry.cid
    }
}

for (const size of SIZES) {
    const profile = {
        cidVersion: 1,
        rawLeaves: true,
        chunker: fixedSize({ chunkSize: MIB }),
        layout: balanced({ maxChildrenPerNode: 1024 })
    }
    console.log(`    {${size}, "${await name(size, profile)}"},`)
}

// Around one leaf, around four, and around a row of nodes.
const LEAF = 256 * 1024
const ROW = 174 * LEAF
const LAYOUT_SIZES = [0, 1, LEAF - 1, LEAF, LEAF + 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 12345, ROW, ROW + 1, 64 * MIB]

for (const isVersion0 of [true, false]) {
    for (const size of LAYOUT_SIZES) {
        const layout = {
            cidVersion: isVersion0 ? 0 : 1,
            rawLeaves: !isVersion0,
            chunker: fixedSize({ chunkSize: LEAF }),
            layout: balanced({ maxChildrenPerNode: 174 })
        }
        console.log(`    {${size}, ${isVersion0}, "${await name(size, layout)}"},`)
    }
}
