// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/internal.h: what the editor's two files share.
#pragma once
#include "core/base/types.h"
struct editor;
struct text;

// Draws the line where it was drawn before, if it has changed; rings the bell.
void editor_draw(struct editor *editor, struct text *out);

// Moves the cursor behind the line and to the next row, and leaves the line there.
void editor_leave(struct editor *editor, const char *mark, struct text *out);

// Takes what is shown away.
void editor_erase(struct editor *editor, struct text *out);

// Where the cursor is, in a terminal of another width.
void editor_place_again(struct editor *editor);
