// SPDX-License-Identifier: GPL-3.0-or-later
// From the boot loader's 32-bit mode to C. Two loaders know this image: one that reads the
// multiboot2 header (GRUB) and one that reads the PVH note (QEMU's -kernel, Xen). Both jump here in
// protected mode with paging off, flat segments, interrupts off, and the address of what they have
// to say in ebx.
// Source  Multiboot2 specification 2.0, sections 3.1 and 3.3; Xen's "x86/HVM direct
// boot ABI"; Intel SDM volume 3, 9.8.5.

#define MULTIBOOT2_MAGIC 0xe85250d6
#define EFER 0xc0000080

    .section .multiboot2, "a"
    .balign 8
header:
    .long MULTIBOOT2_MAGIC
    .long 0 // i386 protected mode
    .long header_end - header
    .long -(MULTIBOOT2_MAGIC + 0 + (header_end - header))
    .balign 8
    .short 6, 0 // modules start at a page
    .long 8
    .balign 8
    .short 0, 0 // end
    .long 8
header_end:

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18 // name, entry point, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad entry

    .section .text.boot, "ax"
    .code32
    .globl entry
entry:
    cld
    mov %eax, %edi // what the loader says it is, and has to say: the arguments of cpu_main
    mov %ebx, %esi
    mov $machine_stack_end, %esp

    // Every address below 4 GiB shows itself, in pages of 2 MiB: writable, executable until
    // cpu_start.
    mov $boot_directories, %ebx
    xor %ecx, %ecx
1:  mov %ecx, %eax
    shl $21, %eax
    or $0x83, %eax // present, writable, large
    mov %eax, (%ebx, %ecx, 8)
    mov %ecx, %eax
    shr $11, %eax
    mov %eax, 4(%ebx, %ecx, 8)
    inc %ecx
    cmp $2048, %ecx
    jne 1b
    mov $boot_pointers, %ebx
    mov $boot_directories + 3, %eax
    mov $4, %ecx
2:  mov %eax, (%ebx)
    add $8, %ebx
    add $4096, %eax
    loop 2b
    movl $boot_pointers + 3, cpu_page_root
    mov $cpu_page_root, %eax
    mov %eax, %cr3

    mov %cr4, %eax
    or $0x620, %eax // PAE; OSFXSR and OSXMMEXCPT: SSE may be used
    mov %eax, %cr4
    mov $EFER, %ecx
    rdmsr
    or $0x900, %eax // LME, NXE
    wrmsr
    mov %cr0, %eax
    and $~0x4, %eax      // EM off: there is a floating point unit
    or $0x80010022, %eax // PG, WP, NE, MP
    mov %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $8, $long_mode

    .code64
long_mode:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov %edi, %edi
    mov %esi, %esi
    xor %ebp, %ebp
    call cpu_main
    ud2

    // Exceptions. Each of the 32 stubs leaves the same frame for cpu_exception: registers, vector,
    // error code, and what the CPU pushed. They run on a stack of their own (IST 1; double fault
    // and NMI on IST 2), so a machine stack that overflowed still gets its words out.
    .section .text
    .altmacro
    .macro exception_stub vector
    .balign 16
    .if (\vector == 8) || ((\vector >= 10) && (\vector <= 14)) || (\vector == 17) || (\vector == 21) || (\vector == 29) || (\vector == 30)
    .else
    pushq $0
    .endif
    pushq $\vector
    jmp exception_common
    .endm

    .balign 16
    .globl cpu_exception_stubs
cpu_exception_stubs:
    .set vector, 0
    .rept 32
    exception_stub %vector
    .set vector, vector + 1
    .endr

exception_common:
    cld
    .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    push %\register
    .endr
    mov %rsp, %rdi
    and $~15, %rsp
    call cpu_exception
    ud2

    // The tick, on IST 3: keeps every register that C may change. What it calls is compiled for
    // general registers only, so those of floats and vectors stay as they are.
    .globl cpu_tick_stub
cpu_tick_stub:
    .irp register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
    push %\register
    .endr
    sub $8, %rsp // the CPU pushed 5 words, we 9
    cld
    call cpu_tick
    add $8, %rsp
    .irp register, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
    pop %\register
    .endr
    iretq

    // An interrupt that nobody asked for (a spurious one of the local APIC or the old PIC): nothing
    // to do.
    .globl cpu_ignore_stub
cpu_ignore_stub:
    iretq

    .section .rodata
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff // code, 64 bits
    .quad 0x00cf93000000ffff // data
boot_gdt_pointer:
    .short boot_gdt_pointer - boot_gdt - 1
    .long boot_gdt

    .section .bss, "aw", @nobits
    .balign 4096
    .globl cpu_page_root
cpu_page_root:
    .skip 4096
    .globl boot_pointers
boot_pointers:
    .skip 4096
boot_directories:
    .skip 4 * 4096
    // Shows nothing once cpu_start has run: a stack that grows into it is caught.
    .globl machine_stack_guard
machine_stack_guard:
    .skip 4096
    .skip 65536 // MACHINE_STACK_BYTES
    .globl machine_stack_end
machine_stack_end:
