// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/shell/folders.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/memory.h"
#include "interfaces/files.h"
#include "interfaces/files_client.h"
#include "interfaces/files_section.h"
#include "lib/shell/path.h"
#include "programs/rt/redshirt.h"
#include "programs/shell/limits.h"
#include "programs/shell/shell.h"

enum { FRAME_BYTES = 4096 + 64 }; // of a call with a path, and around what is read or listed

struct folder {
    u64 handle;
    struct path path;
};

static struct folder folders[SHELL_FOLDERS];
static u32 count;
static u8 buffer[SHELL_PIECE_BYTES + FRAME_BYTES];

const char *folders_word(u32 error)
{
    static const char *const words[] = {
        [FILES_ERROR_DENIED] = "it leads out of the folder",
        [FILES_ERROR_NOT_OPEN] = "it is not open",
        [FILES_ERROR_WRONG_MODE] = "not opened for that",
        [FILES_ERROR_READ_ONLY] = "the folder is read-only",
        [FILES_ERROR_NO_ACCESS] = "no permission",
        [FILES_ERROR_NOT_PERMITTED] = "not permitted",
        [FILES_ERROR_NOT_FOUND] = "no such file or folder",
        [FILES_ERROR_EXISTS] = "it exists",
        [FILES_ERROR_NOT_FOLDER] = "not a folder",
        [FILES_ERROR_IS_FOLDER] = "it is a folder",
        [FILES_ERROR_NOT_EMPTY] = "the folder is not empty",
        [FILES_ERROR_LOOP] = "too many links",
        [FILES_ERROR_BAD_NAME] = "not a name of a file",
        [FILES_ERROR_NAME_TOO_LONG] = "the name is too long",
        [FILES_ERROR_TOO_LARGE] = "the file would be too large",
        [FILES_ERROR_NO_SPACE] = "no space is left",
        [FILES_ERROR_BUSY] = "it is busy",
        [FILES_ERROR_LIMIT] = "too many files are open",
        [FILES_ERROR_UNSUPPORTED] = "not possible with this",
    };
    const char *word = error < COUNT_OF(words) ? words[error] : NULL;
    return word == NULL ? "the machine failed" : word;
}

void folders_init(void)
{
    struct files_result_list_granted_error result;
    if (shell.files < 0 || files_folders((u32)shell.files, buffer, sizeof buffer, &result) < 0 ||
        !result.ok) {
        return;
    }
    struct files_granted granted;
    while (count < SHELL_FOLDERS && files_list_granted_next(&result.value, &granted)) {
        struct folder *folder = &folders[count];
        folder->handle = granted.folder;
        // "notes" and "." are below the root, as WASI programs see them
        count += path_join(SPAN_LITERAL("/"), granted.name, &folder->path) == ERR_OK;
    }
}

u32 folders_count(void)
{
    return count;
}

struct span folders_path(u32 index)
{
    ASSERT(index < count);
    return path_span(&folders[index].path);
}

// The folder that a path lies in: the one with the longest name.
//   rest  receives the path in it, "." for itself
static const struct folder *folder_of(struct span path, struct span *rest)
{
    const struct folder *found = NULL;
    for (u32 i = 0; i < count; i++) {
        struct span below;
        bool is_in = path_below(path, path_span(&folders[i].path), &below);
        if (is_in && (found == NULL || folders[i].path.size > found->path.size)) {
            found = &folders[i];
            *rest = below.size == 0 ? SPAN_LITERAL(".") : below;
        }
    }
    return found;
}

// Whether a path is on the way from the root to a folder; `name` receives what comes next.
static bool is_above(struct span path, u32 index, struct span *name)
{
    struct span rest;
    if (!path_below(path_span(&folders[index].path), path, &rest) || rest.size == 0) {
        return false;
    }
    size_t size = 0;
    while (size < rest.size && rest.data[size] != '/') {
        size++;
    }
    *name = span_slice(rest, 0, size);
    return true;
}

static bool is_above_any(struct span path)
{
    struct span name;
    bool found = path.size == 1; // the root is always there
    for (u32 i = 0; i < count && !found; i++) {
        found = is_above(path, i, &name);
    }
    return found;
}

static const char *open_path(struct span path, u8 how, u64 *handle)
{
    struct span rest;
    const struct folder *folder = folder_of(path, &rest);
    if (folder == NULL) {
        return "it is in no folder that the shell may use";
    }
    struct files_open_call call = {folder->handle, rest, {how | FILES_HOW_FOLLOW}};
    struct files_result_opened_error result;
    i64 error = files_open((u32)shell.files, buffer, sizeof buffer, &call, &result);
    if (error < 0 || !result.ok) {
        return folders_word(error < 0 ? FILES_ERROR_FAILED : result.error);
    }
    bool is_folder = result.value.kind == FILES_KIND_FOLDER;
    if (is_folder != ((how & FILES_HOW_FOLDER) != 0)) {
        folders_close(result.value.handle);
        return folders_word(is_folder ? FILES_ERROR_IS_FOLDER : FILES_ERROR_NOT_FOLDER);
    }
    *handle = result.value.handle;
    return NULL;
}

const char *folders_open(struct span path, enum open_how how, u64 *handle)
{
    static const u8 hows[] = {
        [OPEN_READ] = FILES_HOW_READ,
        [OPEN_WRITE] = FILES_HOW_WRITE | FILES_HOW_CREATE | FILES_HOW_TRUNCATE,
        [OPEN_APPEND] = FILES_HOW_WRITE | FILES_HOW_CREATE,
    };
    return open_path(path, hows[how], handle);
}

void folders_close(u64 handle)
{
    struct files_close_call call = {handle};
    struct files_result_none_error result;
    (void)files_close((u32)shell.files, &call, &result);
}

const char *folders_look(struct span path, bool *is_folder, u64 *size)
{
    struct span rest;
    const struct folder *folder = folder_of(path, &rest);
    *is_folder = true;
    *size = 0;
    if (folder == NULL) {
        return is_above_any(path) ? NULL : folders_word(FILES_ERROR_NOT_FOUND);
    }
    struct files_path_status_call call = {folder->handle, rest, true};
    struct files_result_about_error result;
    i64 error = files_path_status((u32)shell.files, buffer, sizeof buffer, &call, &result);
    if (error < 0 || !result.ok) {
        bool is_there = is_above_any(path);
        return is_there ? NULL : folders_word(error < 0 ? FILES_ERROR_FAILED : result.error);
    }
    *is_folder = result.value.kind == FILES_KIND_FOLDER;
    *size = result.value.size;
    return NULL;
}

// One listing's worth of entries.
//   next  where it goes on; receives where the next one does
static const char *list_piece(u64 handle, u64 *next, struct span folder, folders_tell *tell,
                              void *context, bool *is_over)
{
    static u8 listed[SHELL_LIST_BYTES + FRAME_BYTES]; // `tell` may ask for more
    struct files_list_call call = {handle, *next, SHELL_LIST_BYTES};
    struct files_result_list_entry_error result;
    i64 error = files_list((u32)shell.files, listed, sizeof listed, &call, &result);
    if (error < 0 || !result.ok) {
        return folders_word(error < 0 ? FILES_ERROR_FAILED : result.error);
    }
    *is_over = result.value.count == 0;
    struct files_entry entry;
    while (!*is_over && files_list_entry_next(&result.value, &entry)) {
        *next = entry.next;
        bool is_own =
            span_equal(entry.name, SPAN_LITERAL(".")) || span_equal(entry.name, SPAN_LITERAL(".."));
        if (is_own) {
            continue;
        }
        bool is_folder = entry.kind == FILES_KIND_FOLDER;
        if (entry.kind == FILES_KIND_LINK || entry.kind == FILES_KIND_UNKNOWN) {
            static struct path path;
            u64 size;
            bool leads = path_join(folder, entry.name, &path) == ERR_OK &&
                         folders_look(path_span(&path), &is_folder, &size) == NULL;
            is_folder = leads && is_folder;
        }
        *is_over = !tell(context, entry.name, is_folder);
    }
    return NULL;
}

const char *folders_list(struct span path, folders_tell *tell, void *context)
{
    u64 handle;
    for (u32 i = 0; i < count; i++) {
        struct span name;
        if (is_above(path, i, &name) && !tell(context, name, true)) {
            return NULL;
        }
    }
    const char *word = open_path(path, FILES_HOW_READ | FILES_HOW_FOLDER, &handle);
    if (word != NULL) {
        return is_above_any(path) ? NULL : word;
    }
    u64 next = 0;
    bool is_over = false;
    while (word == NULL && !is_over) {
        word = list_piece(handle, &next, path, tell, context, &is_over);
    }
    folders_close(handle);
    return word;
}

const char *folders_read(u64 handle, u64 position, size_t most, struct span *bytes)
{
    *bytes = (struct span){0};
    u8 *block = most == 0 ? NULL : memory_take(rt_memory(), most);
    size_t size = 0;
    if (block == NULL) {
        return most == 0 ? NULL : "there is not enough memory";
    }
    while (size < most) {
        u32 piece = most - size < SHELL_PIECE_BYTES ? (u32)(most - size) : SHELL_PIECE_BYTES;
        struct files_read_call call = {handle, position + size, piece};
        struct files_result_bytes_error result;
        i64 error = files_read((u32)shell.files, buffer, sizeof buffer, &call, &result);
        if (error < 0 || !result.ok || result.value.size > piece) {
            memory_give(rt_memory(), block, most);
            return folders_word(error < 0 || result.ok ? FILES_ERROR_FAILED : result.error);
        }
        if (result.value.size == 0) {
            break;
        }
        mem_copy(block + size, result.value.data, result.value.size);
        size += result.value.size;
    }
    block = rt_memory()->resize(rt_memory(), block, most, size); // shrinks in place
    *bytes = span_of(block, size);
    return NULL;
}

const char *folders_add(u64 handle, struct span bytes)
{
    while (bytes.size > 0) {
        size_t piece = bytes.size < SHELL_PIECE_BYTES ? bytes.size : SHELL_PIECE_BYTES;
        struct files_write_call call = {
            handle, 0, {FILES_WRITING_APPEND}, span_slice(bytes, 0, piece)};
        struct files_result_written_error result;
        i64 error = files_write((u32)shell.files, buffer, sizeof buffer, &call, &result);
        if (error < 0 || !result.ok || result.value.count == 0 || result.value.count > piece) {
            return folders_word(error < 0 || result.ok ? FILES_ERROR_FAILED : result.error);
        }
        bytes = span_slice(bytes, result.value.count, bytes.size);
    }
    return NULL;
}
