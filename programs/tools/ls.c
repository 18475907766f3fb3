// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/ls.c: lists folders. There are no owners and no modes here: a long line has the
// kind, the count of links, the size, the time of the last change and the name.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/text.h"
#include "programs/tools/common/folder.h"
#include "programs/tools/common/options.h"
#include "programs/tools/common/out.h"
#include "programs/tools/common/tool.h"

const struct tool tool = {
    "ls",
    "Usage: ls [-aACdFhlRrSt1] [PATH...]\n"
    "\n"
    "Lists the entries of each folder, or the file itself; without one, of the current folder.\n"
    "\n"
    "  -a  also those that begin with a dot; -A: but . and ..\n"
    "  -l  a line for each: kind, links, bytes, time (UTC), name; -h: bytes as 1.5K, 2M\n"
    "  -d  the folders themselves, not what is in them\n"
    "  -R  what is in the folders below, too\n"
    "  -t  in order of time, newest first; -S: of size, largest first; -r: the other way round\n"
    "  -F  puts / behind folders and @ behind links\n"
    "  -1  one in each line; -C: in columns, as on a terminal\n",
    2,
};

enum { COLUMNS_DEFAULT = 80, RECENT_SECONDS = 31556952 / 2, SIZE_BYTES = 24 };

static bool has_option[128];

struct entry {
    char *name;
    bool has_status;
    u8 kind; // DT_*
    struct stat status;
};

struct listing {
    struct entry *entries;
    size_t count;
    size_t room;
};

static bool failed;

// ---- entries

static bool needs_status(void)
{
    return has_option['l'] || has_option['t'] || has_option['S'];
}

static struct entry *entry_add(struct listing *listing, const char *name, u8 kind)
{
    if (listing->count == listing->room) {
        listing->room = listing->room * 2 + 16;
        listing->entries = tool_memory(listing->entries, listing->room * sizeof *listing->entries);
    }
    struct entry *entry = &listing->entries[listing->count++];
    *entry = (struct entry){.kind = kind};
    entry->name = strcpy(tool_memory(NULL, strlen(name) + 1), name);
    return entry;
}

static void status_take(struct entry *entry, const struct stat *status)
{
    entry->status = *status;
    entry->has_status = true;
    entry->kind = S_ISDIR(status->st_mode) ? DT_DIR : S_ISLNK(status->st_mode) ? DT_LNK : DT_REG;
}

static void listing_free(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->entries[i].name);
    }
    free(listing->entries);
    *listing = (struct listing){0};
}

