// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/kernel/grants.h"
#include "core/base/assert.h"
#include "core/base/cid.h"
#include "core/kernel/limits.h"
#include "interfaces/puppet.h"
#include "machines/sim/sim.h"
#include <string.h>

const struct stage_interface grants_puppet = {.name = PUPPET_NAME, .real = &puppet_interface};

void grants_name(struct kernel_grant *grant, const char *cid,
                 const struct stage_interface *interface)
{
    if (cid != NULL) {
        struct cid program;
        ASSERT(cid_parse_text(span_string(cid), &program, NULL) == ERR_OK);
        memcpy(grant->program, program.digest, sizeof grant->program);
    }
    if (interface != NULL) {
        stage_interface_hash(interface, grant->interface);
    }
}

void grants_say(struct stage *stage, enum kernel_right right, enum kernel_word word,
                const char *cid, const struct stage_interface *interface, const char *limit)
{
    struct kernel_grant grant = {.right = right, .word = word, .limit = span_string(limit)};
    grants_name(&grant, cid, interface);
    ASSERT(kernel_grant_set(stage->kernel, &grant) == ERR_OK);
    kernel_check(stage->kernel);
}

void grants_forget(struct stage *stage, enum kernel_right right, const char *cid,
                   const struct stage_interface *interface)
{
    struct kernel_grant grant = {0};
    grants_name(&grant, cid, interface);
    ASSERT(kernel_grant_forget(stage->kernel, right, grant.program, grant.interface) == ERR_OK);
    kernel_check(stage->kernel);
}

u32 grants_count(struct stage *stage)
{
    static u8 limit[KERNEL_GRANT_LIMIT_BYTES];
    struct kernel_grant grant;
    u32 count = 0;
    for (u32 at = 0; kernel_grant_next(stage->kernel, &at, &grant, limit); count++) {
    }
    return count;
}

void grants_stage_open(struct stage *stage, u64 seed, enum kernel_word unknown)
{
    struct kernel_config config = sim_kernel_config(2);
    config.unknown[KERNEL_USE] = (u8)unknown;
    config.unknown[KERNEL_HANDLE] = (u8)unknown;
    stage_open_config(stage, seed, &config, NULL);
    grants_say(stage, KERNEL_USE, KERNEL_ALLOW, NULL, &grants_puppet, "");
}
