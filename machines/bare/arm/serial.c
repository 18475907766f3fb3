// SPDX-License-Identifier: GPL-3.0-or-later
// The board's PL011 serial port, 115200 bits a second, and its random generator.
// Source  ARM PrimeCell UART (PL011) Technical Reference Manual; "BCM2835 ARM Peripherals",
//         chapters 6 and 13.
#include "machines/bare/arm/cpu.h"
#include "machines/bare/common/cpu.h"

enum {
    DATA = BOARD_SERIAL,
    FLAGS = BOARD_SERIAL + 0x18,
    FLAG_EMPTY = 1 << 4,
    FLAG_FULL = 1 << 5,
    DIVISOR = BOARD_SERIAL + 0x24,
    DIVISOR_FRACTION = BOARD_SERIAL + 0x28,
    LINE = BOARD_SERIAL + 0x2c,
    CONTROL = BOARD_SERIAL + 0x30,
};
enum {
    RANDOM_CONTROL = BOARD_RANDOM,
    RANDOM_STATUS = BOARD_RANDOM + 4,
    RANDOM_DATA = BOARD_RANDOM + 8
};
enum { RANDOM_WARM_UP = 0x40000, RANDOM_PATIENCE = 1000000 };

static bool started;

static void start(void)
{
    enum { PINS_14_15 = 077 << 12, ALTERNATE_0 = 044 << 12 };
    u32 pins = device_read(BOARD_PINS + 4);
    device_write(BOARD_PINS + 4, (pins & ~(u32)PINS_14_15) | ALTERNATE_0);
    device_write(CONTROL, 0);
    device_write(DIVISOR, 26); // 48 MHz / 16 / 115200 = 26 + 3/64
    device_write(DIVISOR_FRACTION, 3);
    device_write(LINE, 0x70);     // 8 bits, FIFOs
    device_write(CONTROL, 0x301); // on, both ways
    started = true;
}

size_t cpu_serial_write(struct span bytes)
{
    if (!started) {
        start();
    }
    size_t count = 0;
    while (count < bytes.size && !(device_read(FLAGS) & FLAG_FULL)) {
        device_write(DATA, bytes.data[count++]);
    }
    return count;
}

int cpu_serial_read(void)
{
    if (!started || (device_read(FLAGS) & FLAG_EMPTY)) {
        return -1;
    }
    return (int)(device_read(DATA) & 0xff);
}

static bool random_word(u32 *out)
{
    u32 patience = RANDOM_PATIENCE;
    while (device_read(RANDOM_STATUS) >> 24 == 0) {
        if (--patience == 0) {
            return false;
        }
    }
    *out = device_read(RANDOM_DATA);
    return true;
}

bool cpu_random(u64 *out)
{
    static bool on;
    static bool dead;
    u32 low;
    u32 high;
    if (!on) {
        device_write(RANDOM_STATUS, RANDOM_WARM_UP);
        device_write(RANDOM_CONTROL, 1);
        on = true;
    }
    if (dead || !random_word(&low) || !random_word(&high)) {
        dead = true;
        return false;
    }
    *out = (u64)high << 32 | low;
    return true;
}
