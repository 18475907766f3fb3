// SPDX-License-Identifier: GPL-3.0-or-later
#include "machines/hosted/screens.h"

// In a sequence: behind ESC, behind CSI, and behind its `?`, where the numbers are.
enum { STATE_TEXT, STATE_ESCAPE, STATE_SEQUENCE, STATE_PRIVATE };

enum { ESCAPE = 0x1b, CANCEL = 0x18, SUBSTITUTE = 0x1a, NUMBER_MOST = 9999 };

static void number_end(struct screens *screens)
{
    screens->is_switch |=
        screens->number == 47 || screens->number == 1047 || screens->number == 1049;
    screens->number = 0;
}

static enum screens_shown escaped(struct screens *screens, u8 byte)
{
    screens->state = byte == '[' ? STATE_SEQUENCE : STATE_TEXT;
    return byte == 'c' ? SCREENS_FIRST : SCREENS_AS_BEFORE;
}

static enum screens_shown in_private(struct screens *screens, u8 byte)
{
    bool is_digit = byte >= '0' && byte <= '9';
    if (is_digit && screens->number <= NUMBER_MOST) {
        screens->number = screens->number * 10 + (byte - '0');
    }
    if (is_digit || byte < ' ') { // a control in a sequence is done, and the sequence goes on
        return SCREENS_AS_BEFORE;
    }
    number_end(screens);
    if (byte == ';') {
        return SCREENS_AS_BEFORE;
    }
    screens->state = STATE_TEXT;
    return !screens->is_switch ? SCREENS_AS_BEFORE
           : byte == 'h'       ? SCREENS_OTHER
           : byte == 'l'       ? SCREENS_FIRST
                               : SCREENS_AS_BEFORE;
}

static enum screens_shown byte_take(struct screens *screens, u8 byte)
{
    if (byte == ESCAPE || byte == CANCEL || byte == SUBSTITUTE) {
        screens->state = byte == ESCAPE ? STATE_ESCAPE : STATE_TEXT;
        return SCREENS_AS_BEFORE;
    }
    switch (screens->state) {
    case STATE_ESCAPE:
        return escaped(screens, byte);
    case STATE_SEQUENCE:
        *screens = (struct screens){.state = byte == '?' ? STATE_PRIVATE : STATE_TEXT};
        return SCREENS_AS_BEFORE;
    case STATE_PRIVATE:
        return in_private(screens, byte);
    default:
        return SCREENS_AS_BEFORE;
    }
}

enum screens_shown screens_take(struct screens *screens, struct span bytes)
{
    enum screens_shown shown = SCREENS_AS_BEFORE;
    for (size_t i = 0; i < bytes.size; i++) {
        enum screens_shown now = byte_take(screens, bytes.data[i]);
        shown = now == SCREENS_AS_BEFORE ? shown : now;
    }
    return shown;
}
