// SPDX-License-Identifier: GPL-3.0-or-later
// Prints the table of tests/unit/unixfs_vectors.h: names that another implementation (ipfs-unixfs-importer, the
// one in Helia) gives to files of deterministic contents under the profile unixfs-v1-2025.
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

for (const size of SIZES) {
    const options = {
        cidVersion: 1,
        rawLeaves: true,
        reduceSingleLeafToSelf: true,
        chunker: fixedSize({ chunkSize: MIB }),
        layout: balanced({ maxChildrenPerNode: 1024 })
    }
    for await (const entry of importer([{ content: contents(size) }], new BlackHoleBlockstore(), options)) {
        console.log(`    {${size}, "${entry.cid}"},`)
    }
}
