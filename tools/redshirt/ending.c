// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/ending.h"

#include "core/base/text.h"
#include "core/kernel/kernel.h"
#include "tools/redshirt/command.h"
#include "tools/redshirt/trace.h"

enum { WORDS_BYTES = 1024 }; // of what is said about a program's end

static int code_of_load(enum kernel_load_error error)
{
    switch (error) {
    case KERNEL_LOAD_BAD_CID:
        return EXIT_BAD_CID;
    case KERNEL_LOAD_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case KERNEL_LOAD_WRONG_BYTES:
        return EXIT_DAMAGED;
    case KERNEL_LOAD_NOT_A_PROGRAM:
        return EXIT_NOT_VALID;
    case KERNEL_LOAD_LIMIT:
        return EXIT_TOO_LARGE;
    case KERNEL_LOAD_FAILED:
        return EXIT_IO;
    case KERNEL_LOAD_NO_LOADER:
        return EXIT_NO_LOADER;
    case KERNEL_LOAD_DENIED:
        return EXIT_REFUSED;
    case KERNEL_LOAD_BUDGET:
        return EXIT_TOO_LARGE;
    }
    return EXIT_IO;
}

static const char *advice_of_load(enum kernel_load_error error)
{
    switch (error) {
    case KERNEL_LOAD_BAD_CID:
        return "a program's name looks like bafkrei...; `redshirt add FILE` prints it";
    case KERNEL_LOAD_NOT_FOUND:
        return "`redshirt add FILE` puts it into the store, `--peer ADDRESS` says who may have it";
    case KERNEL_LOAD_WRONG_BYTES:
        return "`redshirt add FILE` again replaces what is damaged";
    case KERNEL_LOAD_NOT_A_PROGRAM:
        return "a program is a WebAssembly module that exports memory and _start";
    case KERNEL_LOAD_LIMIT:
        return "a program has at most 64 MiB, 512 MiB with its code for the interpreter; what its "
               "budget says is in `redshirt grants`: docs/budgets.md";
    case KERNEL_LOAD_FAILED:
        return "try again, or look into the store with `redshirt ls --check`";
    case KERNEL_LOAD_NO_LOADER:
        return "the program store-loader has to run";
    case KERNEL_LOAD_DENIED:
        return "`redshirt grants` lists what it may have: docs/budgets.md";
    case KERNEL_LOAD_BUDGET: // not_loaded_say
        break;
    }
    return "";
}

static void not_loaded_say(const char *name, const struct kernel_ending *ending)
{
    int size = ending->text.size < WORDS_BYTES ? (int)ending->text.size : WORDS_BYTES;
    const char *text = (const char *)ending->text.data;
    if (ending->load != KERNEL_LOAD_BUDGET) {
        say("cannot run %s: %.*s; %s", name, size, text, advice_of_load(ending->load));
        return;
    }
    unsigned long long kib = ending->memory_bytes / 1024;
    say("cannot run %s: %.*s; `redshirt grant %s budget=memory:%lluKiB` leaves it so much, "
        "`redshirt run --allow budget=memory:%lluKiB %s` once",
        name, size, text, name, kib, kib, name);
}

int ending_say(const char *name, const struct kernel_ending *ending)
{
    int size = ending->text.size < WORDS_BYTES ? (int)ending->text.size : WORDS_BYTES;
    const char *text = (const char *)ending->text.data;
    switch (ending->kind) {
    case KERNEL_EXITED:
        return (int)(ending->code > 255 ? 255 : ending->code);
    case KERNEL_TRAPPED:
        say("%s was stopped by a trap: %.*s", name, size, text);
        trace_say(ending);
        return EXIT_TRAPPED;
    case KERNEL_KILLED:
        say("%s was killed", name);
        return EXIT_KILLED;
    case KERNEL_NOT_LOADED:
        not_loaded_say(name, ending);
        return code_of_load(ending->load);
    }
    return EXIT_MACHINE;
}

void ending_write(struct text *out, const struct kernel_ending *ending)
{
    switch (ending->kind) {
    case KERNEL_EXITED:
        text_string(out, "it ended with code ");
        text_u64(out, ending->code);
        return;
    case KERNEL_TRAPPED:
        text_string(out, "it was stopped by a trap: ");
        break;
    case KERNEL_KILLED:
        text_string(out, "it was killed");
        return;
    case KERNEL_NOT_LOADED:
        text_string(out, "it could not be loaded: ");
        break;
    }
    text_printable(out, ending->text);
}
