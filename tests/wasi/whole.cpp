// SPDX-License-Identifier: GPL-3.0-or-later
// What larger programs are made of: containers, sorting, text, a JSON round trip, large numbers,
// LZ. Prints a line of sums for each part, the same as a native build at any optimisation.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

static uint32_t state = 12345;

static uint32_t draw()
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static uint64_t hash(const std::string &text)
{
    uint64_t sum = 14695981039346656037u;
    for (unsigned char byte : text) {
        sum = (sum ^ byte) * 1099511628211u;
    }
    return sum;
}

static void report(const char *part, const std::string &text)
{
    printf("%s %zu %016llx\n", part, text.size(), (unsigned long long)hash(text));
}

static void containers()
{
    std::unordered_map<std::string, int> counts;
    std::map<int, std::string> names;
    std::unordered_map<uint64_t, uint32_t> numbers;
    for (int i = 0; i < 4000; i++) {
        uint32_t key = draw() % 900;
        std::string name = "key" + std::to_string(key);
        counts[name]++;
        numbers[(uint64_t)key << 33 | key] += draw();
        names[(int)key - 450] += (char)('a' + i % 26);
        if (i % 7 == 0) {
            counts.erase("key" + std::to_string(draw() % 900));
            names.erase((int)(draw() % 900) - 450);
        }
    }
    std::vector<std::pair<std::string, int>> sorted(counts.begin(), counts.end());
    std::sort(sorted.begin(), sorted.end());
    std::string text;
    for (const auto &item : sorted) {
        text += item.first + "=" + std::to_string(item.second) + ";";
    }
    for (const auto &item : names) {
        text += std::to_string(item.first) + ":" + item.second;
    }
    uint64_t sum = 0;
    for (const auto &item : numbers) {
        sum += item.first * item.second;
    }
    report("containers", text + std::to_string(sum));
}

static void sorting()
{
    struct record {
        double weight;
        int16_t rank;
        uint8_t tag;
    };
    std::vector<record> records(3000);
    for (record &r : records) {
        r = {(int)(draw() % 2000 - 1000) / 8.0, (int16_t)draw(), (uint8_t)draw()};
    }
    std::stable_sort(records.begin(), records.end(), [](const record &a, const record &b) {
        return a.weight != b.weight ? a.weight < b.weight : a.rank > b.rank;
    });
    std::make_heap(records.begin() + 1500, records.end(),
                   [](const record &a, const record &b) { return a.tag < b.tag; });
    std::nth_element(records.begin(), records.begin() + 700, records.begin() + 1400,
                     [](const record &a, const record &b) { return a.rank < b.rank; });
    std::sort(records.begin(), records.begin() + 700,
              [](const record &a, const record &b) { return a.rank < b.rank; });
    std::string text;
    char line[80];
    for (size_t i = 0; i < 700; i++) {
        snprintf(line, sizeof line, "%+08.3f|%-7d|%02x|%g|%e\n", (double)records[i].rank / 16,
                 records[i].rank, records[i].rank & 0xff, records[i].rank * 1e-9,
                 records[i].rank / 3.0);
        text += line;
    }
    report("sorting", text);
}

struct json {
    char kind = 'n';
    double number = 0;
    std::string text;
    std::vector<std::pair<std::string, std::unique_ptr<json>>> items;
};

static std::unique_ptr<json> json_draw(int depth)
{
    auto value = std::make_unique<json>();
    value->kind = "nsoa"[depth > 0 ? draw() % 4 : draw() % 2];
    value->number = (int32_t)draw() / 1024.0;
    for (uint32_t i = draw() % 9; i > 0; i--) {
        value->text += (char)(32 + draw() % 95);
    }
    for (uint32_t i = 0; value->kind >= 'o' + (value->kind == 's') * 9 && i < draw() % 7; i++) {
        value->items.emplace_back("k" + std::to_string(i), json_draw(depth - 1));
    }
    for (uint32_t i = 0; value->kind == 'a' && i < 3; i++) {
        value->items.emplace_back("", json_draw(depth - 1));
    }
    return value;
}

