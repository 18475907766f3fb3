// SPDX-License-Identifier: GPL-3.0-or-later
// A program whose only purpose is to be large and ordinary: containers, strings and streams for
// many types, as C++ programs have them. tests/bench/load.c measures how fast it loads.
#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#ifndef LAYERS
#define LAYERS 200
#endif

template <int N> struct layer {
    std::map<int, std::string> names;
    std::vector<std::string> words;

    std::string describe(int number)
    {
        std::ostringstream out;
        for (auto &name : names) {
            out << name.first + N << name.second;
        }
        std::sort(words.begin(), words.end());
        for (auto &word : words) {
            out << word << number * N;
        }
        names[number * N] = out.str();
        return out.str() + layer<N - 1>().describe(number + N);
    }
};

template <> struct layer<0> {
    std::string describe(int number)
    {
        return std::to_string(number);
    }
};

int main(int argc, char **)
{
    std::cout << layer<LAYERS>().describe(argc) << std::endl;
}
