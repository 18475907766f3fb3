// SPDX-License-Identifier: GPL-3.0-or-later
// C++ with its library: streams, containers, constructors that run before main and destructors after.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>
#include <vector>

struct Global {
    std::string name = "global";
    ~Global()
    {
        std::cout << name << " goes" << std::endl;
    }
};

static Global global;

int main()
{
    std::vector<std::string> words;
    std::string word;
    while (std::cin >> word) {
        words.push_back(word);
    }
    std::map<std::string, int> counts;
    for (const auto &each : words) {
        counts[each]++;
    }
    std::sort(words.begin(), words.end());
    for (const auto &[name, count] : counts) {
        std::cout << name << ' ' << count << '\n';
    }
    return static_cast<int>(words.size());
}
