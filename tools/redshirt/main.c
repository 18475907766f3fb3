// SPDX-License-Identifier: GPL-3.0-or-later
// The command: finds what is asked for in a table and does it.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "machines/hosted/platform.h"
#include "tools/redshirt/command.h"

static const struct command *const commands[] = {
    &command_run,       &command_shell,  &command_replay, &command_up,      &command_demo,
    &command_serve,     &command_add,    &command_get,    &command_list,    &command_pin,
    &command_unpin,     &command_peers,  &command_why,    &command_publish, &command_network,
    &command_interface, &command_grants, &command_grant,  &command_revoke,  &command_ps,
    &command_top,       &command_log,    &command_kill,   &command_replace,
};

static void help_print(FILE *to)
{
    fputs("Usage: redshirt COMMAND [OPTIONS] [ARGUMENTS]\n"
          "\n"
          "An operating system in which every program is WebAssembly, named by the hash of its "
          "bytes.\n"
          "\n"
          "Commands:\n",
          to);
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("\n"
          "`redshirt COMMAND --help` tells more about each; so does `man redshirt`.\n"
          "REDSHIRT_HOME names the folder of the store (default: $XDG_DATA_HOME/redshirt,\n"
          "else ~/.local/share/redshirt).\n",
          to);
}

static int command_call(const struct command *command, int count, char **arguments)
{
    // Right behind the command only: further on, `--help` is an argument of the program that runs.
    if (count > 0 && (strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "-h") == 0)) {
        fputs(command->help, stdout);
        return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_IO;
    }
    return command->run(command, count, arguments);
}

// Who starts us may have closed 0, 1 or 2, and the next file opened would take the number. Opened
// the wrong way round, they stay closed to whoever reads or writes.
static bool standard_files_hold(void)
{
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++) {
        int flags = file == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (fcntl(file, F_GETFD) < 0 && open("/dev/null", flags) != file) {
            return false;
        }
    }
    return true;
}

int main(int count, char **arguments)
{
    if (!standard_files_hold()) {
        return EXIT_MACHINE; // and nowhere to say so
    }
    // Who reads our output may leave; writing then fails, and whoever wrote is told.
    signal(SIGPIPE, SIG_IGN);
    if (count < 2) {
        help_print(stderr);
        return EXIT_USAGE;
    }
    const char *name = arguments[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        help_print(stdout);
        return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_IO;
    }
    if (strcmp(name, "--version") == 0) {
        puts("redshirt " REDSHIRT_VERSION);
        return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_IO;
    }
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(name, commands[i]->name) == 0) {
            return command_call(commands[i], count - 2, arguments + 2);
        }
    }
    say("there is no command \"%s\"; `redshirt --help` lists what there is", name);
    return EXIT_USAGE;
}
