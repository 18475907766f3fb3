// SPDX-License-Identifier: GPL-3.0-or-later
// programs/store-loader/limits.h: every bound of the loader.
#pragma once

enum {
    LOADER_PROGRAM_BYTES =
        64 << 20,             // a program: the engine takes no longer one (WASM_MODULE_BYTES)
    LOADER_LOADS = 16,        // at once; more wait in the order they came
    LOADER_WAITING = 1024,    // of them. Beyond: E_BUSY
    LOADER_FETCHES = 2,       // blocks one load asks for at once, so that the store is never idle
    LOADER_BYTES = 128 << 20, // of programs that all loads hold; one that has no room waits
};

// For whoever fetches to be there, ns: it is itself a program that this one loads. Beyond: what the
// store lacks is not found.
#define LOADER_FETCHER_NS ((u64)10000000000)
