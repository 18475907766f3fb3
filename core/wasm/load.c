// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/load.h"
#include "core/base/assert.h"
#include "core/wasm/decode.h"
#include "core/wasm/module.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"

void wasm_load_begin(struct wasm_load *load, struct span bytes, u32 features, struct arena *arena,
                     struct arena *scratch)
{
    *load = (struct wasm_load){
        .bytes = bytes,
        .features = features,
        .arena = arena,
        .scratch = scratch,
    };
}

static enum err decode(struct wasm_load *load, i64 *work, struct report *report)
{
    if (load->decoder == NULL) {
        TRY(wasm_decoder_begin(load->bytes, load->features, load->arena, &load->decoder, report));
    }
    TRY(wasm_decoder_step(load->decoder, work, &load->module, report));
    load->decoder = NULL;
    return ERR_OK;
}

static enum err validate(struct wasm_load *load, i64 *work, struct report *report)
{
    if (load->validation == NULL) {
        TRY(wasm_validation_begin(load->module, load->scratch, &load->validation, report));
    }
    TRY(wasm_validation_step(load->validation, work, report));
    load->validation = NULL;
    return ERR_OK;
}

static enum err translate(struct wasm_load *load, i64 *work, struct report *report)
{
    if (load->translation == NULL) {
        load->module->has_probes = load->has_probes;
        TRY(wasm_translation_begin(load->module, load->scratch, &load->translation, report));
    }
    TRY(wasm_translation_step(load->translation, work, report));
    load->translation = NULL;
    return ERR_OK;
}

enum err wasm_load_step(struct wasm_load *load, i64 *work, struct report *report)
{
    ASSERT(load->stage != WASM_LOAD_DONE);
    if (load->stage == WASM_LOAD_DECODE) {
        TRY(decode(load, work, report));
        load->stage = WASM_LOAD_VALIDATE;
    }
    if (load->stage == WASM_LOAD_VALIDATE) {
        TRY(validate(load, work, report));
        load->stage = WASM_LOAD_TRANSLATE;
    }
    TRY(translate(load, work, report));
    load->stage = WASM_LOAD_DONE;
    return ERR_OK;
}
