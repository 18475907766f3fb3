// SPDX-License-Identifier: GPL-3.0-or-later
// The cosine transform of 8 x 8 pixels and back with fixed point, as pictures are packed.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

enum { SIDE = 8, BITS = 12 };

static const i32 cosines[SIDE][SIDE] = {
    {1448, 1448, 1448, 1448, 1448, 1448, 1448, 1448},
    {2009, 1703, 1138, 400, -400, -1138, -1703, -2009},
    {1892, 784, -784, -1892, -1892, -784, 784, 1892},
    {1703, -400, -2009, -1138, 1138, 2009, 400, -1703},
    {1448, -1448, -1448, 1448, 1448, -1448, -1448, 1448},
    {1138, -2009, 400, 1703, -1703, -400, 2009, -1138},
    {784, -1892, 1892, -784, -784, 1892, -1892, 784},
    {400, -1138, 1703, -2009, 2009, -1703, 1138, -400},
};
static const u8 steps[SIDE] = {3, 5, 7, 9, 12, 16, 21, 27};
static i16 block[SIDE][SIDE];
static i32 half[SIDE][SIDE];
static u8 image[64][64];

static void forward(u32 x, u32 y)
{
    for (u32 row = 0; row < SIDE; row++) {
        for (u32 k = 0; k < SIDE; k++) {
            i32 total = 0;
            for (u32 i = 0; i < SIDE; i++) {
                total += cosines[k][i] * (image[y + row][x + i] - 128);
            }
            half[row][k] = (total + (1 << (BITS - 1))) >> BITS;
        }
    }
    for (u32 column = 0; column < SIDE; column++) {
        for (u32 k = 0; k < SIDE; k++) {
            i32 total = 0;
            for (u32 i = 0; i < SIDE; i++) {
                total += cosines[k][i] * half[i][column];
            }
            i32 step = steps[(k + column) / 2];
            block[k][column] = (i16)((total >> BITS) / step * step);
        }
    }
}

static void backward(u32 x, u32 y)
{
    for (u32 column = 0; column < SIDE; column++) {
        for (u32 i = 0; i < SIDE; i++) {
            i32 total = 0;
            for (u32 k = 0; k < SIDE; k++) {
                total += cosines[k][i] * block[k][column];
            }
            half[i][column] = total >> BITS;
        }
    }
    for (u32 row = 0; row < SIDE; row++) {
        for (u32 i = 0; i < SIDE; i++) {
            i32 total = 0;
            for (u32 k = 0; k < SIDE; k++) {
                total += cosines[k][i] * half[row][k];
            }
            i32 pixel = (total >> BITS) + 128;
            image[y + row][x + i] = (u8)(pixel < 0 ? 0 : pixel > 255 ? 255 : pixel);
        }
    }
}

u64 KERNEL_RUN(u32 n)
{
    u64 sum = 0;
    for (u32 y = 0; y < 64; y++) {
        for (u32 x = 0; x < 64; x++) {
            image[y][x] = (u8)(x * y + (x ^ y) * 3);
        }
    }
    for (u32 turn = 0; turn < n; turn++) {
        for (u32 y = 0; y < 64; y += SIDE) {
            for (u32 x = 0; x < 64; x += SIDE) {
                forward(x, y);
                backward(x, y);
                sum = kernel_fold(sum, image[y + turn % SIDE][x]);
            }
        }
        image[turn % 64][turn / 64 % 64] ^= 64;
    }
    return sum;
}
