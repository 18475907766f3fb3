// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/wasi/files.h"

#include "core/base/assert.h"
#include "core/base/mem.h"
#include "interfaces/files.h"
#include "interfaces/files_client.h"
#include "programs/wasi/bond.h"
#include "programs/wasi/descriptors.h"
#include "programs/wasi/limits.h"
#include "programs/wasi/wasi.h"

static u32 bound(void)
{
    static u32 bond;
    return bond_to(&files_interface, &bond);
}

static i32 error_errno(enum files_error error)
{
    static const u8 table[] = {
        [FILES_ERROR_DENIED] = WASI_NOTCAPABLE,
        [FILES_ERROR_NOT_OPEN] = WASI_BADF,
        [FILES_ERROR_WRONG_MODE] = WASI_BADF,
        [FILES_ERROR_READ_ONLY] = WASI_ROFS,
        [FILES_ERROR_NO_ACCESS] = WASI_ACCES,
        [FILES_ERROR_NOT_PERMITTED] = WASI_PERM,
        [FILES_ERROR_NOT_FOUND] = WASI_NOENT,
        [FILES_ERROR_EXISTS] = WASI_EXIST,
        [FILES_ERROR_NOT_FOLDER] = WASI_NOTDIR,
        [FILES_ERROR_IS_FOLDER] = WASI_ISDIR,
        [FILES_ERROR_NOT_EMPTY] = WASI_NOTEMPTY,
        [FILES_ERROR_LOOP] = WASI_LOOP,
        [FILES_ERROR_BAD_NAME] = WASI_ILSEQ,
        [FILES_ERROR_NAME_TOO_LONG] = WASI_NAMETOOLONG,
        [FILES_ERROR_INVALID] = WASI_INVAL,
        [FILES_ERROR_TOO_LARGE] = WASI_FBIG,
        [FILES_ERROR_NO_SPACE] = WASI_NOSPC,
        [FILES_ERROR_OTHER_DEVICE] = WASI_XDEV,
        [FILES_ERROR_TOO_MANY_LINKS] = WASI_MLINK,
        [FILES_ERROR_BUSY] = WASI_BUSY,
        [FILES_ERROR_LIMIT] = WASI_NFILE,
        [FILES_ERROR_UNSUPPORTED] = WASI_NOTSUP,
        [FILES_ERROR_FAILED] = WASI_IO,
    };
    ASSERT(error < COUNT_OF(table) && table[error] != WASI_OK);
    return table[error];
}

// What a call ended with: an error of sending, or of the interface.
#define OUTCOME(sent, result)                                                                      \
    ((sent) < 0 ? sent_errno(sent) : (result).ok ? (i32)WASI_OK : error_errno((result).error))

#define BUFFER message_buffer, sizeof message_buffer

static u8 filetype_of(enum files_kind kind)
{
    switch (kind) {
    case FILES_KIND_FILE:
        return WASI_FILETYPE_REGULAR_FILE;
    case FILES_KIND_FOLDER:
        return WASI_FILETYPE_DIRECTORY;
    case FILES_KIND_LINK:
        return WASI_FILETYPE_SYMBOLIC_LINK;
    case FILES_KIND_BLOCK_DEVICE:
        return WASI_FILETYPE_BLOCK_DEVICE;
    case FILES_KIND_CHARACTER_DEVICE:
        return WASI_FILETYPE_CHARACTER_DEVICE;
    case FILES_KIND_SOCKET:
        return WASI_FILETYPE_SOCKET_STREAM;
    default:
        return WASI_FILETYPE_UNKNOWN;
    }
}

// ---- what the user gave

