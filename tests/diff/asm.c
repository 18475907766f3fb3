// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/asm.c: writes every form of every instruction of ops.def, with registers, widths,
// displacements and immediates at their edges, and says what each should read as.
// tests/diff/run_asm compares that with a disassembler.
//
// Output  a line for each: the bytes in hexadecimal, a tab, Intel's syntax.
#include "core/jit/x86_64/asm.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const registers_64[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                             "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                             "r12", "r13", "r14", "r15"};
static const char *const registers_32[16] = {"eax",  "ecx",  "edx",  "ebx", "esp",  "ebp",
                                             "esi",  "edi",  "r8d",  "r9d", "r10d", "r11d",
                                             "r12d", "r13d", "r14d", "r15d"};
static const char *const registers_16[16] = {"ax",   "cx",   "dx",   "bx",  "sp",   "bp",
                                             "si",   "di",   "r8w",  "r9w", "r10w", "r11w",
                                             "r12w", "r13w", "r14w", "r15w"};
static const char *const registers_8[16] = {"al",   "cl",   "dl",   "bl",  "spl",  "bpl",
                                            "sil",  "dil",  "r8b",  "r9b", "r10b", "r11b",
                                            "r12b", "r13b", "r14b", "r15b"};
static const char *const conditions[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                           "s", "ns", "p", "np", "l", "ge", "le", "g"};
static const u8 edges[] = {0, 1, 4, 5, 7, 8, 12, 13, 15};
static const i32 displacements[] = {0, 1, -1, 127, 128, -128, -129, 0x7fffffff, -0x7fffffff - 1};

static struct memory *heap;

// What the operands of an instruction are: bits, or 1 for a vector register, or 2 for a long one.
struct widths {
    u32 reg;
    u32 rm;
    u32 memory; // bits of r/m when it is memory
};

static struct widths widths(enum x64_size size, bool is_wide)
{
    u32 w = is_wide ? 64 : 32;
    switch (size) {
    case X64_SIZE_W:
        return (struct widths){w, w, w};
    case X64_SIZE_8:
        return (struct widths){8, 8, 8};
    case X64_SIZE_8_RM:
        return (struct widths){w, 8, 8};
    case X64_SIZE_16:
        return (struct widths){16, 16, 16};
    case X64_SIZE_16_RM:
        return (struct widths){w, 16, 16};
    case X64_SIZE_32:
        return (struct widths){32, 32, 32};
    case X64_SIZE_64:
    case X64_SIZE_64_DEF:
        return (struct widths){64, 64, 64};
    case X64_SIZE_32_RM:
        return (struct widths){64, 32, 32};
    case X64_SIZE_S:
        return (struct widths){1, 1, 32};
    case X64_SIZE_D:
        return (struct widths){1, 1, 64};
    case X64_SIZE_X:
        return (struct widths){1, 1, 128};
    case X64_SIZE_Y:
        return (struct widths){2, 2, 256};
    case X64_SIZE_S_1:
        return (struct widths){1, 1, 8};
    case X64_SIZE_S_2:
        return (struct widths){1, 1, 16};
    case X64_SIZE_XG:
        return (struct widths){1, w, w};
    case X64_SIZE_XG_1:
        return (struct widths){1, 32, 8};
    case X64_SIZE_XG_2:
        return (struct widths){1, 32, 16};
    case X64_SIZE_GX:
        return (struct widths){32, 1, 0};
    case X64_SIZE_GXS:
        return (struct widths){w, 1, 32};
    case X64_SIZE_GXD:
        return (struct widths){w, 1, 64};
    }
    abort();
}

static bool has_both_widths(enum x64_size size)
{
    return size == X64_SIZE_W || size == X64_SIZE_8_RM || size == X64_SIZE_16_RM ||
           size == X64_SIZE_XG || size == X64_SIZE_GXS || size == X64_SIZE_GXD;
}

static void put_register(char *out, u32 width, u8 number)
{
    if (width <= 2) {
        sprintf(out + strlen(out), "%cmm%u", "xy"[width - 1], number & 15);
    } else {
        strcat(out, width == 64   ? registers_64[number]
                    : width == 32 ? registers_32[number]
                    : width == 16 ? registers_16[number]
                                  : registers_8[number]);
    }
}

static void put_number(char *out, const char *separator, i64 value)
{
    if (separator[0] == 0) {
        sprintf(out + strlen(out), "%lld", (long long)value);
    } else {
        sprintf(out + strlen(out), " %c %llu", value < 0 ? '-' : '+',
                (unsigned long long)(value < 0 ? -value : value));
    }
}

