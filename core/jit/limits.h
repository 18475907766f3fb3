// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/limits.h: every bound of the compiler. A function that goes beyond one is not compiled
// and stays with the interpreter, which runs every valid function.
#pragma once

enum {
    JIT_BODY_BYTES = 1 << 18,      // of one body
    JIT_BLOCKS = 1 << 15,          // of one function
    JIT_VALUES = 1 << 18,          // instructions of one function
    JIT_LOCALS = 1000,             // declared by one function, besides one for each byte of it
    JIT_EDGE_VALUES = 1 << 14,     // locals that the branches of a function carry to where they
    JIT_EDGE_VALUES_PER_BYTE = 16, // meet, and for each byte of it: programs have up to 8
    JIT_LOOP_DEPTH = 256,          // loops within each other, as the allocator sees them
    JIT_ALLOC_WORK = 256,          // steps of the allocator's search for each instruction, in all
    JIT_ALLOC_SPLITS = 4,          // of one live range in a row, before its rest goes to memory
    JIT_ALLOC_EVICTIONS = 2,       // of one live range, before it is split instead
    JIT_FRAME_BYTES = 64 << 10,    // of a compiled function: less than the guard below a stack
    JIT_TAIL_WORDS = 64,       // arguments on the stack of a tail call, if they are more than the
                               // function has itself. In a program with tail calls, each frame
                               // keeps room for as many as its types need: half a KiB at most,
                               // of a stack that holds two thousand such frames
    JIT_ARGUMENT_WORDS = 2000, // words of arguments and results beyond the registers
    JIT_MACH_ITEMS = 1 << 20,  // machine instructions, operands or registers of one function
    JIT_SCRATCH_BYTES = 128 << 20, // memory of the compiler at once: 512 times the longest body.
                                   // What clang -O2 makes takes up to 360 times its bytes, the
                                   // worst vectors 1,700 times: long bodies of those are refused
    JIT_SCRATCH_KEPT = 8 << 20,    // of it kept from one function to the next, and allowed to any
    JIT_SCRATCH_EACH = 2048,       // of it allowed for each byte of the body, beside that
    JIT_PACE_UNITS = 1 << 20,      // of work, of about 2 ns, between two places where the compiler
                                   // gives way: a fifth of a slice
    JIT_STACK_BYTES = 1 << 20,     // of a thread's stack for compiled code
    JIT_STACK_GUARD = 128 << 10,   // below it: no frame jumps over it
    JIT_STACK_SLACK = 32 << 10,    // of a stack that is compared with its end: for what is called
                                   // without comparing, ways out with the most values of all
    JIT_BULK_BYTES = 8192,     // that memory.copy and memory.fill move in compiled code: for more
                               // of them, leaving it costs little beside
    JIT_BULK_FEW = 64,         // the same as loads and stores, where their number is constant: four
                               // vectors, which is as much code as a call of the other
    JIT_LEAF_BYTES = 4096,     // frame of a function that calls nothing and does not compare
    JIT_SPACE_BYTES = 1 << 30, // of addresses for all code: every call reaches
    JIT_STACKS = 1 << 13,      // with guards: each costs the machine a mapping
    JIT_STACKS_CHECKED = 1 << 17,     // without: as many as a kernel has processes
    JIT_FUEL_CROSSING = 8,            // units for each way into compiled code or out of it
    JIT_FUEL_NS = 2,                  // time in compiled code that costs a unit
    JIT_LOOPS = 256,                  // of a module, at which compiled code takes over
    JIT_BATCH_FUNCTIONS = 4096,       // placed at once,
    JIT_BATCH_BYTES = 256 << 10,      // or as many as give so much code
    JIT_CODE_BYTES = 32 << 20,        // of one function: near enough for every branch and constant
    JIT_IMAGE_BYTES = 128 << 20,      // of code that is kept: twice the largest program
    JIT_IMAGE_PART_BYTES = 384 << 10, // of it checked and placed at once: about 1 ms
    JIT_IMAGE_PARTS = 2048,           // two in a row have more than that together; and room
};

// Address space of a memory whose accesses are not checked: every address and every offset, and
// what one access is wide.
#define JIT_RESERVED_BYTES (((unsigned long long)8 << 30) + 65536)