#define RIGHTS_FOLDER                                                                              \
    (WASI_RIGHT_FD_DATASYNC | WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_SYNC |                \
     WASI_RIGHT_PATH_CREATE_DIRECTORY | WASI_RIGHT_PATH_CREATE_FILE |                              \
     WASI_RIGHT_PATH_LINK_SOURCE | WASI_RIGHT_PATH_LINK_TARGET | WASI_RIGHT_PATH_OPEN |            \
     WASI_RIGHT_FD_READDIR | WASI_RIGHT_PATH_READLINK | WASI_RIGHT_PATH_RENAME_SOURCE |            \
     WASI_RIGHT_PATH_RENAME_TARGET | WASI_RIGHT_PATH_FILESTAT_GET |                                \
     WASI_RIGHT_PATH_FILESTAT_SET_SIZE | WASI_RIGHT_PATH_FILESTAT_SET_TIMES |                      \
     WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_FD_FILESTAT_SET_TIMES | WASI_RIGHT_PATH_SYMLINK |     \
     WASI_RIGHT_PATH_REMOVE_DIRECTORY | WASI_RIGHT_PATH_UNLINK_FILE)

void folders_preopen(void)
{
    struct files_result_list_granted_error result;
    struct files_granted granted;
    if (files_folders(bound(), BUFFER, &result) < 0 || !result.ok) {
        return; // then there are none
    }
    while (files_list_granted_next(&result.value, &granted)) {
        struct descriptor descriptor = {.kind = DESCRIPTOR_FOLDER,
                                        .filetype = WASI_FILETYPE_DIRECTORY,
                                        .opened = RIGHTS_FOLDER,
                                        .rights = RIGHTS_FOLDER,
                                        .inheriting = WASI_RIGHTS,
                                        .handle = granted.folder};
        if (!descriptor_preopen(&descriptor, granted.name)) {
            return; // what is left stays open, and out of reach
        }
    }
}

u64 folder_rights(void)
{
    return RIGHTS_FOLDER;
}

// ---- handles

i32 file_close(u64 handle)
{
    struct files_close_call call = {handle};
    struct files_result_none_error result;
    i64 sent = files_close(bound(), &call, &result);
    return OUTCOME(sent, result);
}

static void filestat_of(const struct files_about *about, struct wasi_filestat *out)
{
    *out = (struct wasi_filestat){
        .device = about->device,
        .inode = about->inode,
        .filetype = filetype_of(about->kind),
        .links = about->links,
        .size = about->size,
        .accessed_ns = about->accessed,
        .modified_ns = about->modified,
        .changed_ns = about->changed,
    };
}

i32 file_about(u64 handle, struct wasi_filestat *out)
{
    struct files_status_call call = {handle};
    struct files_result_about_error result;
    i64 sent = files_status(bound(), &call, &result);
    i32 error = OUTCOME(sent, result);
    if (error == WASI_OK) {
        filestat_of(&result.value, out);
    }
    return error;
}

i32 file_read(u64 handle, u64 position, u32 max, struct span *bytes)
{
    struct files_read_call call = {handle, position, max};
    struct files_result_bytes_error result;
    *bytes = (struct span){0};
    i64 sent = files_read(bound(), BUFFER, &call, &result);
    i32 error = OUTCOME(sent, result);
    if (error == WASI_OK && result.value.size > max) {
        error = WASI_IO; // not what the interface promises
    }
    if (error == WASI_OK) {
        *bytes = result.value;
    }
    return error;
}

i32 file_write(u64 handle, u64 *position, u16 flags, struct span bytes, u32 *count)
{
    u32 most = (u32)bytes.size;
    struct files_write_call call = {.file = handle};
    call.writing.bits |= (flags & WASI_FDFLAG_APPEND) != 0 ? FILES_WRITING_APPEND : 0;
    call.writing.bits |= (flags & WASI_FDFLAG_DSYNC) != 0 ? FILES_WRITING_DATA_SYNC : 0;
    call.writing.bits |= (flags & WASI_FDFLAG_SYNC) != 0 ? FILES_WRITING_SYNC : 0;
    i32 error = WASI_OK;
    bool is_over = false;
    *count = 0;
    while (error == WASI_OK && !is_over && *count < bytes.size) {
        u32 part = (u32)bytes.size - *count;
        part = part < most ? part : most;
        call.position = *position;
        call.bytes = span_slice(bytes, *count, *count + part);
        struct files_result_written_error result;
        i64 sent = files_write(bound(), BUFFER, &call, &result);
        if (sent_halves(sent, part, &most)) {
            continue;
        }
        error = OUTCOME(sent, result);
        if (error == WASI_OK && result.value.count > part) {
            error = WASI_IO;
        }
        if (error == WASI_OK) {
            is_over = result.value.count < part;
            *count += result.value.count;
            *position = result.value.position;
        }
    }
    return error;
}

