// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/interface.h: interfaces as programs know them, the seats of those who handle them,
// and the bonds that lead there.
//
// Use     core/kernel/internal.h includes it. A program's section is parsed into definitions; a
//         party registers with one and takes a seat; a process binds with one, and its bond leads
//         to the seat (route.c says to which), whoever sits there now or follows (replace.c).
// Owner   definitions lie in their program's arena, or their device's; the rest in the kernel's
//         pools. A seat lives as long as anything counted in reference_count leads to it.
// Locks   kernel->lock; definitions are immutable.
// Limits  core/kernel/limits.h: KERNEL_INTERFACES, KERNEL_REGISTRATIONS, KERNEL_BONDS, and those of
//         a section.
#pragma once
#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/map.h"
#include "core/base/pool.h"
#include "core/base/reader.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/base/wire.h"
#include "core/kernel/message.h"
struct interface_definition;
struct kernel;
struct memory;
struct party;
struct process;
struct program;
struct report;

struct function_definition {
    u64 id; // first 8 bytes of the hash
    u8 hash[32];
    struct span name;
};

// An interface as a program or a device knows it. Immutable.
struct definition {
    struct span name;
    struct span words; // what it gives, for people; empty where nobody said so
    u8 hash[32];       // I
    u32 function_count;
    const struct function_definition *functions; // in order of id, no two alike
};

// A seat: a name that somebody handles, is bonded to, waits for, or is led to (route.c).
struct interface_entry {
    struct pool_item item;
    struct map_node by_name;
    struct registration *handler; // NULL: nobody
    struct list bonds;            // struct bond
    struct list patient;          // struct message by handler_note: binds that wait for a handler
    struct list_node work;        // in kernel->patient_work while `patient` is to be looked through
    struct list_node of_kernel;
    u64 messages;
    u32 bond_count;
    u32 patient_count;
    u32 to_look_at; // of `patient`, for the handler whose serial is `looked_at`
    u64 looked_at;
    u32 to_ask_again; // of `patient`, whoever handles it: where they lead has changed
    u32 route_count;  // that lead here
    u8 successor[32]; // who may take it from its handler (replace.c); all zero: nobody
    struct list_node of_successions;
    u32 reference_count; // handler, bonds, patient binds and routes
    u8 program[32];      // whoever runs it sits here and nowhere else; all zero: the others
    u32 name_size;
    char name[INTERFACE_NAME_BYTES];
};

struct registration {
    struct pool_item item;
    u32 id; // what the handler knows it by
    u64 serial;
    struct interface_entry *entry;
    struct party *party;
    const struct definition *definition;
    struct list_node of_party;
};

// A client's handle to an interface.
struct bond {
    struct pool_item item;
    u32 id;           // 0: closed; only its CLIENT_GONE is still under way
    u64 client;       // the handler's name for it
    u64 fits;         // serial of the registration that was found compatible
    u64 told;         // serial of the registration that got a message from it
    u64 messages;     // sent by it,
    u64 bytes;        // of their bodies,
    u64 answer_bytes; // and of those of their answers
    struct process *process;
    struct interface_entry *entry; // NULL once closed
    const struct definition *definition;
    const struct function_definition *known; // the one called last, or NULL
    struct list_node of_process;
    struct list_node of_entry;
    u32 gone_registration; // id, for the CLIENT_GONE
    bool is_redirected;    // to stdio, of a process not all of whose streams lead there (pipe.h)
    struct note gone;
};

struct route_row {
    struct pool_item item;
    struct map_node by_client;
    u8 client[32];
    struct interface_entry *seat; // where it leads; has the name
};

// ---- section.c, interface.c: definitions, names, registrations, bonds

// How far the sections of a module were read.
struct section_reader {
    bool is_begun;
    bool is_inside;   // the custom section at `index`
    u32 index;        // of the module's custom sections
    u32 left;         // interfaces of the list under way
    struct reader in; // of the section
};
// Parses a module's sections into program->definitions. Takes from *fuel.
// ERR_PAUSED  call again
enum err interface_parse_sections(struct program *program, struct section_reader *at, i64 *fuel,
                                  struct report *report);
enum err interface_define(struct memory *memory, const struct interface_definition *from,
                          struct definition *out);
void interface_undefine(struct memory *memory, struct definition *definition);
const struct function_definition *definition_function(const struct definition *definition, u64 id);
// The definition of that interface hash among those of the process's program and its adapter, or
// NULL.
const struct definition *process_definition(const struct process *process, const u8 hash[32]);
// The first function of `client` that `handler` lacks, or NULL when they fit.
const struct function_definition *definition_missing(const struct definition *client,
                                                     const struct definition *handler);

// The key of a name and a program (32 zero bytes: none) in a map.
u64 name_key(const struct kernel *kernel, struct span name, const u8 program[32]);
struct interface_entry *entry_find_locked(struct kernel *kernel, struct span name,
                                          const u8 program[32]);
// The same with one more reference, made if need be; NULL: KERNEL_INTERFACES, or no memory.
struct interface_entry *entry_take_locked(struct kernel *kernel, struct span name,
                                          const u8 program[32]);
void entry_give_locked(struct kernel *kernel, struct interface_entry *entry);

// Whether somebody has the seat that the party would take, and whom it does not follow.
bool registration_is_taken_locked(struct kernel *kernel, const struct party *party,
                                  const struct definition *definition);
// ERR_EXISTS  taken     ERR_LIMIT  too many
enum err registration_add_locked(struct kernel *kernel, struct party *party,
                                 const struct definition *definition, struct registration **out);
// Frees the name; messages stay where they are: handler_abandon sees to them.
void registration_remove_locked(struct kernel *kernel, struct registration *registration);
// The same of one that another has taken the place of.
void registration_drop_locked(struct kernel *kernel, struct registration *registration);
struct registration *registration_find_locked(struct kernel *kernel, struct party *party, u32 id);
// bond_handler_locked when a new handler has come: compares it with what the bond wants.
struct registration *bond_refit_locked(struct bond *bond, struct registration *handler);

struct bond *bond_add_locked(struct kernel *kernel, struct process *process,
                             struct interface_entry *entry, const struct definition *definition);
// Closes it: the handler is told, messages under way must have been seen to before.
void bond_close_locked(struct kernel *kernel, struct bond *bond);
void bond_free_locked(struct kernel *kernel, struct bond *bond);
// Closes it whatever is under way: that gets E_DENIED.
void bond_revoke_locked(struct kernel *kernel, struct bond *bond);
// Whoever handles what the kernel asks for as a client, or NULL.
struct registration *handler_find_locked(struct kernel *kernel,
                                         const struct definition *definition);
// Looks through binds that wait for a handler, KERNEL_SWEEP at most.
void patient_step_locked(struct kernel *kernel);

// ---- route.c

struct route_to {
    struct interface_entry *entry; // NULL: nobody handles that, or waits for it
    const u8 *program;             // of the seat
};
// Where a process is led that binds an interface.
struct route_to route_find_locked(struct kernel *kernel, const struct process *process,
                                  struct span name);
// The seat that a party takes which registers for it.
const u8 *route_seat_locked(struct kernel *kernel, const struct party *party, struct span name);

// ---- replace.c

// The seat that a party takes over by registering for that, or NULL.
struct interface_entry *succession_find_locked(struct kernel *kernel, const struct party *party,
                                               const struct definition *definition);
// Whether somebody sweeps what the handler there has, so that the next would give the lock back.
bool succession_is_swept_locked(struct kernel *kernel, const struct party *party,
                                const struct definition *definition);
// Gives the lock back until nobody sweeps what the handler there has, and finds the seat again.
struct interface_entry *succession_settle_locked(struct kernel *kernel, const struct party *party,
                                                 const struct definition *definition);
// Takes it over. Returns how many items it looked at.
u32 succession_take_locked(struct kernel *kernel, struct interface_entry *entry,
                           struct registration *new);
// Its handler is gone, and with it who was to follow it.
void succession_end_locked(struct interface_entry *entry);
// Ends a process that `retires` and waits, if it is idle.
void process_retire_locked(struct kernel *kernel, struct process *process);
