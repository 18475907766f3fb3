// SPDX-License-Identifier: GPL-3.0-or-later
// Objects with methods, as C++ has them: each call goes by way of a table in the object.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

enum { COUNT = 600 };

struct shape;
struct methods {
    f64 (*area)(const struct shape *shape);
    void (*scale)(struct shape *shape, f64 by);
    u32 (*corners)(const struct shape *shape);
};
struct shape {
    const struct methods *methods;
    f64 a, b, c;
    u32 marks;
};

static f64 box_area(const struct shape *shape)
{
    return shape->a * shape->b;
}

static f64 disc_area(const struct shape *shape)
{
    return shape->a * shape->a * 3.25;
}

static f64 triangle_area(const struct shape *shape)
{
    f64 half = (shape->a + shape->b + shape->c) / 2;
    f64 square = half * (half - shape->a) * (half - shape->b) * (half - shape->c);
    return square > 0 ? __builtin_sqrt(square) : 0;
}

static void scale_all(struct shape *shape, f64 by)
{
    shape->a *= by;
    shape->b *= by;
    shape->c *= by;
}

static void scale_one(struct shape *shape, f64 by)
{
    shape->a *= by;
    shape->marks++;
}

static u32 corners_of_box(const struct shape *shape)
{
    return 4 + shape->marks % 2;
}

static u32 corners_of_disc(const struct shape *shape)
{
    return shape->marks;
}

static const struct methods kinds[] = {
    {box_area, scale_all, corners_of_box},
    {disc_area, scale_one, corners_of_disc},
    {triangle_area, scale_all, corners_of_disc},
};
static struct shape shapes[COUNT];

u64 KERNEL_RUN(u32 n)
{
    u64 sum = 0;
    u64 state = 8;
    for (u32 i = 0; i < COUNT; i++) {
        u64 random = kernel_random(&state);
        shapes[i] = (struct shape){&kinds[random % 3], 3.0 + random % 5, 4.0, 5.0, (u32)random % 3};
    }
    for (u32 turn = 0; turn < n; turn++) {
        f64 total = 0;
        u32 corners = 0;
        for (u32 i = 0; i < COUNT; i++) {
            struct shape *shape = &shapes[i];
            total += shape->methods->area(shape);
            shape->methods->scale(shape, turn % 2 == 0 ? 0.5 : 2.0);
            corners += shape->methods->corners(shape);
        }
        sum = kernel_fold(sum, kernel_bits(total) ^ corners);
    }
    return sum;
}
