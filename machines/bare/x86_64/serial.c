// SPDX-License-Identifier: GPL-3.0-or-later
// The first serial port of a PC, 115200 bits a second, and the ways to stop.
// Source  National Semiconductor PC16550D data sheet; QEMU's docs/specs on isa-debug-exit.
#include "machines/bare/common/cpu.h"
#include "machines/bare/x86_64/cpu.h"

enum { COM1 = 0x3f8, DATA = COM1, LINE_STATUS = COM1 + 5 };
enum { STATUS_RECEIVED = 1, STATUS_ROOM = 0x20, STATUS_NO_PORT = 0xff, FIFO_BYTES = 16 };
enum { EXIT_PORT = 0xf4, EXIT_SUCCESS = 0x10, EXIT_FAILURE = 0x11 };

static bool started;

static void start(void)
{
    static const u8 setup[][2] = {
        {1, 0x00},                 // no interrupts: the tick looks
        {3, 0x80}, {0, 1}, {1, 0}, // divisor 1: 115200
        {3, 0x03},                 // 8 bits, no parity, one stop bit
        {2, 0xc7},                 // FIFOs on and empty
        {4, 0x03},                 // we are here
    };
    for (u32 i = 0; i < COUNT_OF(setup); i++) {
        port_write8((u16)(COM1 + setup[i][0]), setup[i][1]);
    }
    started = true;
}

size_t cpu_serial_write(struct span bytes)
{
    if (!started) {
        start();
    }
    if (!(port_read8(LINE_STATUS) & STATUS_ROOM)) {
        return 0;
    }
    size_t count = bytes.size < FIFO_BYTES ? bytes.size : FIFO_BYTES;
    for (size_t i = 0; i < count; i++) {
        port_write8(DATA, bytes.data[i]);
    }
    return count;
}

int cpu_serial_read(void)
{
    u8 status = started ? port_read8(LINE_STATUS) : 0;
    if (!(status & STATUS_RECEIVED) || status == STATUS_NO_PORT) {
        return -1;
    }
    return port_read8(DATA);
}

// QEMU turns the number v into its exit code 2v + 1: 33 for success, 35 for failure. On a machine
// without that device nobody listens to the port, and the CPU sleeps.
void cpu_halt(int code)
{
    __asm__ volatile("cli");
    port_write32(EXIT_PORT, code == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    for (;;) {
        __asm__ volatile("hlt");
    }
}
