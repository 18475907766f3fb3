// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/module.h"
#include "core/base/assert.h"
#include "core/wasm/names.h"

static struct span export_name(const struct wasm_module *module, u32 function)
{
    for (u32 i = 0; i < module->export_count; i++) {
        const struct wasm_export *export = &module->exports[i];
        if (export->kind == WASM_FUNCTION && export->index == function) {
            return export->name;
        }
    }
    return (struct span){0};
}

struct span wasm_module_function_name(const struct wasm_module *module, u32 function)
{
    ASSERT(function < module->function_count);
    struct span name = wasm_names_function(module->names, function);
    return name.size != 0 ? name : export_name(module, function);
}

struct span wasm_module_function_name_from(const struct wasm_module *module,
                                           struct wasm_names_place *place, u32 function)
{
    ASSERT(function < module->function_count);
    struct span name = wasm_names_function_from(module->names, place, function);
    return name.size != 0 ? name : export_name(module, function);
}

const struct wasm_custom *wasm_module_custom(const struct wasm_module *module, struct span name)
{
    for (u32 i = 0; i < module->custom_count; i++) {
        if (span_equal(module->customs[i].name, name)) {
            return &module->customs[i];
        }
    }
    return NULL;
}

const struct wasm_export *wasm_module_export(const struct wasm_module *module, struct span name)
{
    for (u32 i = 0; i < module->export_count; i++) {
        if (span_equal(module->exports[i].name, name)) {
            return &module->exports[i];
        }
    }
    return NULL;
}
