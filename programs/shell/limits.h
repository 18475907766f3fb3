// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell/limits.h: every bound of the program beside those of lib/shell.
#pragma once

enum {
    SHELL_JOBS = 32,       // at once, the one in front among them. Beyond: it is not started
    SHELL_CHILDREN = 128,  // of all jobs: two pipelines of the longest kind. Beyond: the same
    SHELL_PUMPS = 128,     // redirections under way, each with a pipe: as many again. Beyond: the
                           // same
    SHELL_JOB_BYTES = 256, // of a job's text, as `jobs` shows it. Beyond: cut
    SHELL_NAME_SHOWN = 64, // of a program's name in messages about it. Beyond: cut
    SHELL_FOLDERS = 64,    // that were given to the shell. Beyond: the others are not seen
    SHELL_PIECE_BYTES = 65536,    // of one read or write, as stdio, files and processes have it
    SHELL_LIST_BYTES = 32768,     // of a folder's entries at once; files.wit promises it
    SHELL_OUTPUT_BYTES = 131072,  // of one builtin: all of the history twice. Beyond: cut, and said
    SHELL_SCRIPT_BYTES = 1 << 20, // of a script in a file. Beyond: it is not run
    SHELL_PROGRAM_BYTES =
        64 << 20, // of a program in a file, as the kernel takes them. Beyond: refused
    SHELL_NAMES_BYTES = 1 << 16, // of an answer of `names`: 256 of the longest, and what is around
    SHELL_TYPED_BYTES = 4096,    // of one read of a terminal
    SHELL_ERROR_BYTES = 512,     // of one message of ours. Beyond: cut
};
