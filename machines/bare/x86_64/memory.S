// SPDX-License-Identifier: GPL-3.0-or-later
// memcpy, memmove, memset and memcmp. Long runs are left to `rep movsq` and `rep stosq`, which
// every CPU turns into its widest copies and an emulator into an eighth of the steps of the byte
// forms; short runs are moves that overlap.
    .text
    .globl memcpy
    .globl memmove
    .balign 16
memmove:
    mov %rdi, %rax
    mov %rdi, %rcx
    sub %rsi, %rcx
    cmp %rdx, %rcx // below the length (as unsigned): the end of the source would be overwritten first
    jb backwards
    .balign 16
memcpy:
    mov %rdi, %rax
    cmp $16, %rdx
    jb short_copy
    cmp $32, %rdx
    ja 1f
    movdqu (%rsi), %xmm0
    movdqu -16(%rsi, %rdx), %xmm1
    movdqu %xmm0, (%rdi)
    movdqu %xmm1, -16(%rdi, %rdx)
    ret
1:  mov -8(%rsi, %rdx), %r8 // the tail, read before anything is written
    lea -8(%rdi, %rdx), %r9
    mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    mov %r8, (%r9)
    ret
short_copy: // everything is read before anything is written: right for any overlap
    cmp $8, %edx
    jae 8f
    cmp $4, %edx
    jae 4f
    test %edx, %edx
    jz 1f
    movzbl (%rsi), %ecx
    movzbl -1(%rsi, %rdx), %r8d
    mov %rdx, %r9
    shr $1, %r9
    movzbl (%rsi, %r9), %r10d
    mov %cl, (%rdi)
    mov %r10b, (%rdi, %r9)
    mov %r8b, -1(%rdi, %rdx)
1:  ret
4:  mov (%rsi), %ecx
    mov -4(%rsi, %rdx), %r8d
    mov %ecx, (%rdi)
    mov %r8d, -4(%rdi, %rdx)
    ret
8:  mov (%rsi), %rcx
    mov -8(%rsi, %rdx), %r8
    mov %rcx, (%rdi)
    mov %r8, -8(%rdi, %rdx)
    ret

backwards:
    cmp $16, %rdx
    jb short_copy
    lea (%rsi, %rdx), %rsi
    lea (%rdi, %rdx), %rdi
    mov %rdx, %rcx
1:  cmp $16, %rcx
    jb 2f
    sub $16, %rsi
    sub $16, %rdi
    movdqu (%rsi), %xmm0
    movdqu %xmm0, (%rdi)
    sub $16, %rcx
    jmp 1b
2:  test %rcx, %rcx
    jz 4f
3:  dec %rsi
    dec %rdi
    mov (%rsi), %r8b
    mov %r8b, (%rdi)
    dec %rcx
    jnz 3b
4:  ret

    .globl memset
    .balign 16
memset:
    mov %rdi, %r8
    movzbl %sil, %eax
    mov $0x0101010101010101, %rcx
    imul %rcx, %rax
    mov %rdx, %rcx
    cmp $8, %rdx
    jb 1f
    mov %rax, -8(%rdi, %rdx)
    shr $3, %rcx
    rep stosq
    mov %r8, %rax
    ret
1:  rep stosb
    mov %r8, %rax
    ret

    .globl memcmp
    .balign 16
memcmp:
    xor %eax, %eax
    sub $8, %rdx
    jb 2f
1:  mov (%rdi), %rcx
    mov (%rsi), %r8
    cmp %r8, %rcx
    jne 3f
    add $8, %rdi
    add $8, %rsi
    sub $8, %rdx
    jae 1b
2:  add $8, %rdx
    jz 5f
4:  movzbl (%rdi), %eax
    movzbl (%rsi), %ecx
    sub %ecx, %eax
    jne 5f
    inc %rdi
    inc %rsi
    dec %rdx
    jnz 4b
5:  ret
3:  bswap %rcx // the first byte that differs decides: it is the highest once swapped
    bswap %r8
    cmp %r8, %rcx
    sbb %eax, %eax
    or $1, %eax
    ret

    .section .note.GNU-stack, "", @progbits