i32 file_resize(u64 handle, u64 size)
{
    struct files_resize_call call = {handle, size};
    struct files_result_none_error result;
    i64 sent = files_resize(bound(), &call, &result);
    return OUTCOME(sent, result);
}

i32 file_allocate(u64 handle, u64 position, u64 size)
{
    struct files_allocate_call call = {handle, position, size};
    struct files_result_none_error result;
    i64 sent = files_allocate(bound(), &call, &result);
    return OUTCOME(sent, result);
}

i32 file_advise(u64 handle, u64 position, u64 size, u32 advice)
{
    struct files_advise_call call = {handle, position, size, (enum files_advice)advice};
    struct files_result_none_error result;
    if (advice > FILES_ADVICE_ONCE) {
        return WASI_INVAL;
    }
    i64 sent = files_advise(bound(), &call, &result);
    return OUTCOME(sent, result);
}

i32 file_sync(u64 handle, bool data)
{
    struct files_sync_call call = {handle, data};
    struct files_result_none_error result;
    i64 sent = files_sync(bound(), &call, &result);
    return OUTCOME(sent, result);
}

static struct files_change change_of(u32 flags, u32 to, u32 now, u64 ns)
{
    struct files_change change = {.kind = FILES_CHANGE_KEEP};
    if ((flags & now) != 0) {
        change.kind = FILES_CHANGE_NOW;
    } else if ((flags & to) != 0) {
        change.kind = FILES_CHANGE_TO;
        change.as.to = ns;
    }
    return change;
}

static struct files_change accessed_of(const struct file_times *times)
{
    return change_of(times->flags, WASI_FSTFLAG_ATIM, WASI_FSTFLAG_ATIM_NOW, times->accessed_ns);
}

static struct files_change modified_of(const struct file_times *times)
{
    return change_of(times->flags, WASI_FSTFLAG_MTIM, WASI_FSTFLAG_MTIM_NOW, times->modified_ns);
}

static bool times_make_sense(const struct file_times *times)
{
    u32 accessed = WASI_FSTFLAG_ATIM | WASI_FSTFLAG_ATIM_NOW;
    u32 modified = WASI_FSTFLAG_MTIM | WASI_FSTFLAG_MTIM_NOW;
    return (times->flags & ~(u32)WASI_FSTFLAGS) == 0 && (times->flags & accessed) != accessed &&
           (times->flags & modified) != modified;
}

i32 file_times(u64 handle, const struct file_times *times)
{
    struct files_set_times_call call = {handle, accessed_of(times), modified_of(times)};
    struct files_result_none_error result;
    if (!times_make_sense(times)) {
        return WASI_INVAL;
    }
    i64 sent = files_set_times(bound(), &call, &result);
    return OUTCOME(sent, result);
}

i32 file_list(u64 folder, u64 next, u32 max, struct file_listing *out)
{
    struct files_list_call call = {folder, next, max};
    struct files_result_list_entry_error result;
    i64 sent = files_list(bound(), BUFFER, &call, &result);
    i32 error = OUTCOME(sent, result);
    *out = (struct file_listing){0};
    if (error == WASI_OK) {
        *out = (struct file_listing){result.value.count, result.value.encoded};
    }
    return error;
}

bool file_entry(struct file_listing *listing, struct file_entry *out)
{
    struct files_list_entry list = {.count = listing->count, .encoded = listing->encoded};
    struct files_entry entry;
    if (!files_list_entry_next(&list, &entry)) {
        return false;
    }
    *listing = (struct file_listing){list.count, list.encoded};
    *out = (struct file_entry){entry.name, entry.inode, entry.next, filetype_of(entry.kind)};
    return true;
}

// ---- paths

i32 file_open(struct file_path path, struct file_how how, u64 *handle, u8 *filetype)
{
    struct files_open_call call = {path.folder, path.path, {0}};
    call.how.bits |= how.reads ? FILES_HOW_READ : 0;
    call.how.bits |= how.writes ? FILES_HOW_WRITE : 0;
    call.how.bits |= how.follows ? FILES_HOW_FOLLOW : 0;
    call.how.bits |= (how.oflags & WASI_OFLAG_CREAT) != 0 ? FILES_HOW_CREATE : 0;
    // without the other it says nothing
    u32 makes = WASI_OFLAG_CREAT | WASI_OFLAG_EXCL;
    call.how.bits |= (how.oflags & makes) == makes ? FILES_HOW_EXCLUSIVE : 0;
    call.how.bits |= (how.oflags & WASI_OFLAG_TRUNC) != 0 ? FILES_HOW_TRUNCATE : 0;
    call.how.bits |= (how.oflags & WASI_OFLAG_DIRECTORY) != 0 ? FILES_HOW_FOLDER : 0;
    struct files_result_opened_error result;
    i64 sent = files_open(bound(), BUFFER, &call, &result);
    i32 error = OUTCOME(sent, result);
    if (error == WASI_OK) {
        *handle = result.value.handle;
        *filetype = filetype_of(result.value.kind);
    }
    return error;
}

i32 file_path_about(struct file_path path, bool follow, struct wasi_filestat *out)
{
    struct files_path_status_call call = {path.folder, path.path, follow};
    struct files_result_about_error result;
    i64 sent = files_path_status(bound(), BUFFER, &call, &result);
    i32 error = OUTCOME(sent, result);
    if (error == WASI_OK) {
        filestat_of(&result.value, out);
    }
    return error;
}

i32 file_path_times(struct file_path path, bool follow, const struct file_times *times)
{
    struct files_path_set_times_call call = {path.folder, path.path, follow, accessed_of(times),
                                             modified_of(times)};
    struct files_result_none_error result;
    if (!times_make_sense(times)) {
        return WASI_INVAL;
    }
    i64 sent = files_path_set_times(bound(), BUFFER, &call, &result);
    return OUTCOME(sent, result);
}

i32 file_folder_make(struct file_path path)
{
    struct files_create_folder_call call = {path.folder, path.path};
    struct files_result_none_error result;
    i64 sent = files_create_folder(bound(), BUFFER, &call, &result);
    return OUTCOME(sent, result);
}

i32 file_folder_remove(struct file_path path)
{
    struct files_remove_folder_call call = {path.folder, path.path};
    struct files_result_none_error result;
    i64 sent = files_remove_folder(bound(), BUFFER, &call, &result);
    return OUTCOME(sent, result);
}

i32 file_remove(struct file_path path)
{
    struct files_remove_file_call call = {path.folder, path.path};
    struct files_result_none_error result;
    i64 sent = files_remove_file(bound(), BUFFER, &call, &result);
    return OUTCOME(sent, result);
}

i32 file_rename(struct file_path from, struct file_path to)
{
    struct files_rename_call call = {from.folder, from.path, to.folder, to.path};
    struct files_result_none_error result;
    i64 sent = files_rename(bound(), BUFFER, &call, &result);
    return OUTCOME(sent, result);
}

i32 file_link(struct file_path from, struct file_path to)
{
    struct files_link_call call = {from.folder, from.path, to.folder, to.path};
    struct files_result_none_error result;
    i64 sent = files_link(bound(), BUFFER, &call, &result);
    return OUTCOME(sent, result);
}

i32 file_link_make(struct file_path path, struct span target)
{
    struct files_create_link_call call = {path.folder, path.path, target};
    struct files_result_none_error result;
    i64 sent = files_create_link(bound(), BUFFER, &call, &result);
    return OUTCOME(sent, result);
}

i32 file_link_read(struct file_path path, struct span *target)
{
    struct files_read_link_call call = {path.folder, path.path};
    struct files_result_bytes_error result;
    i64 sent = files_read_link(bound(), BUFFER, &call, &result);
    i32 error = OUTCOME(sent, result);
    *target = error == WASI_OK ? result.value : (struct span){0};
    return error;
}
