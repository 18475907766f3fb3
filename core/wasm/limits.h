// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/limits.h: every bound of the engine. Each is the largest value that is accepted; the
// module, or the call, that goes one beyond is refused with ERR_LIMIT or a named trap; a memory
// beyond what Core 2.0 allows, with ERR_INVALID; a grow beyond, with -1.
#pragma once

enum {
    WASM_MODULE_BYTES = 64 << 20, // a program; also the longest answer of a loader
    WASM_NAME_BYTES = 100000,   // of an import, an export or a custom section; as browsers have it
    WASM_CONST_BYTES = 1 << 16, // a constant expression is followed so far: a valid one is short
    WASM_CONST_DEPTH = 64,      // operands of one at a time: tools emit a base and an offset
    WASM_TYPES = 1 << 20,       // entries of the type section
    WASM_FUNCTIONS = 1 << 20,   // imported and defined
    WASM_IMPORTS = 1 << 16,     //
    WASM_EXPORTS = 1 << 17,     //
    WASM_GLOBALS = 1 << 17,     //
    WASM_TABLES = 1 << 10,      //
    WASM_MEMORIES = 16,         // imported and defined: each may reserve address space of its own
    WASM_TAGS = 1 << 16,        // imported and defined
    WASM_CATCHES = 1 << 12,     // clauses around one place: a throw looks at them in one step
    WASM_SEGMENTS = 1 << 17,    // element segments, and data segments
    WASM_ELEMENT_ITEMS = 10000000,  // of one element segment
    WASM_CUSTOMS = 1 << 16,         // custom sections
    WASM_PARAMS = 1000,             // of one function type
    WASM_RESULTS = 1000,            // of one function type
    WASM_LOCALS = 50000,            // of one function, parameters included
    WASM_LOCAL_RUNS = 50000,        // declarations of them; more would declare none
    WASM_LABELS = 1 << 16,          // of one br_table, the default one not counted
    WASM_BODY_BYTES = 8 << 20,      // one function body
    WASM_BLOCK_DEPTH = 1 << 16,     // nested blocks in one body
    WASM_OPERANDS = 1 << 16,        // operand stack of one body
    WASM_MOVES = 1 << 24,           // operands that calls, blocks and branches of a module move,
    WASM_MOVES_PER_BYTE = 16,       // and for each of its bytes: else two bytes cost two thousand
    WASM_TABLE_ELEMENTS = 10000000, // of one table at run time
    WASM_PAGE_BYTES = 65536,        //
    WASM_MEMORY_PAGES = 65536,      // 4 GiB
    WASM_WALK_UNITS = 1 << 24,      // functions and instructions that a backtrace looks through:
                                    // it then ends, as a worker waits for it
    WASM_EXCEPTION_COUNT = 1 << 16, // of one store at run time: 4 MiB, without their values;
    WASM_EXCEPTION_SLOTS = 1 << 18, // slots of values beyond two each;
    WASM_EXCEPTION_ROOTS = 1 << 16, // elements of tables of exnref: all are looked at in one step
    WASM_STACK_BYTES_FIRST = 1024,  // of a new thread; an idle process should be small
    WASM_STACK_BYTES = 1 << 20,     // default limit of a thread's stack: values and frames
};
