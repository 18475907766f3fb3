// SPDX-License-Identifier: GPL-3.0-or-later
// A small stack machine that runs a program: one large switch in a loop.
#include "tests/bench/kernels/kernel.h"

enum op { PUSH, LOAD, STORE, ADD, SUB, MUL, MOD, XOR, LESS, JUMP, JUMP_ZERO, DUP, SWAP, OUT, HALT };

struct instruction {
    u8 op; // enum op
    i32 operand;
};

// For i in [1, limit): x = i * 37 mod 1009; while x is 7 or more, x -= x mod 3 + 1 and sum += x;
// put out (sum ^ i) and sum in a difference.
enum { I, X, SUM, LIMIT, VARIABLES };

// clang-format off
static const struct instruction program[] = {
    {PUSH, 1}, {STORE, I}, {PUSH, 0}, {STORE, SUM},                                       // 0
    {LOAD, I}, {LOAD, LIMIT}, {LESS, 0}, {JUMP_ZERO, 44},                                 // 4
    {LOAD, I}, {PUSH, 37}, {MUL, 0}, {PUSH, 1009}, {MOD, 0}, {STORE, X},                  // 8
    {LOAD, X}, {PUSH, 7}, {LESS, 0}, {JUMP_ZERO, 19}, {JUMP, 32},                         // 14
    {LOAD, X}, {DUP, 0}, {PUSH, 3}, {MOD, 0}, {SUB, 0}, {PUSH, 1}, {SUB, 0}, {STORE, X},  // 19
    {LOAD, SUM}, {LOAD, X}, {ADD, 0}, {STORE, SUM}, {JUMP, 14},                           // 27
    {LOAD, SUM}, {DUP, 0}, {LOAD, I}, {XOR, 0}, {SWAP, 0}, {SUB, 0}, {OUT, 0},            // 32
    {LOAD, I}, {PUSH, 1}, {ADD, 0}, {STORE, I}, {JUMP, 4},                                // 39
    {LOAD, SUM}, {OUT, 0}, {HALT, 0},                                                     // 44
};
// clang-format on

u64 KERNEL_RUN(u32 n)
{
    i32 stack[16];
    i32 variables[VARIABLES] = {[LIMIT] = (i32)n};
    u32 top = 0, steps = 0;
    u64 sum = 0;
    for (const struct instruction *at = program;; at++, steps++) {
        switch ((enum op)at->op) {
        case PUSH:
            stack[top++] = at->operand;
            break;
        case LOAD:
            stack[top++] = variables[at->operand];
            break;
        case STORE:
            variables[at->operand] = stack[--top];
            break;
        case ADD:
            top--;
            stack[top - 1] = (i32)((u32)stack[top - 1] + (u32)stack[top]);
            break;
        case SUB:
            top--;
            stack[top - 1] = (i32)((u32)stack[top - 1] - (u32)stack[top]);
            break;
        case MUL:
            top--;
            stack[top - 1] = (i32)((u32)stack[top - 1] * (u32)stack[top]);
            break;
        case MOD:
            top--;
            stack[top - 1] = (i32)((u32)stack[top - 1] % (u32)stack[top]);
            break;
        case XOR:
            top--;
            stack[top - 1] ^= stack[top];
            break;
        case LESS:
            top--;
            stack[top - 1] = stack[top - 1] < stack[top];
            break;
        case JUMP:
            at = program + at->operand - 1;
            break;
        case JUMP_ZERO:
            if (stack[--top] == 0) {
                at = program + at->operand - 1;
            }
            break;
        case DUP:
            stack[top] = stack[top - 1];
            top++;
            break;
        case SWAP: {
            i32 item = stack[top - 1];
            stack[top - 1] = stack[top - 2];
            stack[top - 2] = item;
            break;
        }
        case OUT:
            sum = kernel_fold(sum, (u32)stack[--top]);
            break;
        case HALT:
            return kernel_fold(sum, steps);
        }
    }
}
