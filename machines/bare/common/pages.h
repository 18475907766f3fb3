// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/pages.h: address space. Defines platform_pages_* of core/platform.h over the
// frames and the CPU's page tables.
//
// Use     pages_init once, after cpu_start.
// Limits  PAGES_RESERVATIONS at a time. Tables made for a range stay for whoever reserves it next.
//         A page that is committed costs its frame at once.
#pragma once

void pages_init(void);
