// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/channel_place.h: where systems that run can be reached: HOME/systems, a folder of
// this user alone, with a socket for each, named by the process's number.
//
// Whoever is at the other end has to be the same user, whatever the folder says. Sockets that
// nobody listens at any more are taken away by who finds them.
//
// Errors  -1, as the host's calls; errno says why.
#pragma once
#include "core/base/types.h"

enum {
    CHANNEL_SYSTEMS = 256, // in one home; more are not looked for
};

// The folder, in a home; makes it if that is wanted. ENOTDIR, EACCES, ...: it is none, or not ours.
int channel_folder(int home, bool makes);

// A socket of this process's own number.
int channel_listen(int folder);
// Closes it, and nobody finds it any more.
void channel_unlisten(int folder, int listener);

// A connection to that system, which does not block. ECONNREFUSED, ENOENT: it does not run (any
// more); EAGAIN: too many want to.
int channel_connect(int folder, u32 number);

// The numbers of the systems that there are, in order, dead ones swept away. Returns how many.
u32 channel_systems(int folder, u32 numbers[CHANNEL_SYSTEMS]);

// Whether this user has the other end of a connection.
bool channel_is_mine(int file);
