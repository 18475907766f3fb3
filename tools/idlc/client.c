// SPDX-License-Identifier: GPL-3.0-or-later
// What programs alone need: one calling function for each of the interface's, and the section that
// declares what the program was built with.
#include "core/base/mem.h"
#include "tools/idlc/idlc.h"
#include <inttypes.h>

// ---- calls

static void emit_call(struct generator *gen, const struct wit_function *function)
{
    const char *c = format(gen, "%s_%s", gen->prefix, c_lower(gen, function->name));
    const char *upper = c_upper(gen, span_string(c));
    u64 call = call_size_max(function);
    u64 result = result_size_max(function);
    u64 most = call > result ? call : result;
    bool own = most <= CLIENT_STACK_BYTES;
    bool has_call = function->parameters != NULL;
    bool has_result = function->result != NULL;
    fprintf(gen->out, "\n");
    emit_doc(gen, "", function->doc);
    fprintf(gen->out, "static inline i64 %s(u32 bond", c);
    if (!own) {
        fprintf(gen->out, ", void *buffer, u32 buffer_bytes");
    }
    if (has_call) {
        fprintf(gen->out, ", const struct %s_call *call", c);
    }
    if (has_result) {
        fprintf(gen->out, ", %s *result", names_of(gen, function->result)->full);
    }
    fprintf(gen->out, ")\n{\n");
    if (own) {
        fprintf(gen->out, "    u8 buffer[%" PRIu64 "];\n    u32 buffer_bytes = sizeof buffer;\n",
                most == 0 ? 1 : most);
    }
    fprintf(gen->out, "    size_t size = %s_encode_call(buffer, buffer_bytes%s);\n", c,
            has_call ? ", call" : "");
    if (!own) {
        fprintf(gen->out, "    if (size > buffer_bytes) {\n        return E_BUFFER;\n    }\n");
    }
    fprintf(gen->out,
            "    i64 got = rt_call(bond, %s_ID, buffer, (u32)size, buffer, buffer_bytes);\n"
            "    if (got < 0) {\n        return got;\n    }\n"
            "    return %s_decode_result(span_of(buffer, (size_t)got)%s) == ERR_OK ? 0 : "
            "E_MALFORMED;\n}\n",
            upper, c, has_result ? ", result" : "");
}

void emit_client(struct generator *gen)
{
    emit_first_lines(gen, "calls, for programs");
    fprintf(gen->out,
            "//\n"
            "// Each sends one message and waits for its answer: 0, or a negative error of "
            "docs/abi.md.\n"
            "// A `buffer` holds first the message's body, then the answer's: what *result points "
            "to lies in\n"
            "// it. E_BUFFER: one of them does not fit.\n"
            "#pragma once\n"
            "#include \"core/base/abi.h\"\n"
            "#include \"interfaces/%s.h\"\n"
            "#include \"programs/rt/redshirt.h\"\n",
            gen->prefix);
    for (const struct wit_function *f = gen->interface->functions; f != NULL; f = f->next) {
        emit_call(gen, f);
    }
}

// ---- the section

static void put_u32(struct generator *gen, u32 value)
{
    u8 bytes[4];
    mem_store_u32(bytes, value);
    fwrite(bytes, 1, sizeof bytes, gen->out);
}

static void put_bytes(struct generator *gen, struct span bytes)
{
    put_u32(gen, (u32)bytes.size);
    fwrite(bytes.data, 1, bytes.size, gen->out);
}

void emit_section_bytes(struct generator *gen)
{
    const struct wit_interface *interface = gen->interface;
    put_u32(gen, 1);
    put_bytes(gen, interface->qualified);
    put_u32(gen, interface->function_count);
    for (const struct wit_function *f = interface->functions; f != NULL; f = f->next) {
        fwrite(f->hash, 1, 32, gen->out);
        put_bytes(gen, f->name);
    }
}

static void emit_asm_string(struct generator *gen, struct span bytes)
{
    fprintf(gen->out, "    \".int32 %zu\\n.ascii \\\"%.*s\\\"\\n\"\n", bytes.size, (int)bytes.size,
            bytes.data);
}

void emit_section_header(struct generator *gen)
{
    const struct wit_interface *interface = gen->interface;
    emit_first_lines(gen, "declares the interface in a program");
    fprintf(gen->out,
            "//\n"
            "// Included once, by one source of a program that uses or handles the interface.\n"
            "#pragma once\n"
            "\n"
            "__asm__(\".section \\\".custom_section.redshirt:interfaces\\\",\\\"\\\",@\\n\"\n"
            "    \".int32 1\\n\"\n");
    emit_asm_string(gen, interface->qualified);
    fprintf(gen->out, "    \".int32 %u\\n\"\n", interface->function_count);
    for (const struct wit_function *f = interface->functions; f != NULL; f = f->next) {
        fprintf(gen->out, "    \".ascii \\\"");
        for (u32 i = 0; i < 32; i++) { // the assembler for WebAssembly knows no lists of numbers
            fprintf(gen->out, "\\\\%03o%s", f->hash[i], i == 15 ? "\"\n    \"" : "");
        }
        fprintf(gen->out, "\\\"\\n\"\n");
        emit_asm_string(gen, f->name);
    }
    fprintf(gen->out, "    \".text\\n\");\n");
}
