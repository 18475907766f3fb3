// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/exit.c: a program that ends at once.
void start(void);

__attribute__((export_name("_start"))) void start(void)
{
}