static void put_memory(char *out, u32 bits, bool is_lea, const struct asm_mem *mem)
{
    const char *const *names = mem->is_segment ? registers_32 : registers_64;
    const char *separator = "";
    if (!is_lea) {
        sprintf(out + strlen(out), "%s ptr ",
                bits == 8    ? "byte"
                : bits == 16 ? "word"
                : bits == 32 ? "dword"
                : bits == 64 ? "qword"
                : bits < 256 ? "xmmword"
                             : "ymmword");
    }
    strcat(out, mem->is_segment ? "gs:[" : "[");
    if (mem->base != X64_NONE) {
        strcat(out, names[mem->base]);
        separator = " + ";
    }
    if (mem->index != X64_NONE) {
        strcat(out, separator);
        if (mem->scale != 0) {
            sprintf(out + strlen(out), "%u*", 1u << mem->scale);
        }
        strcat(out, names[mem->index]);
        separator = " + ";
    }
    if (mem->disp != 0 || separator[0] == 0) {
        put_number(out, separator, mem->disp);
    }
    strcat(out, "]");
}

static void put_name(char *out, const struct asm_ins *ins, bool has_avx)
{
    const struct x64_op_facts *facts = &x64_ops[ins->op];
    if (has_avx && (facts->vex == X64_VEX_TWO || facts->vex == X64_VEX_THREE)) {
        strcat(out, "v");
    }
    strcat(out, facts->text);
    if (ins->op == X64_MOVD || ins->op == X64_MOVD_MR || ins->op == X64_PINSR ||
        ins->op == X64_PEXTR) {
        strcat(out, ins->is_wide ? "q" : "d");
    }
    if (ins->op == X64_SETCC || ins->op == X64_CMOVCC) {
        strcat(out, conditions[ins->condition]);
    }
}

static void put_rm(char *out, const struct asm_ins *ins, struct widths width)
{
    if (ins->is_mem) {
        put_memory(out, width.memory, ins->op == X64_LEA, &ins->mem);
    } else {
        put_register(out, width.rm, ins->rm);
    }
}

static void put_operands(char *out, const struct asm_ins *ins, struct widths width, bool has_avx)
{
    const struct x64_op_facts *facts = &x64_ops[ins->op];
    const char *order = "";
    bool has_vvvv = has_avx || facts->vex == X64_VEX_ONLY;
    switch ((enum x64_form)facts->form) {
    case X64_FORM_NONE:
        break;
    case X64_FORM_RM:
    case X64_FORM_RMI:
        order = "gr";
        break;
    case X64_FORM_MR:
    case X64_FORM_MRI:
        order = "rg";
        break;
    case X64_FORM_M:
    case X64_FORM_MI:
        order = "r";
        break;
    case X64_FORM_O:
    case X64_FORM_OI:
        order = "g";
        break;
    case X64_FORM_RVM:
    case X64_FORM_RVMI:
        order = has_vvvv ? "gvr" : "gr";
        break;
    case X64_FORM_RVMR:
        order = "gvrf";
        break;
    case X64_FORM_RMV:
        order = "grv";
        break;
    case X64_FORM_VM:
        order = "vr";
        break;
    case X64_FORM_VMI:
        order = has_vvvv ? "vr" : "r";
        break;
    }
    for (const char *part = order; *part != 0; part++) {
        strcat(out, part == order ? " " : ", ");
        if (*part == 'g') {
            put_register(out, width.reg, ins->reg);
        } else if (*part == 'f') {
            put_register(out, 1, (u8)ins->imm & 15);
        } else if (*part == 'v') {
            put_register(out, width.reg, ins->vvvv);
        } else {
            put_rm(out, ins, width);
        }
    }
    if (facts->imm != X64_IMM_NO && !(facts->imm == X64_IMM_SHIFT && ins->imm == 1)) {
        sprintf(out + strlen(out), ", %lld", (long long)ins->imm);
    } else if (facts->opcode == 0xd3 && facts->form == X64_FORM_M) {
        strcat(out, ", cl");
    }
}

static void show(const struct asm_ins *ins, bool has_avx)
{
    struct arena arena;
    arena_init(&arena, heap, 1 << 20);
    struct assembler as;
    asm_init(&as, has_avx ? X64_HAS_AVX : 0, &arena);
    asm_put(&as, ins);
    u8 *bytes;
    u32 size;
    if (asm_finish(&as, &arena, &bytes, &size) != ERR_OK) {
        abort();
    }
    char text[200] = "";
    put_name(text, ins, has_avx);
    put_operands(text, ins, widths((enum x64_size)x64_ops[ins->op].size, ins->is_wide), has_avx);
    for (u32 i = 0; i < size; i++) {
        printf("0x%02x ", bytes[i]);
    }
    printf("\t%s\n", text);
    arena_drop(&arena);
}