static void json_text(const std::string &text, std::string &out)
{
    out += '"';
    for (char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    out += '"';
}

static void json_write(const json &value, std::string &out)
{
    char digits[40];
    if (value.kind == 'n') {
        snprintf(digits, sizeof digits, "%.17g", value.number);
        out += digits;
    } else if (value.kind == 's') {
        json_text(value.text, out);
    } else {
        out += value.kind == 'o' ? '{' : '[';
        for (size_t i = 0; i < value.items.size(); i++) {
            if (i != 0) {
                out += ',';
            }
            if (value.kind == 'o') {
                json_text(value.items[i].first, out);
                out += ':';
            }
            json_write(*value.items[i].second, out);
        }
        out += value.kind == 'o' ? '}' : ']';
    }
}

static std::string json_read_text(const char *&at)
{
    std::string text;
    for (at++; *at != '"'; at++) {
        if (*at == '\\') {
            at++;
        }
        text += *at;
    }
    at++;
    return text;
}

static std::unique_ptr<json> json_read(const char *&at)
{
    auto value = std::make_unique<json>();
    char end = *at == '{' ? '}' : ']';
    if (*at == '"') {
        value->kind = 's';
        value->text = json_read_text(at);
    } else if (*at == '{' || *at == '[') {
        value->kind = *at == '{' ? 'o' : 'a';
        for (at++; *at != end; at += *at == ',') {
            std::string name;
            if (end == '}') {
                name = json_read_text(at);
                at++;
            }
            value->items.emplace_back(name, json_read(at));
        }
        at++;
    } else {
        char *after;
        value->number = strtod(at, &after);
        at = after;
    }
    return value;
}

static void json_round_trip()
{
    std::string all;
    for (int i = 0; i < 30; i++) {
        std::string text;
        std::string again;
        json_write(*json_draw(5), text);
        const char *at = text.c_str();
        json_write(*json_read(at), again);
        all += text == again && *at == 0 ? text : "differs";
    }
    report("json", all);
}

// Factorials and their quotients, nine digits to a word.
static void large_numbers()
{
    std::vector<uint32_t> words = {1};
    for (uint32_t factor = 2; factor <= 300; factor++) {
        uint64_t carry = 0;
        for (uint32_t &word : words) {
            carry += (uint64_t)word * factor;
            word = (uint32_t)(carry % 1000000000);
            carry /= 1000000000;
        }
        if (carry != 0) {
            words.push_back((uint32_t)carry);
        }
    }
    std::string text;
    for (uint32_t divisor = 3; divisor < 3000; divisor += 97) {
        uint64_t rest = 0;
        for (size_t i = words.size(); i-- > 0;) {
            rest = rest * 1000000000 + words[i];
            words[i] = (uint32_t)(rest / divisor);
            rest %= divisor;
        }
        while (words.size() > 1 && words.back() == 0) {
            words.pop_back();
        }
        text += std::to_string(rest) + ",";
    }
    for (size_t i = words.size(); i-- > 0;) {
        text += std::to_string(words[i]) + " ";
    }
    report("numbers", text);
}

static void lz_round_trip()
{
    std::string text;
    while (text.size() < 12000) {
        text += text.size() > 100 && draw() % 3 != 0
                    ? text.substr(draw() % (text.size() - 40), draw() % 40)
                    : std::string(1 + draw() % 5, (char)('a' + draw() % 20));
    }
    std::string packed;
    std::vector<int> last(4096, -1);
    for (size_t at = 0; at < text.size();) {
        size_t length = 0;
        uint32_t three = 0;
        if (at + 3 <= text.size()) {
            memcpy(&three, text.data() + at, 3);
            int &seen = last[three * 2654435761u >> 20];
            while (seen >= 0 && length < 255 && at + length < text.size() &&
                   text[(size_t)seen + length] == text[at + length]) {
                length++;
            }
            three = seen >= 0 ? (uint32_t)(at - (size_t)seen) : 0;
            seen = (int)at;
        }
        if (length > 3 && three < 65536) {
            packed += (char)length;
            packed += (char)(three & 0xff);
            packed += (char)(three >> 8);
            at += length;
        } else {
            packed += '\0';
            packed += text[at++];
        }
    }
    std::string again;
    for (size_t at = 0; at < packed.size();) {
        size_t length = (uint8_t)packed[at++];
        if (length == 0) {
            again += packed[at++];
            continue;
        }
        size_t back = (uint8_t)packed[at] | (size_t)(uint8_t)packed[at + 1] << 8;
        at += 2;
        for (; length > 0; length--) {
            again += again[again.size() - back];
        }
    }
    report("lz", packed + (again == text ? "" : " differs"));
}

int main()
{
    containers();
    sorting();
    json_round_trip();
    large_numbers();
    lz_round_trip();
    return 0;
}
