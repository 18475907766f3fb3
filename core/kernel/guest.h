// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/guest.h: where the linear memories of guests lie.
//
// Use     core/kernel/internal.h includes it. guest_store_init for a process that is to have a
//         memory; the engine asks for it through the store's functions.
// Owner   kernel->guest: address space is never given back before guest_memory_drop, only what was
//         committed of it.
// Locks   kernel->guest_lock.
// Limits  core/kernel/limits.h: KERNEL_SPARE, KERNEL_FREE_PART.
#pragma once
#include "core/base/types.h"
#include "core/kernel/limits.h"
struct kernel;
struct process;
struct wasm_instance;

enum { GUEST_ORDERS = 17 }; // blocks of 64 KiB << order: up to 4 GiB

// Address space cut into blocks of one size.
struct guest_reservation {
    struct guest_reservation *next; // of the same order
    u8 *base;
    u32 block_count;
    u32 fresh;      // blocks from here on were never used
    u32 free_count; // blocks given back, in `free`
    u32 free[];     // room for block_count
};

// A reservation for the memory of a fast process that nobody has. Its first pages are as they were
// committed, and zero; all else faults.
struct guest_spare {
    u8 *base;
    u64 committed_bytes;
};

struct guest_memory {
    struct guest_reservation *reservations[GUEST_ORDERS];
    struct guest_spare spares[KERNEL_SPARE];
    u32 spare_count;
    u64 used_bytes; // committed
    u64 limit_bytes;
};

// ---- guest.c: linear memories

// Fills in the functions of the process's store.
void guest_store_init(struct process *process);
void guest_memory_drop(struct kernel *kernel);
// Gives back up to KERNEL_FREE_PART bytes of the memory of an instance that runs no more. Returns
// how many; 0: it has none left.
u64 guest_memory_give_part(struct process *process, struct wasm_instance *instance);