static void show_immediates(struct asm_ins ins, bool has_avx)
{
    static const i64 values[] = {1, 0, 2, 31, 127, 128, -1, -128, -129, 0x7fffffff};
    const struct x64_op_facts *facts = &x64_ops[ins.op];
    if (facts->imm == X64_IMM_NO) {
        show(&ins, has_avx);
        return;
    }
    for (u32 i = 0; i < COUNT_OF(values); i++) {
        bool is_small = facts->imm == X64_IMM_8 || facts->imm == X64_IMM_SHIFT;
        if (!is_small || (values[i] >= 0 && values[i] <= 127)) {
            ins.imm = (u64)values[i] & (facts->imm == X64_IMM_16 ? UINT16_MAX : UINT64_MAX);
            show(&ins, has_avx);
        }
    }
    if (facts->imm == X64_IMM_64) {
        ins.imm = 0x8123456789abcdef;
        show(&ins, has_avx);
    }
}

static void show_memory(struct asm_ins ins, bool has_avx)
{
    ins.is_mem = true;
    for (u32 i = 0; i < COUNT_OF(edges) * COUNT_OF(displacements); i++) {
        i32 disp = displacements[i % COUNT_OF(displacements)];
        u8 base = edges[i / COUNT_OF(displacements)];
        ins.mem = (struct asm_mem){.base = base, .index = X64_NONE, .disp = disp};
        show(&ins, has_avx);
        for (u8 scale = 0; scale <= 3; scale++) {
            u8 index = edges[(i + scale) % COUNT_OF(edges)];
            if (index != X64_RSP) {
                ins.mem = (struct asm_mem){base, index, scale, (i & 1) != 0, disp};
                show(&ins, has_avx);
            }
        }
    }
    ins.mem = (struct asm_mem){X64_NONE, X64_R13, 3, false, 64};
    show(&ins, has_avx);
    ins.mem = (struct asm_mem){X64_NONE, X64_NONE, 0, true, 4096};
    show(&ins, has_avx);
}

static bool allows_memory(u16 op)
{
    u8 form = x64_ops[op].form;
    return form != X64_FORM_NONE && form != X64_FORM_O && form != X64_FORM_OI &&
           form != X64_FORM_VMI && x64_ops[op].size != X64_SIZE_GX && op != X64_MOVAPS &&
           op != X64_WRGSBASE;
}

static bool allows_register(u16 op)
{
    return op != X64_MOVLPS && op != X64_MOVHPS && op != X64_MOVHPS_MR && op != X64_LEA &&
           op != X64_MOVSS && op != X64_MOVSD && op != X64_MOVSS_MR && op != X64_MOVSD_MR &&
           op != X64_MOVUPS_MR && op != X64_VMOVUPS_Y_MR && op != X64_XCHG && op != X64_XCHG8 &&
           op != X64_XCHG16;
}

static void show_registers(struct asm_ins ins, bool has_avx)
{
    for (u32 i = 0; i < COUNT_OF(edges) * COUNT_OF(edges); i++) {
        ins.reg = edges[i / COUNT_OF(edges)];
        ins.rm = edges[i % COUNT_OF(edges)];
        bool is_same = !has_avx && x64_ops[ins.op].vex == X64_VEX_THREE;
        bool is_shift = x64_ops[ins.op].form == X64_FORM_VMI;
        ins.vvvv = !is_same ? (u8)(i & 15) : is_shift ? ins.rm : ins.reg;
        if (allows_register(ins.op)) {
            show_immediates(ins, has_avx);
        }
        if (ins.rm == 0 && allows_memory(ins.op)) {
            ins.is_mem = true;
            ins.mem = asm_at(X64_R13, 0);
            show_immediates(ins, has_avx);
            ins.is_mem = false;
        }
    }
    if (allows_memory(ins.op)) {
        ins.imm = 3;
        show_memory(ins, has_avx);
    }
}

int main(void)
{
    struct test_memory memory = test_memory_over_malloc(-1);
    heap = &memory.memory;
    for (u16 op = 0; op < X64_OP_COUNT; op++) {
        const struct x64_op_facts *facts = &x64_ops[op];
        bool has_conditions = op == X64_SETCC || op == X64_CMOVCC;
        bool is_float = facts->vex == X64_VEX_TWO || facts->vex == X64_VEX_THREE;
        for (u32 i = 0; facts->text != NULL && i < 4; i++) {
            bool is_wide = (i & 1) != 0;
            bool has_avx = (i & 2) != 0;
            if ((is_wide && !has_both_widths((enum x64_size)facts->size)) ||
                (has_avx && !is_float)) {
                continue;
            }
            for (u8 condition = 0; condition < (has_conditions ? 16 : 1); condition++) {
                show_registers(
                    (struct asm_ins){.op = op, .is_wide = is_wide, .condition = condition},
                    has_avx);
            }
        }
    }
    return 0;
}