static int compare_upward(const struct entry *a, const struct entry *b)
{
    if (has_option['S'] && a->status.st_size != b->status.st_size) {
        return a->status.st_size > b->status.st_size ? -1 : 1;
    }
    struct timespec one = a->status.st_mtim;
    struct timespec other = b->status.st_mtim;
    if (has_option['t'] && one.tv_sec != other.tv_sec) {
        return one.tv_sec > other.tv_sec ? -1 : 1;
    }
    if (has_option['t'] && one.tv_nsec != other.tv_nsec) {
        return one.tv_nsec > other.tv_nsec ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static int compare(const void *a, const void *b)
{
    return has_option['r'] ? compare_upward(b, a) : compare_upward(a, b);
}

// ---- lines

static struct text size_text(char bytes[SIZE_BYTES], const struct entry *entry)
{
    struct text text = text_over(bytes, SIZE_BYTES);
    if (!entry->has_status) {
        text_char(&text, '?');
    } else if (has_option['h']) {
        out_text_human(&text, (u64)entry->status.st_size);
    } else {
        text_u64(&text, (u64)entry->status.st_size);
    }
    return text;
}

static void time_put(const struct entry *entry)
{
    char shown[32] = "           ?";
    struct tm parts;
    time_t now = time(NULL);
    time_t when = entry->status.st_mtim.tv_sec;
    if (entry->has_status && gmtime_r(&when, &parts) != NULL) {
        bool is_recent = when <= now && now - when < RECENT_SECONDS;
        (void)strftime(shown, sizeof shown, is_recent ? "%b %e %H:%M" : "%b %e  %Y", &parts);
    }
    out_string(shown);
}

static void name_put(const struct entry *entry)
{
    out_name(entry->name);
    if (has_option['F'] && entry->kind == DT_DIR) {
        out_char('/');
    } else if (has_option['F'] && entry->kind == DT_LNK && !has_option['l']) {
        out_char('@');
    }
}

static void link_put(const char *folder, const struct entry *entry)
{
    static struct path path;
    static char holds[TOOL_PATH_BYTES];
    ssize_t size = -1;
    bool has_path = folder == NULL ? path_set(&path, entry->name)
                                   : path_set(&path, folder) && path_add(&path, entry->name);
    if (has_path) {
        size = readlink(path.text, holds, sizeof holds - 1);
    }
    out_string(" -> ");
    if (size >= 0) {
        holds[size] = 0;
        out_name(holds);
    } else {
        out_char('?');
    }
}

static void lines_put(const char *folder, const struct listing *listing)
{
    size_t size_width = 1;
    u64 links_most = 0;
    size_t links_width = 1;
    char bytes[SIZE_BYTES];
    for (size_t i = 0; i < listing->count; i++) {
        const struct entry *entry = &listing->entries[i];
        size_t width = size_text(bytes, entry).size;
        size_width = width > size_width ? width : size_width;
        links_most = entry->status.st_nlink > links_most ? entry->status.st_nlink : links_most;
    }
    for (; links_most >= 10; links_most /= 10) {
        links_width++;
    }
    for (size_t i = 0; i < listing->count; i++) {
        const struct entry *entry = &listing->entries[i];
        struct text size = size_text(bytes, entry);
        out_char(entry->kind == DT_DIR ? 'd' : entry->kind == DT_LNK ? 'l' : '-');
        out_char(' ');
        out_u64(entry->status.st_nlink, links_width);
        out_char(' ');
        out_blanks(size.size, size_width);
        out_bytes(size.data, size.size);
        out_char(' ');
        time_put(entry);
        out_char(' ');
        name_put(entry);
        if (entry->kind == DT_LNK) {
            link_put(folder, entry);
        }
        out_char('\n');
    }
}

// Down the columns, as many as fit, all of one width.
static void columns_put(const struct listing *listing)
{
    const char *said = getenv("COLUMNS");
    u64 across;
    if (said == NULL || !tool_number(said, &across) || across > 10000) {
        across = COLUMNS_DEFAULT;
    }
    size_t width = 1;
    for (size_t i = 0; i < listing->count; i++) {
        size_t each = out_name_width(listing->entries[i].name) + has_option['F'] + 2;
        width = each > width ? each : width;
    }
    size_t columns = across / width == 0 ? 1 : (size_t)(across / width);
    size_t lines = (listing->count + columns - 1) / columns;
    for (size_t line = 0; line < lines; line++) {
        for (size_t i = line; i < listing->count; i += lines) {
            const struct entry *entry = &listing->entries[i];
            name_put(entry);
            if (i + lines < listing->count) {
                bool has_mark = has_option['F'] && entry->kind != DT_REG;
                out_blanks(out_name_width(entry->name) + has_mark, width);
            }
        }
        out_char('\n');
    }
}

static void listing_put(const char *folder, struct listing *listing)
{
    qsort(listing->entries, listing->count, sizeof *listing->entries, compare);
    if (has_option['l']) {
        lines_put(folder, listing);
    } else if (has_option['C']) {
        columns_put(listing);
    } else {
        for (size_t i = 0; i < listing->count; i++) {
            name_put(&listing->entries[i]);
            out_char('\n');
        }
    }
}

// ---- folders

static void below_add(struct listing *listing, struct path *path, const char *name, u8 kind)
{
    struct stat status;
    struct entry *entry = entry_add(listing, name, kind);
    size_t size = path->size;
    if (needs_status() && path_add(path, name)) {
        if (lstat(path->text, &status) == 0) {
            status_take(entry, &status);
        } else if (errno != ENOTCAPABLE) { // what is around the folder that was given
            tool_say_error(path->text);
            failed = true;
        }
        path_cut(path, size);
    }
}

// The folders in it go, the first last, to where the next is taken from.
static void below_keep(struct listing *pending, const struct listing *listing, struct path *path)
{
    for (size_t i = listing->count; i-- > 0;) {
        const struct entry *entry = &listing->entries[i];
        size_t size = path->size;
        bool is_dots = strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0;
        if (entry->kind == DT_DIR && !is_dots && path_add(path, entry->name)) {
            (void)entry_add(pending, path->text, DT_DIR);
            path_cut(path, size);
        }
    }
}

static void folder_put(const char *name, struct listing *pending)
{
    static struct path path;
    struct folder folder;
    struct listing listing = {0};
    if (!path_set(&path, name) || !folder_read(&folder, name)) {
        failed = true;
        return;
    }
    if (has_option['a']) {
        below_add(&listing, &path, ".", DT_DIR);
        below_add(&listing, &path, "..", DT_DIR);
    }
    for (size_t i = 0; i < folder.count; i++) {
        if (folder.names[i].name[0] != '.' || has_option['a'] || has_option['A']) {
            below_add(&listing, &path, folder.names[i].name, folder.names[i].kind);
        }
    }
    folder_free(&folder);
    listing_put(name, &listing);
    if (has_option['R']) {
        below_keep(pending, &listing, &path);
    }
    listing_free(&listing);
}

// Those named on the command line: files at once, folders when their turn comes.
static void operand_take(const char *path, struct listing *files, struct listing *folders)
{
    struct stat status;
    bool follows = !has_option['l'] && !has_option['d'];
    int result = follows ? stat(path, &status) : -1;
    if (result != 0 && lstat(path, &status) != 0) {
        tool_say_error(path);
        failed = true;
        return;
    }
    bool is_listed = S_ISDIR(status.st_mode) && !has_option['d'];
    status_take(entry_add(is_listed ? folders : files, path, DT_UNKNOWN), &status);
}

static void folders_put(struct listing *folders, bool has_names, bool is_behind)
{
    qsort(folders->entries, folders->count, sizeof *folders->entries, compare);
    for (size_t i = 0; i < folders->count / 2; i++) { // the first is taken from the end
        struct entry last = folders->entries[folders->count - 1 - i];
        folders->entries[folders->count - 1 - i] = folders->entries[i];
        folders->entries[i] = last;
    }
    while (folders->count != 0) {
        char *name = folders->entries[--folders->count].name;
        if (has_names) {
            out_string(is_behind ? "\n" : "");
            out_name(name);
            out_string(":\n");
        }
        folder_put(name, folders);
        is_behind = true;
        free(name);
    }
}

int tool_main(int count, char **words)
{
    struct options options;
    struct listing files = {0};
    struct listing folders = {0};
    char letter;
    path_begin();
    options_begin(&options, count, words, "aACdFhlRrSt1");
    has_option['C'] = out_is_terminal();
    while ((letter = options_next(&options)) != 0) {
        has_option[(u8)letter] = true;
        has_option['C'] = letter == 'C' || (has_option['C'] && letter != '1' && letter != 'l');
        has_option['l'] = has_option['l'] && letter != 'C';
    }
    for (int i = 0; i < options.operand_count; i++) {
        operand_take(options.words[i], &files, &folders);
    }
    if (options.operand_count == 0) {
        operand_take(".", &files, &folders);
    }
    listing_put(NULL, &files);
    bool has_names = options.operand_count > 1 || has_option['R'];
    folders_put(&folders, has_names, files.count != 0);
    return failed ? 2 : 0;
}
