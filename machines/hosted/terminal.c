// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/terminal.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "machines/hosted/screens.h"
#include "machines/hosted/stream.h"

// What ends a process by itself; the session sees to the signals that people send.
static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT};
enum { CRASHES = COUNT_OF(crashes), STREAMS = 3 };

static struct {
    pthread_mutex_t lock; // guards what follows, but for signal handlers
    bool is_open;
    bool is_raw;
    bool is_borrowed;
    void (*returned)(void);          // NULL: nobody is told
    struct stream *streams[STREAMS]; // NULL: no program reaches it by that
    struct screens screens[STREAMS]; // each for its stream's thread
    bool is_other_screen;            // atomic
    bool is_changed;                 // atomic: the terminal may not be as it was
    struct termios before;           // constant while is_changed
    struct sigaction actions[CRASHES];
} terminal = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock(void)
{
    int failed = pthread_mutex_lock(&terminal.lock);
    ASSERT(failed == 0);
}

static void unlock(void)
{
    int failed = pthread_mutex_unlock(&terminal.lock);
    ASSERT(failed == 0);
}

// ---- settings

// A process in the background is stopped for setting its terminal, unless it does not mind.
static bool set(const struct termios *settings)
{
    sigset_t set;
    sigset_t old;
    int failed =
        sigemptyset(&set) | sigaddset(&set, SIGTTOU) | pthread_sigmask(SIG_BLOCK, &set, &old);
    ASSERT(failed == 0);
    bool done = tcsetattr(STDIN_FILENO, TCSANOW, settings) == 0;
    failed = pthread_sigmask(SIG_SETMASK, &old, NULL);
    ASSERT(failed == 0);
    return done;
}

void terminal_restore(void)
{
    if (__atomic_exchange_n(&terminal.is_changed, false, __ATOMIC_ACQ_REL)) {
        (void)set(&terminal.before);
    }
}

// Whether our process group is the one that the user talks to. A terminal that is not the session's
// own has none.
static bool is_foreground(void)
{
    pid_t group = tcgetpgrp(STDIN_FILENO);
    return group < 0 || group == getpgrp();
}

// Makes it what is wanted. The lock is held.
static enum err apply(void)
{
    if (!terminal.is_raw || terminal.is_borrowed) {
        terminal_restore();
        return ERR_OK;
    }
    if (!is_foreground()) { // who is there would lose its echo and Ctrl-C
        return ERR_IO;
    }
    struct termios raw;
    if (tcgetattr(STDIN_FILENO, &raw) != 0) {
        return ERR_NOT_FOUND;
    }
    if (!__atomic_load_n(&terminal.is_changed, __ATOMIC_ACQUIRE)) {
        terminal.before = raw;
    }
    raw.c_iflag &=
        ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | INPCK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    __atomic_store_n(&terminal.is_changed, true, __ATOMIC_RELEASE);
    if (!set(&raw)) {
        terminal_restore();
        return ERR_IO;
    }
    return ERR_OK;
}

enum err terminal_set_raw(bool raw)
{
    lock();
    bool was_raw = terminal.is_raw;
    enum err err = isatty(STDIN_FILENO) == 1 && terminal.is_open ? ERR_OK : ERR_NOT_FOUND;
    if (err == ERR_OK) {
        terminal.is_raw = raw;
        err = apply();
        terminal.is_raw = err == ERR_OK ? raw : was_raw && raw;
    }
    unlock();
    return err;
}

void terminal_borrow(bool borrow)
{
    lock();
    if (terminal.is_borrowed != borrow) {
        terminal.is_borrowed = borrow;
        if (!borrow) {
            (void)apply(); // before anybody reads or writes again
        }
        for (u32 i = 0; i < STREAMS; i++) {
            if (terminal.streams[i] != NULL) {
                stream_hold(terminal.streams[i], borrow);
            }
        }
        if (borrow) {
            (void)apply(); // it may be gone
        }
        if (!borrow && terminal.returned != NULL) {
            terminal.returned();
        }
    }
    unlock();
}

void terminal_tell(void (*returned)(void))
{
    lock();
    terminal.returned = returned;
    unlock();
}

// ---- what programs make of it

static void wrote(struct stream *stream, struct span bytes)
{
    enum screens_shown shown = screens_take(&terminal.screens[stream->file], bytes);
    if (shown != SCREENS_AS_BEFORE) {
        __atomic_store_n(&terminal.is_other_screen, shown == SCREENS_OTHER, __ATOMIC_RELEASE);
    }
}

bool terminal_is_other_screen(void)
{
    return __atomic_load_n(&terminal.is_other_screen, __ATOMIC_ACQUIRE);
}

void terminal_stream(int file, struct stream *stream)
{
    ASSERT(file >= 0 && file < STREAMS);
    if (stream != NULL) {
        stream->wrote = wrote;
    }
    lock();
    terminal.streams[file] = stream;
    unlock();
}

bool terminal_size(u32 *columns, u32 *rows)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        return false;
    }
    *columns = size.ws_col;
    *rows = size.ws_row;
    return true;
}

// ---- crashes

// Puts it back, and lets happen what would have happened: the instruction faults once more, or the
// signal comes again.
static void crashed(int number, siginfo_t *info, void *at)
{
    (void)at;
    terminal_restore();
    for (u32 i = 0; i < CRASHES; i++) {
        if (crashes[i] == number) {
            (void)sigaction(number, &terminal.actions[i], NULL);
        }
    }
    if (info->si_code <= 0) {
        (void)raise(number);
    }
}

void terminal_open(void)
{
    ASSERT(!terminal.is_open);
    struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (u32 i = 0; i < CRASHES; i++) {
        int failed = sigaction(crashes[i], &action, &terminal.actions[i]);
        ASSERT(failed == 0);
    }
    terminal.is_open = true;
}

void terminal_close(void)
{
    lock();
    terminal.is_open = false;
    terminal.is_raw = false;
    terminal.is_borrowed = false;
    terminal_restore();
    unlock();
    for (u32 i = 0; i < CRASHES; i++) {
        int failed = sigaction(crashes[i], &terminal.actions[i], NULL);
        ASSERT(failed == 0);
    }
}
