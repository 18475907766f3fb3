// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/puppet.h: what a puppet (guests/puppet.c) can be told to do.
#pragma once

enum puppet_kind {
    PUPPET_SEND,    // a bond, b function, c body, d body_len, e answer, f answer_len, g flags
    PUPPET_ANSWER,  // a message, b body, c body_len, d buf, e buf_len, f flags
    PUPPET_WAIT,    // a buf, b buf_len, c flags
    PUPPET_POKE,    // a address; writes `bytes` there
    PUPPET_PEEK,    // a address, b length; gives the bytes
    PUPPET_GROW,    // a pages; gives what memory.grow gives
    PUPPET_RETURN,  // returns from _start
    PUPPET_TRAP,    // unreachable
    PUPPET_RECURSE, // until the stack is out
    PUPPET_SPIN,    // a loops; 0: for ever
    PUPPET_POLL,    // a calls of wait that never block; 0: for ever
    PUPPET_CALL,    // a bond, b function, c body_len, d times: sends that wait, one after another
    // a bond, b function, c body_len, d flags: sends e times, or (0) until that is refused; then
    // takes the last one back, so that it can say so. count << 8 | -error
    PUPPET_FILL,
    PUPPET_ECHO, // answers every message with its own body, for ever
};

// Bytes at the address that the first `next` gives. The first half is the test's; PUPPET_CALL and
// PUPPET_ECHO use the second.
enum { PUPPET_AREA_BYTES = 1 << 18 };
