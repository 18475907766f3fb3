// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/limits.h: every bound of the shell's logic. Each is the largest value that is accepted.
#pragma once

enum {
    // ---- what is typed

    SHELL_LINE_BYTES = 4096,   // of a line in the editor, as long as a path may be. Beyond: the
                               // bell, and nothing is taken
    SHELL_PROMPT_BYTES = 256,  // of a prompt. Beyond: cut
    SHELL_SEARCH_BYTES = 128,  // of what is searched for in the history. Beyond: the bell
    SHELL_KEY_BYTES = 16,      // of what a terminal sends for one key. Beyond: no key
    SHELL_COLUMNS_MIN = 8,     // of a terminal: a wide letter and a cursor fit. Less: taken as this
    SHELL_COLUMNS_MAX = 1024,  // more is taken as this
    SHELL_ROWS_MIN = 2,        // the same for rows
    SHELL_ROWS_MAX = 1024,     //
    SHELL_LISTED_BYTES = 8192, // of a list of names to choose from. Beyond: its lines are counted
    SHELL_DRAWN_BYTES = 32768, // of one call of the editor: such a list between two drawings of the
                               // line, each with two bytes for a newline

    // ---- history

    SHELL_HISTORY_LINES = 1000,  // the oldest goes to make room
    SHELL_HISTORY_BYTES = 65536, // of them together: the same

    // ---- completion

    SHELL_CANDIDATES = 512,           // names to choose from. Beyond: only these are looked at, and
    SHELL_CANDIDATE_BYTES = 32768,    // it is said that there are more; the same for their bytes
    SHELL_CANDIDATE_NAME_BYTES = 255, // of one: the longest name of a file. Beyond: left out

    // ---- commands; beyond: ERR_LIMIT

    SHELL_COMMAND_BYTES = 16384, // of a list of commands with all its lines
    SHELL_WORDS = 1024,          // of it: the arguments that a process may have
    SHELL_COMMANDS = 64,         // of it,
    SHELL_REDIRECTS = 128,       // and redirections of them: two for each

    // ---- what words become; beyond: ERR_LIMIT

    SHELL_FIELDS = 1024,          // of one command: the arguments that a process may have
    SHELL_FIELD_BYTES = 98304,    // of them: three quarters of what a process may be told
    SHELL_VARIABLES = 256,        // of the shell, exported or not
    SHELL_VARIABLE_BYTES = 32768, // of their names and values: a quarter of the same
    SHELL_NAME_BYTES = 64,        // of a variable's name
    SHELL_PATH_BYTES = 4095,      // of a path; files.wit promises it
};
