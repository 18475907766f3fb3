// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/perf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/report.h"
#include "core/base/text.h"
#include "core/kernel/kernel.h"

enum {
    NAME_BYTES = 512, // of a function; a longer one is cut
    CID_LETTERS = 8,  // the last of the program's name: the first are alike in all
};

static FILE *map; // locks itself at each call

enum err hosted_perf_open(struct report *report)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    (void)unlink(path); // of a process that had the number before us, if it was the same user's
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    map = file < 0 ? NULL : fdopen(file, "w");
    if (map == NULL) {
        struct span why = span_string(strerror(errno));
        if (file >= 0) {
            close(file);
        }
        return report_err_detail(report, ERR_IO, 0, "the map for perf cannot be written:", why);
    }
    setvbuf(map, NULL, _IOLBF, 0); // whole lines, also of a process that is killed
    return ERR_OK;
}

void hosted_perf_close(void)
{
    if (map != NULL) {
        fclose(map);
        map = NULL;
    }
}

static const char *kind_name(const struct kernel_code *code)
{
    switch (code->kind) {
    case KERNEL_CODE_FUNCTION:
        return "";
    case KERNEL_CODE_ENTER:
        return "(enter) ";
    case KERNEL_CODE_LEAVE:
        return "(leave) ";
    }
    return "";
}

void hosted_perf_placed(void *context, const struct kernel_code *code)
{
    (void)context;
    char buffer[NAME_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, kind_name(code));
    if (code->kind == KERNEL_CODE_FUNCTION && code->name.size != 0) {
        text_printable(&text, code->name);
    } else if (code->kind == KERNEL_CODE_FUNCTION) {
        text_string(&text, "wasm-function[");
        text_u64(&text, code->function);
        text_char(&text, ']');
    }
    size_t skip = code->cid.size < CID_LETTERS ? 0 : code->cid.size - CID_LETTERS;
    fprintf(map, "%llx %llx %s [%.*s]\n", (unsigned long long)code->start,
            (unsigned long long)code->size, text.data, (int)(code->cid.size - skip),
            (const char *)code->cid.data + skip);
}
