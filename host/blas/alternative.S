/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The names that libtreadle_blas has no function for, each a jump to the library that was there
 * before: registers and stack stay as they are, whatever the prototype. Where to is found at the
 * first call, by alternative_bind().
 */
#if defined(__x86_64__)

.macro jump name
    .globl \name
    .type \name, @function
\name:
    jmp *1f(%rip)
2:  lea 1f(%rip), %r11
    jmp bind_and_go
    .size \name, . - \name
    .pushsection .data
    .balign 8
1:  .quad 2b, 3f
    .popsection
    .pushsection .rodata
3:  .asciz "\name"
    .popsection
.endm

    .text
    .type bind_and_go, @function
bind_and_go: /* %r11: struct entry. All that can hold an argument is kept. */
    .cfi_startproc
    push %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    mov %rsp, %rbp
    .cfi_def_cfa_register %rbp
    sub $192, %rsp
    mov %rdi, (%rsp)
    mov %rsi, 8(%rsp)
    mov %rdx, 16(%rsp)
    mov %rcx, 24(%rsp)
    mov %r8, 32(%rsp)
    mov %r9, 40(%rsp)
    mov %rax, 48(%rsp)
    movaps %xmm0, 64(%rsp)
    movaps %xmm1, 80(%rsp)
    movaps %xmm2, 96(%rsp)
    movaps %xmm3, 112(%rsp)
    movaps %xmm4, 128(%rsp)
    movaps %xmm5, 144(%rsp)
    movaps %xmm6, 160(%rsp)
    movaps %xmm7, 176(%rsp)
    mov %r11, %rdi
    mov 8(%rbp), %rsi
    call alternative_bind
    mov %rax, %r11
    mov (%rsp), %rdi
    mov 8(%rsp), %rsi
    mov 16(%rsp), %rdx
    mov 24(%rsp), %rcx
    mov 32(%rsp), %r8
    mov 40(%rsp), %r9
    mov 48(%rsp), %rax
    movaps 64(%rsp), %xmm0
    movaps 80(%rsp), %xmm1
    movaps 96(%rsp), %xmm2
    movaps 112(%rsp), %xmm3
    movaps 128(%rsp), %xmm4
    movaps 144(%rsp), %xmm5
    movaps 160(%rsp), %xmm6
    movaps 176(%rsp), %xmm7
    leave
    .cfi_def_cfa %rsp, 8
    jmp *%r11
    .cfi_endproc
    .size bind_and_go, . - bind_and_go

#elif defined(__aarch64__)

.macro jump name
    .globl \name
    .type \name, %function
\name:
    adrp x16, 1f
    ldr x17, [x16, :lo12:1f]
    br x17
2:  adrp x16, 1f
    add x16, x16, :lo12:1f
    b bind_and_go
    .size \name, . - \name
    .pushsection .data
    .balign 8
1:  .quad 2b, 3f
    .popsection
    .pushsection .rodata
3:  .asciz "\name"
    .popsection
.endm

    .text
    .type bind_and_go, %function
bind_and_go: /* x16: struct entry. All that can hold an argument is kept. */
    .cfi_startproc
    stp x29, x30, [sp, -224]!
    .cfi_def_cfa_offset 224
    .cfi_offset x29, -224
    .cfi_offset x30, -216
    mov x29, sp
    stp x0, x1, [sp, 16]
    stp x2, x3, [sp, 32]
    stp x4, x5, [sp, 48]
    stp x6, x7, [sp, 64]
    str x8, [sp, 80]
    stp q0, q1, [sp, 96]
    stp q2, q3, [sp, 128]
    stp q4, q5, [sp, 160]
    stp q6, q7, [sp, 192]
    mov x0, x16
    mov x1, x30
    bl alternative_bind
    mov x16, x0
    ldp x0, x1, [sp, 16]
    ldp x2, x3, [sp, 32]
    ldp x4, x5, [sp, 48]
    ldp x6, x7, [sp, 64]
    ldr x8, [sp, 80]
    ldp q0, q1, [sp, 96]
    ldp q2, q3, [sp, 128]
    ldp q4, q5, [sp, 160]
    ldp q6, q7, [sp, 192]
    ldp x29, x30, [sp], 224
    .cfi_def_cfa_offset 0
    br x16
    .cfi_endproc
    .size bind_and_go, . - bind_and_go

#else
#error "add this machine's jump, and what its calls keep in registers"
#endif

#define ONE(name) jump name;
#define REAL(stem) ONE(s##stem##_) ONE(d##stem##_)
#define COMPLEX(stem) ONE(c##stem##_) ONE(z##stem##_)
#define FOUR(stem) REAL(stem) COMPLEX(stem)
#define CBLAS_REAL(stem) ONE(cblas_s##stem) ONE(cblas_d##stem)
#define CBLAS_COMPLEX(stem) ONE(cblas_c##stem) ONE(cblas_z##stem)
#define CBLAS_FOUR(stem) CBLAS_REAL(stem) CBLAS_COMPLEX(stem)
#include TREADLE_NAMES

    .section .note.GNU-stack, "", %progbits
