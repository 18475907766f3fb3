// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/image.h: compiled functions of a module as one run of bytes, to be kept and read again.
//
// Use     writing: jit_image_begin; jit_image_add for what is compiled, jit_image_add_parts for
//         what was read; jit_image_finish gives the bytes, in pieces; jit_image_end.
//         reading: jit_image_open; jit_image_check for each part; only when all were good,
//         jit_image_read for each, and jit_module_place for what it gives.
// Owner   a writer's pieces lie in its arena and in the bytes that parts were read from. What is
//         read lies in the arena that is handed in, its code in the bytes.
// Time    a call costs what its part does: about JIT_IMAGE_PART_BYTES, unless one function has
//         more.
// Limits  JIT_IMAGE_BYTES, JIT_IMAGE_PARTS.
//
// The bytes are a hostile's, in principle: every number is checked before it is used, so that
// reading breaks nothing. Yet machine code is as good as whoever wrote it: the hashes say that the
// bytes are those that a compiler wrote for this name, undamaged. They do not keep out somebody who
// can write where they lie (docs/jit.md, "The cache").
//
// Functions only, not the versions that begin at a loop: those are few, made for a function that is
// running in the interpreter, and with the function itself at hand from the start not wanted.
//
// Format  all numbers little-endian
//
//     header   32 bytes  SHA-256 of the rest of the header and of the table
//               8        "RSCODE01"
//              32        the name (jit_image_name)
//               4        1: every function is there that could be compiled; 0: some may not be
//               4        number of parts, at least 1
//               8        size of the whole
//     table    for each part: 4 bytes size, 4 bytes number of functions, 32 bytes SHA-256 of it
//     parts    each a run of functions: LEB128 numbers
//                 index in the module, bytes of code, of frame, of prologue, calls, sites
//                 for each call: bytes of code since the end of the one before; whom
//                 for each site: bytes of code since the one before; offset in the body; trap
//              and the code, in which calls are not resolved
#pragma once
#include "core/base/arena.h"
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct jit_options;
struct jit_placed;
struct jit_target;
struct memory;
struct report;
struct wasm_module;

enum { JIT_IMAGE_NAME_BYTES = 32 };

// The name of what a compiler of `version` makes of the program with those options: SHA-256 over
// all of them and a domain word.
void jit_image_name(const struct cid *program, const u8 version[32],
                    const struct jit_target *target, const struct jit_options *options,
                    sha256_function sha256, u8 out[JIT_IMAGE_NAME_BYTES]);

// ---- writing

struct jit_image_part; // private to image.c

struct jit_image_writer {
    const struct wasm_module *module;
    sha256_function sha256;
    struct arena arena;
    struct jit_image_part *first;
    struct jit_image_part *last;
    u8 *open; // the part that grows; NULL: none does
    u32 open_used;
    u32 open_capacity;
    u32 open_functions;
    u32 part_count;
    u32 function_count; // in all parts
    u64 bytes;          // of all parts that are closed
    enum err err;       // the first failure: the image will not be
};

void jit_image_begin(struct jit_image_writer *writer, const struct wasm_module *module,
                     sha256_function sha256, struct memory *memory);
void jit_image_end(struct jit_image_writer *writer);

// Adds functions, and leaves out what begins at a loop; nothing of them is needed any more
// afterwards. A failure shows at the end.
void jit_image_add(struct jit_image_writer *writer, const struct jit_placed *functions, u32 count);

// The image so far; nothing is added afterwards.
//   pieces  in the writer's arena
// ERR_NOT_FOUND             it would be empty
// ERR_LIMIT, ERR_NO_MEMORY  there is none
enum err jit_image_finish(struct jit_image_writer *writer, const u8 name[JIT_IMAGE_NAME_BYTES],
                          bool is_whole, struct span **pieces, u32 *piece_count);

// ---- reading

struct jit_image {
    const struct wasm_module *module;
    sha256_function sha256;
    struct span bytes;
    bool is_whole;
    u32 part_count;
    u32 checked_count; // parts that were checked: the first ones
    u32 function_count;
    u64 next; // offset of the next part
    u8 *seen; // by defined function: it was in a part
};

// Checks header and table.
//   arena  of what the image needs while it is read: a byte for each function
// ERR_MISMATCH   it is another's, or the table is not what its hash says
// ERR_MALFORMED  it was cut short, grew, or is no image
// ERR_LIMIT      beyond core/jit/limits.h
// ERR_NO_MEMORY  the arena has no more
enum err jit_image_open(struct jit_image *image, struct span bytes,
                        const u8 name[JIT_IMAGE_NAME_BYTES], const struct wasm_module *module,
                        sha256_function sha256, struct arena *arena, struct report *report);

// Checks the next part, all of them in order: its hash, every number in it, and that no function is
// there twice. Each is a failure: ERR_MISMATCH, ERR_MALFORMED; ERR_NO_MEMORY of the arena.
//   scratch  working space; the caller drops it
enum err jit_image_check(struct jit_image *image, struct arena *scratch, struct report *report);

// Back to the first part, once all were checked.
void jit_image_rewind(struct jit_image *image);

// The functions of the next part, for jit_module_place. Their code lies in the image's bytes.
// ERR_NO_MEMORY  the arena has no more; any other of jit_image_check's too
enum err jit_image_read(struct jit_image *image, struct arena *arena, struct jit_placed **out,
                        u32 *count, struct report *report);

// Adds all parts of an image that was checked to one that is written, as they are. The image's
// bytes must stay until jit_image_end.
void jit_image_add_parts(struct jit_image_writer *writer, const struct jit_image *image);
