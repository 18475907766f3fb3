// SPDX-License-Identifier: GPL-3.0-or-later
// From the firmware to C, and from every exception to C. All four cores start here (in QEMU; the
// firmware of a real board holds three back itself): one goes on, the others sleep for good.
// Source  ARM Architecture Reference Manual ARMv7-A, B1.3 (modes), B1.8 (exceptions), B4 (system
//         registers).
    .syntax unified
    .arm

#define MODE_IRQ 0x12
#define MODE_SVC 0x13
#define MODE_ABT 0x17
#define MODE_HYP 0x1a
#define MODE_UND 0x1b
#define MASKED 0xc0 // no interrupts

    .section .text.boot, "ax"
    .globl entry
entry:
    mrc p15, 0, r0, c0, c0, 5 // MPIDR
    ands r0, r0, #3
    bne park

    mrs r0, cpsr // a board's firmware leaves us in Hyp mode, QEMU in Svc mode
    and r0, r0, #0x1f
    cmp r0, #MODE_HYP
    bne 1f
    mov r0, #3 // the timers are for Svc mode too
    mcr p15, 4, r0, c14, c1, 0
    mov r0, #0
    mov r1, #0
    mcrr p15, 4, r0, r1, c14 // CNTVOFF
    mcr p15, 4, r0, c1, c1, 0 // HCR
    mov r0, #(MODE_SVC | MASKED)
    msr spsr_cxsf, r0
    adr r0, 1f
    msr ELR_hyp, r0
    eret
1:  cps #MODE_IRQ
    ldr sp, =stack_irq_end
    cps #MODE_ABT
    ldr sp, =stack_abort_end
    cps #MODE_UND
    ldr sp, =stack_undefined_end
    msr cpsr_c, #(MODE_SVC | MASKED)
    ldr sp, =machine_stack_end

    ldr r0, =image_bss // a card's image does not carry it
    ldr r1, =image_end
    mov r2, #0
2:  cmp r0, r1
    strlo r2, [r0], #4
    blo 2b

    ldr r0, =vectors
    mcr p15, 0, r0, c12, c0, 0 // VBAR
    mrc p15, 0, r0, c1, c0, 2 // CPACR: floats and vectors
    orr r0, r0, #(0xf << 20)
    mcr p15, 0, r0, c1, c0, 2
    isb
    mov r0, #(1 << 30)
    vmsr fpexc, r0
    mov r0, #0 // rounding to nearest, subnormal numbers kept
    vmsr fpscr, r0
    mov r11, #0
    bl cpu_main
park:
    cpsid if
3:  wfi // not wfe, which an emulator spins on
    b 3b

    .section .text
    .balign 32
vectors:
    b reset_again
    b undefined
    b supervisor
    b prefetch_abort
    b data_abort
    b reset_again
    b interrupt
    b fast_interrupt

    // Each keeps r0-r12 and the address where it happened (corrected as the manual says) on its own
    // mode's stack.
reset_again:
    mov r1, #0
    b fatal
undefined:
    push {r0-r12, lr}
    mov r1, #1
    b fatal
prefetch_abort:
    sub lr, lr, #4
    push {r0-r12, lr}
    mov r1, #3
    b fatal
data_abort:
    sub lr, lr, #8
    push {r0-r12, lr}
    mov r1, #4
    b fatal
fast_interrupt:
    ldr sp, =stack_abort_end
    push {r0-r12, lr}
    mov r1, #7
fatal:
    mov r0, sp
    bic sp, sp, #7
    bl cpu_exception
    b park

    // Nobody answers semihosting here: say so.
supervisor:
    mvn r0, #0
    movs pc, lr

    // The tick. What it calls is compiled for general registers only.
interrupt:
    sub lr, lr, #4
    push {r0-r3, r12, lr}
    bl cpu_tick
    ldm sp!, {r0-r3, r12, pc}^

    .section .bss, "aw", %nobits
    .balign 16
    .skip 8192 // TRAP_STACK_BYTES
stack_irq_end:
    .skip 8192
stack_abort_end:
    .skip 8192
stack_undefined_end:
    .balign 4096
    // Shows nothing once cpu_start has run: a stack that grows into it is caught.
    .globl machine_stack_guard
machine_stack_guard:
    .skip 4096
    .skip 65536 // MACHINE_STACK_BYTES
    .globl machine_stack_end
machine_stack_end:
