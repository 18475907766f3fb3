// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/yamux_internal.h: what yamux.c and yamux_receive.c share.
#pragma once
#include "lib/p2p/yamux.h"

// A stream of the session out of the pool; NULL when that is empty.
struct yamux_stream *yamux_stream_make(struct yamux *session, u32 id, bool is_inbound);
// It has something to send.
void yamux_stream_ready(struct yamux_stream *stream);
// Its user has something to look at.
void yamux_stream_changed(struct yamux_stream *stream);
// Gives it back to the pool when it is over and released and nothing is owed. The stream is of no
// more use then.
void yamux_stream_settle(struct yamux_stream *stream);
