// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/limits.h: every bound of the bare machines, the largest value that is
// accepted.
#pragma once
#include "core/base/types.h"

enum {
    BOOT_RANGES = 128,         // of a firmware's memory map; UEFI maps on servers have about 100
    BOOT_COMMAND_BYTES = 512,  // of the boot loader's command line; more is cut
    BOOT_MODULES = 16,         // that a boot loader hands over; the first is the archive
    BOOT_INFO_BYTES = 1 << 20, // of multiboot2's list of tags
    MACHINE_STACK_BYTES = 64 << 10, // the kernel's stack; `make stack` allows half of it
    TRAP_STACK_BYTES = 8 << 10,     // of an exception: it prints and halts
    TICK_HZ = 1000, // ticks a second: how fine a slice can be, and how soon input is seen
    CONSOLE_INPUT_BYTES = 4096,      // typed and not yet read; what comes beyond is dropped
    CONSOLE_OUTPUT_BYTES = 64 << 10, // written and not yet taken by the line
    PAGES_RESERVATIONS = 1024,   // of address space at a time: the kernel makes few and large ones
    HEAP_STEP_BYTES = 256 << 10, // the heap takes memory from the machine in such steps
    RANDOM_SHORT_BYTES = 512,    // of keystream made at a time
    MANIFEST_BYTES = 16 << 10,   // the text that says what to start
    MANIFEST_LINES = 64,         // its entries
    MANIFEST_ARGUMENTS = 16,     // of one program
    DEVICE_TIMERS = 4096,        // waits of `time` under way; more wait in the device's queue
    DEVICE_READS = 64,           // reads of the console under way; one beyond gets E_BUSY
    DEVICE_BYTES = 64 << 10,     // of an answer of random and stdio, as their interfaces say
    DEVICE_BATCH = 64,           // messages one device answers before the programs run again
    DEVICE_LINE_BYTES = 4096,    // of one line of log, as its interface says; more is cut
    KERNEL_SHARE = 4,            // the kernel's own memory is at most this part of the machine's
    ENDING_WORDS_BYTES = 1024,   // of what is said about a program's end
};
