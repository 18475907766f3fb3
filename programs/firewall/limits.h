// SPDX-License-Identifier: GPL-3.0-or-later
// programs/firewall/limits.h: every bound of the firewall.
#pragma once

enum {
    FIREWALL_RULES = 64, // as many as a line of a system file has words
};
