// SPDX-License-Identifier: GPL-3.0-or-later
// Bodies that attract each other: f64 with divisions and square roots, structs in memory.
#include "tests/bench/kernels/kernel.h"

enum { BODIES = 6 };

struct body {
    f64 position[3];
    f64 speed[3];
    f64 mass;
};

static struct body bodies[BODIES];

static void place(void)
{
    u64 state = 3;
    for (u32 i = 0; i < BODIES; i++) {
        for (u32 k = 0; k < 3; k++) {
            bodies[i].position[k] = (f64)(i32)(kernel_random(&state) >> 48) / 4096 - 8;
            bodies[i].speed[k] = (f64)(i32)(kernel_random(&state) >> 52) / 65536;
        }
        bodies[i].mass = 0.1 * (i + 1);
    }
}

static void advance(f64 step)
{
    for (u32 i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (u32 j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            f64 x = a->position[0] - b->position[0];
            f64 y = a->position[1] - b->position[1];
            f64 z = a->position[2] - b->position[2];
            f64 square = x * x + y * y + z * z + 0.01;
            f64 pull = step / (square * __builtin_sqrt(square));
            a->speed[0] -= x * b->mass * pull;
            a->speed[1] -= y * b->mass * pull;
            a->speed[2] -= z * b->mass * pull;
            b->speed[0] += x * a->mass * pull;
            b->speed[1] += y * a->mass * pull;
            b->speed[2] += z * a->mass * pull;
        }
    }
    for (u32 i = 0; i < BODIES; i++) {
        for (u32 k = 0; k < 3; k++) {
            bodies[i].position[k] += step * bodies[i].speed[k];
        }
    }
}

u64 KERNEL_RUN(u32 n)
{
    u64 sum = 0;
    place();
    for (u32 i = 0; i < n; i++) {
        advance(0.005);
    }
    for (u32 i = 0; i < BODIES; i++) {
        for (u32 k = 0; k < 3; k++) {
            sum = kernel_fold(sum, kernel_bits(bodies[i].position[k]));
        }
    }
    return sum;
}
