// SPDX-License-Identifier: GPL-3.0-or-later
// memcpy, memmove, memset and memcmp, and the names that the ARM run-time ABI has for them. 32
// bytes at a time through vector registers; what is left by halves. Memory is normal and the MMU
// on, so any alignment will do.
// Below them, the helpers of aeabi.c under the names and with the registers of that ABI.
// Source  "Run-time ABI for the ARM Architecture", sections 4.1.2, 4.2 and 4.3.4.
    .syntax unified
    .arm
    .fpu neon
    .text

    .macro function names:vararg
    .balign 16
    .irp name, \names
    .globl \name
    .type \name, %function
\name:
    .endr
    .endm

    function memmove, __aeabi_memmove, __aeabi_memmove4, __aeabi_memmove8
    sub r3, r0, r1
    cmp r3, r2 // below the length (as unsigned): the end of the source would be overwritten first
    blo backwards
    function memcpy, __aeabi_memcpy, __aeabi_memcpy4, __aeabi_memcpy8
    mov r12, r0
    subs r2, r2, #32
    blo 2f
1:  vld1.8 {d0-d3}, [r1]!
    subs r2, r2, #32
    vst1.8 {d0-d3}, [r12]!
    bhs 1b
2:  tst r2, #16
    beq 1f
    vld1.8 {d0-d1}, [r1]!
    vst1.8 {d0-d1}, [r12]!
1:  tst r2, #8
    beq 1f
    vld1.8 {d0}, [r1]!
    vst1.8 {d0}, [r12]!
1:  tst r2, #4
    ldrne r3, [r1], #4
    strne r3, [r12], #4
    tst r2, #2
    ldrhne r3, [r1], #2
    strhne r3, [r12], #2
    tst r2, #1
    ldrbne r3, [r1]
    strbne r3, [r12]
    bx lr

backwards:
    add r1, r1, r2
    add r12, r0, r2
    subs r2, r2, #32
    blo 2f
1:  sub r1, r1, #32
    sub r12, r12, #32
    vld1.8 {d0-d3}, [r1]
    subs r2, r2, #32
    vst1.8 {d0-d3}, [r12]
    bhs 1b
2:  tst r2, #16
    beq 1f
    sub r1, r1, #16
    sub r12, r12, #16
    vld1.8 {d0-d1}, [r1]
    vst1.8 {d0-d1}, [r12]
1:  tst r2, #8
    beq 1f
    sub r1, r1, #8
    sub r12, r12, #8
    vld1.8 {d0}, [r1]
    vst1.8 {d0}, [r12]
1:  tst r2, #4
    ldrne r3, [r1, #-4]!
    strne r3, [r12, #-4]!
    tst r2, #2
    ldrhne r3, [r1, #-2]!
    strhne r3, [r12, #-2]!
    tst r2, #1
    ldrbne r3, [r1, #-1]
    strbne r3, [r12, #-1]
    bx lr

    function __aeabi_memclr, __aeabi_memclr4, __aeabi_memclr8
    mov r2, #0
    function __aeabi_memset, __aeabi_memset4, __aeabi_memset8
    mov r3, r1 // the ABI's own order: size before value
    mov r1, r2
    mov r2, r3
    function memset
    mov r12, r0
    vdup.8 q0, r1
    vmov q1, q0
    subs r2, r2, #32
    blo 2f
1:  subs r2, r2, #32
    vst1.8 {d0-d3}, [r12]!
    bhs 1b
2:  vmov r1, s0
    tst r2, #16
    beq 1f
    vst1.8 {d0-d1}, [r12]!
1:  tst r2, #8
    beq 1f
    vst1.8 {d0}, [r12]!
1:  tst r2, #4
    strne r1, [r12], #4
    tst r2, #2
    strhne r1, [r12], #2
    tst r2, #1
    strbne r1, [r12]
    bx lr

    function memcmp
    subs r2, r2, #4
    blo 2f
1:  ldr r3, [r0], #4
    ldr r12, [r1], #4
    cmp r3, r12
    bne 3f
    subs r2, r2, #4
    bhs 1b
2:  adds r2, r2, #4
    moveq r0, #0
    bxeq lr
4:  ldrb r3, [r0], #1
    ldrb r12, [r1], #1
    subs r3, r3, r12
    bne 5f
    subs r2, r2, #1
    bne 4b
5:  mov r0, r3
    bx lr
3:  rev r3, r3 // the first byte that differs decides: it is the highest once swapped
    rev r12, r12
    cmp r3, r12
    mov r0, #1
    mvnlo r0, #0
    bx lr

    // Division of 64 bits gives both results in registers: quotient in r0-r1, remainder in r2-r3.
    function __aeabi_uldivmod
    push {r4, lr}
    sub sp, sp, #16
    add r4, sp, #8
    str r4, [sp]
    bl aeabi_divide
    ldrd r2, r3, [sp, #8]
    add sp, sp, #16
    pop {r4, pc}

    function __aeabi_ldivmod
    push {r4, lr}
    sub sp, sp, #16
    add r4, sp, #8
    str r4, [sp]
    bl aeabi_divide_signed
    ldrd r2, r3, [sp, #8]
    add sp, sp, #16
    pop {r4, pc}

    // Floats pass in general registers here, whatever the rest of the image does (section 4.1.2).
    .macro to_f64 name
    function __\name
    push {r4, lr}
    bl \name
    vmov r0, r1, d0
    pop {r4, pc}
    .endm
    to_f64 aeabi_ul2d
    to_f64 aeabi_l2d

    .macro to_f32 name
    function __\name
    push {r4, lr}
    bl \name
    vmov r0, s0
    pop {r4, pc}
    .endm
    to_f32 aeabi_ul2f
    to_f32 aeabi_l2f

    function __aeabi_d2ulz
    vmov d0, r0, r1
    b aeabi_d2ulz
    function __aeabi_d2lz
    vmov d0, r0, r1
    b aeabi_d2lz
    function __aeabi_f2ulz
    vmov s0, r0
    b aeabi_f2ulz
    function __aeabi_f2lz
    vmov s0, r0
    b aeabi_f2lz
