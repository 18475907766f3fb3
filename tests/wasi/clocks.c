// SPDX-License-Identifier: GPL-3.0-or-later
// Sleeps 120 ms in three ways; each must take at least that long, on a clock that never goes back,
// and the wall clock must show this century.
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        exit(1);
    }
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void check(const char *what, long long start_us)
{
    long long took_us = now_us() - start_us;
    if (took_us < 120000 || took_us > 5000000) {
        printf("%s took %lld us\n", what, took_us);
        exit(1);
    }
}

int main(void)
{
    struct timespec wait = {0, 120000000};
    struct timespec until;
    struct timespec step;
    long long start = now_us();
    nanosleep(&wait, NULL);
    check("nanosleep", start);
    start = now_us();
    usleep(120000);
    check("usleep", start);
    clock_gettime(CLOCK_REALTIME, &until);
    if (until.tv_sec < 1700000000) {
        printf("the wall clock shows %lld\n", (long long)until.tv_sec);
        return 1;
    }
    until.tv_nsec += 120000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    start = now_us();
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
    check("clock_nanosleep", start - 1000); // the two clocks may differ by their steps
    for (int i = 0; i < 1000; i++) {
        long long before = now_us();
        if (now_us() < before) {
            puts("the monotonic clock went back");
            return 1;
        }
        sched_yield();
    }
    if (clock_getres(CLOCK_MONOTONIC, &step) != 0 || (step.tv_sec == 0 && step.tv_nsec == 0)) {
        return 1;
    }
    puts("good");
    return 0;
}
