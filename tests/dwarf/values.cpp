// SPDX-License-Identifier: GPL-3.0-or-later
// As values.c, in C++: methods, templates, the library's types.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace geometry
{
struct shape {
    virtual ~shape() = default;
    virtual double area() const = 0;
};

struct circle : shape {
    double radius;
    explicit circle(double of) : radius(of)
    {
    }
    double area() const override
    {
        double about = radius * radius * 3.0;
        return about; // AREA
    }
};

template <typename T> __attribute__((noinline)) T sum(const std::vector<T> &values)
{
    T all{};
    for (const T &value : values) {
        all += value; // SUM
    }
    return all;
}
} // namespace geometry

int main()
{
    std::string name = "circle";
    std::vector<int> values{1, 2, 3};
    std::unique_ptr<geometry::shape> shape = std::make_unique<geometry::circle>(2.0);
    double total = shape->area() + geometry::sum(values);
    std::printf("%s %.1f\n", name.c_str(), total); // PRINT
    return 0;
}
