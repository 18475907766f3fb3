// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/screen.h"
#include "lib/shell/letter.h"

void screen_init(struct screen *screen, u32 rows, u32 columns)
{
    mem_zero(screen, sizeof *screen);
    screen->rows = rows;
    screen->columns = columns;
}

static void erase(struct screen *screen, u32 row, u32 column)
{
    for (; row < screen->rows; row++, column = 0) {
        mem_zero(&screen->cells[row][column],
                 (screen->columns - column) * sizeof screen->cells[0][0]);
    }
}

static void row_next(struct screen *screen)
{
    screen->waits = false;
    if (screen->row + 1 < screen->rows) {
        screen->row++;
        return;
    }
    mem_move(screen->cells[0], screen->cells[1], (screen->rows - 1) * sizeof screen->cells[0]);
    screen->scrolled++;
    erase(screen, screen->rows - 1, 0);
}

static void letter_put(struct screen *screen, struct letter letter, const u8 *bytes)
{
    if (letter.columns == 0) { // onto the one before
        u32 back = screen->column > 0 && !screen->waits ? screen->column - 1 : screen->column;
        u8 *size = &screen->cells[screen->row][back].size;
        if (*size + letter.bytes < SCREEN_CELL_BYTES) {
            mem_copy(screen->cells[screen->row][back].bytes + *size, bytes, letter.bytes);
            *size += (u8)letter.bytes;
        }
        return;
    }
    if (screen->waits || screen->column + letter.columns > screen->columns) {
        row_next(screen);
        screen->column = 0;
    }
    screen->cells[screen->row][screen->column].size = (u8)letter.bytes;
    mem_copy(screen->cells[screen->row][screen->column].bytes, bytes, letter.bytes);
    if (letter.columns == 2) {
        screen->cells[screen->row][screen->column + 1].size = 0;
    }
    screen->column += letter.columns;
    if (screen->column == screen->columns) {
        screen->column--;
        screen->waits = true;
    }
}

static bool sequence_do(struct screen *screen, u32 number, u8 final)
{
    u32 count = number == 0 ? 1 : number;
    screen->waits = false;
    switch (final) {
    case 'A':
        screen->row = count > screen->row ? 0 : screen->row - count;
        return true;
    case 'C':
        screen->column += count;
        return screen->column < screen->columns;
    case 'H':
        screen->row = 0;
        screen->column = 0;
        return number == 0;
    case 'J':
        erase(screen, number == 2 ? 0 : screen->row, number == 2 ? 0 : screen->column);
        return number == 2 || number == 0;
    default:
        return false;
    }
}

// A sequence at `at`; its end, or 0.
static size_t sequence_read(struct screen *screen, struct span bytes, size_t at)
{
    u32 number = 0;
    if (bytes.size - at < 3 || bytes.data[at + 1] != '[') {
        return 0;
    }
    for (at += 2; at < bytes.size && bytes.data[at] >= '0' && bytes.data[at] <= '9'; at++) {
        number = number * 10 + (bytes.data[at] - '0');
    }
    return at < bytes.size && sequence_do(screen, number, bytes.data[at]) ? at + 1 : 0;
}

bool screen_write(struct screen *screen, struct span bytes)
{
    for (size_t at = 0; at < bytes.size;) {
        u8 byte = bytes.data[at];
        if (byte == 0x1b) {
            at = sequence_read(screen, bytes, at);
            if (at == 0) {
                return false;
            }
            continue;
        }
        struct letter letter = letter_at(span_slice(bytes, at, bytes.size));
        at += letter.bytes;
        if (byte == '\r') {
            screen->column = 0;
            screen->waits = false;
        } else if (byte == '\n') {
            row_next(screen);
        } else if (byte == '\a') {
            screen->bells++;
        } else if (letter.bytes == 0 || letter.is_bad) {
            return false;
        } else {
            letter_put(screen, letter, bytes.data + at - letter.bytes);
        }
    }
    return true;
}

const char *screen_row(const struct screen *screen, u32 row)
{
    static char said[SCREEN_COLUMNS * SCREEN_CELL_BYTES + 1];
    size_t size = 0;
    size_t end = 0;
    for (u32 column = 0; column < screen->columns; column++) {
        u32 bytes = screen->cells[row][column].size;
        bool is_right = column > 0 && bytes == 0 && screen->cells[row][column - 1].size > 0 &&
                        letter_at(span_of(screen->cells[row][column - 1].bytes,
                                          screen->cells[row][column - 1].size))
                                .columns == 2;
        if (bytes == 0 && !is_right) {
            said[size++] = ' ';
        }
        mem_copy(said + size, screen->cells[row][column].bytes, bytes);
        size += bytes;
        end = bytes > 0 ? size : end;
    }
    said[end] = 0;
    return said;
}
