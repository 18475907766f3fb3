// SPDX-License-Identifier: GPL-3.0-or-later
// Tokens to definitions, by recursive descent without the recursion: only types nest, and they have
// a stack of their own. Names of types stay references; check.c resolves them.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "lib/wit/internal.h"
#include "lib/wit/limits.h"

struct parser {
    struct wit_lexer lexer;
    struct wit_token token; // the next one, not yet taken
    struct arena *arena;
    struct wit_interface *interface;
    struct report *report;
};

static enum err refuse_at(struct parser *parser, const struct wit_token *token, enum err err,
                          const char *words)
{
    return wit_report(parser->report, parser->lexer.file, parser->lexer.text, token->offset, err,
                      words, token->text);
}

// Refuses the next token.
static enum err refuse(struct parser *parser, enum err err, const char *words)
{
    if (parser->token.kind == WIT_TOKEN_END && err == ERR_MALFORMED) {
        return wit_report(parser->report, parser->lexer.file, parser->lexer.text,
                          parser->token.offset, err, words, SPAN_LITERAL("the end of the file"));
    }
    return refuse_at(parser, &parser->token, err, words);
}

static enum err advance(struct parser *parser)
{
    return wit_lexer_next(&parser->lexer, &parser->token);
}

static bool is_mark(const struct parser *parser, char mark)
{
    return parser->token.kind == WIT_TOKEN_MARK && parser->token.text.data[0] == (u8)mark;
}

static bool is_word(const struct parser *parser, const char *word)
{
    return parser->token.kind == WIT_TOKEN_NAME &&
           span_equal(parser->token.text, span_string(word));
}

static enum err expect_mark(struct parser *parser, char mark, const char *words)
{
    if (!is_mark(parser, mark)) {
        return refuse(parser, ERR_MALFORMED, words);
    }
    return advance(parser);
}

static enum err expect_name(struct parser *parser, struct span *out)
{
    const struct wit_token *token = &parser->token;
    if (token->kind == WIT_TOKEN_NAME && wit_is_keyword(token->text)) {
        return refuse(parser, ERR_MALFORMED, "a keyword needs % before it to be a name:");
    }
    if (token->kind != WIT_TOKEN_NAME && token->kind != WIT_TOKEN_QUOTED) {
        return refuse(parser, ERR_MALFORMED, "expected a name and not");
    }
    *out = token->text;
    return advance(parser);
}

static struct span gap_of(const struct parser *parser)
{
    return span_slice(parser->lexer.text, parser->token.gap, parser->token.offset);
}

static enum err new_type(struct parser *parser, enum wit_kind kind, u64 offset,
                         struct wit_type **out)
{
    struct wit_type *type = ARENA_NEW(parser->arena, struct wit_type);
    if (type == NULL) {
        return ERR_NO_MEMORY;
    }
    type->kind = kind;
    type->offset = offset;
    type->home = parser->interface;
    *out = type;
    return ERR_OK;
}

// Appends an item to the list whose last link is *link.
static enum err new_item(struct parser *parser, struct wit_item ***link, struct wit_item **out)
{
    struct wit_item *item = ARENA_NEW(parser->arena, struct wit_item);
    if (item == NULL) {
        return ERR_NO_MEMORY;
    }
    item->offset = parser->token.offset;
    **link = item;
    *link = &item->next;
    *out = item;
    return ERR_OK;
}

// ---- types

struct nested {
    struct wit_type *type;
    struct wit_item **link; // where its next item goes
};

struct type_parser {
    struct nested stack[WIT_TYPE_DEPTH];
    u32 depth;
    struct wit_type *done; // a whole type, when there is one
};

static const struct {
    const char *word;
    enum wit_kind kind;
} type_words[] = {
    {"bool", WIT_BOOL},   {"u8", WIT_U8},         {"u16", WIT_U16},       {"u32", WIT_U32},
    {"u64", WIT_U64},     {"s8", WIT_S8},         {"s16", WIT_S16},       {"s32", WIT_S32},
    {"s64", WIT_S64},     {"f32", WIT_F32},       {"f64", WIT_F64},       {"char", WIT_CHAR},
    {"list", WIT_LIST},   {"string", WIT_STRING}, {"option", WIT_OPTION}, {"result", WIT_RESULT},
    {"tuple", WIT_TUPLE},
};

// Gives the innermost unfinished type its next item; `type` NULL: an item without one.
static enum err attach(struct parser *parser, struct nested *top, struct wit_type *type)
{
    struct wit_item *item;
    if (top->type->item_count == WIT_ITEMS) {
        return refuse(parser, ERR_LIMIT, "the tuple has too many elements, before");
    }
    TRY(new_item(parser, &top->link, &item));
    item->type = type;
    top->type->item_count++;
    return ERR_OK;
}

// Starts list<, option<, result< or tuple<; `result` without a bracket is done at once.
static enum err open_type(struct parser *parser, struct type_parser *types, struct wit_type *type)
{
    TRY(advance(parser));
    struct nested top = {type, &type->items};
    if (type->kind == WIT_RESULT && !is_mark(parser, '<')) {
        TRY(attach(parser, &top, NULL));
        TRY(attach(parser, &top, NULL));
        types->done = type;
        return ERR_OK;
    }
    TRY(expect_mark(parser, '<', "expected < and not"));
    if (type->kind == WIT_RESULT && is_mark(parser, '_')) {
        TRY(advance(parser));
        TRY(attach(parser, &top, NULL));
        TRY(expect_mark(parser, ',', "expected , and not"));
    }
    if (types->depth == COUNT_OF(types->stack)) {
        return refuse(parser, ERR_LIMIT, "types nested too deep, at");
    }
    types->stack[types->depth++] = top;
    return ERR_OK;
}

// Starts a type at the next token: done at once, or one deeper.
static enum err start_type(struct parser *parser, struct type_parser *types)
{
    static const char *const outside[] = {"stream", "future", "own", "borrow", "map"};
    struct wit_token token = parser->token;
    struct wit_type *type;
    if (token.kind == WIT_TOKEN_NAME) {
        for (u32 i = 0; i < COUNT_OF(type_words); i++) {
            if (is_word(parser, type_words[i].word)) {
                TRY(new_type(parser, type_words[i].kind, token.offset, &type));
                if (type->kind >= WIT_LIST) {
                    return open_type(parser, types, type);
                }
                types->done = type;
                return advance(parser);
            }
        }
        for (u32 i = 0; i < COUNT_OF(outside); i++) {
            if (is_word(parser, outside[i])) {
                return refuse(parser, ERR_UNSUPPORTED, "there is no such type here:");
            }
        }
    }
    TRY(new_type(parser, WIT_REFERENCE, token.offset, &type));
    TRY(expect_name(parser, &type->name));
    types->done = type;
    return ERR_OK;
}

// Puts the type that is done into the one around it, and closes what ends here.
static enum err close_types(struct parser *parser, struct type_parser *types)
{
    while (types->done != NULL && types->depth > 0) {
        struct nested *top = &types->stack[types->depth - 1];
        struct wit_type *type = top->type;
        TRY(attach(parser, top, types->done));
        types->done = NULL;
        bool more = type->kind == WIT_TUPLE || (type->kind == WIT_RESULT && type->item_count == 1);
        if (more && is_mark(parser, ',')) {
            TRY(advance(parser));
            if (type->kind == WIT_RESULT || !is_mark(parser, '>')) {
                return ERR_OK; // another item follows
            }
        }
        if (type->kind == WIT_LIST && is_mark(parser, ',')) {
            return refuse(parser, ERR_UNSUPPORTED, "lists of a fixed length are not used here:");
        }
        TRY(expect_mark(parser, '>', "expected > and not"));
        if (type->kind == WIT_RESULT && type->item_count == 1) {
            TRY(attach(parser, top, NULL));
        }
        types->depth--;
        types->done = type;
    }
    return ERR_OK;
}

static enum err parse_type(struct parser *parser, struct wit_type **out)
{
    struct type_parser types = {.depth = 0};
    while (types.done == NULL) {
        TRY(start_type(parser, &types));
        TRY(close_types(parser, &types));
    }
    ASSERT(types.depth == 0);
    *out = types.done;
    return ERR_OK;
}

// ---- declarations

static enum err check_unique(struct parser *parser, const struct wit_item *items,
                             const struct wit_item *item)
{
    for (const struct wit_item *other = items; other != item; other = other->next) {
        if (span_equal(other->name, item->name)) {
            return wit_report(parser->report, parser->lexer.file, parser->lexer.text, item->offset,
                              ERR_INVALID, "this name is there twice:", item->name);
        }
    }
    return ERR_OK;
}

// The body of record, variant, enum or flags, from its brace on.
static enum err parse_items(struct parser *parser, struct wit_type *type)
{
    u32 limit = type->kind == WIT_FLAGS ? WIT_FLAG_BITS : WIT_ITEMS;
    struct wit_item **link = &type->items;
    TRY(expect_mark(parser, '{', "expected { and not"));
    do {
        struct wit_item *item;
        if (type->item_count == limit) {
            return refuse(parser, ERR_LIMIT, "too many of them, at");
        }
        TRY(new_item(parser, &link, &item));
        TRY(wit_doc(gap_of(parser), parser->arena, &item->doc));
        TRY(expect_name(parser, &item->name));
        TRY(check_unique(parser, type->items, item));
        type->item_count++;
        if (type->kind == WIT_RECORD) {
            TRY(expect_mark(parser, ':', "expected : and not"));
            TRY(parse_type(parser, &item->type));
        } else if (type->kind == WIT_VARIANT && is_mark(parser, '(')) {
            TRY(advance(parser));
            TRY(parse_type(parser, &item->type));
            TRY(expect_mark(parser, ')', "expected ) and not"));
        }
        if (!is_mark(parser, ',')) {
            break;
        }
        TRY(advance(parser));
    } while (!is_mark(parser, '}'));
    return expect_mark(parser, '}', "expected , or } and not");
}

// Refuses a name that the interface has already, as a type or as a function.
static enum err check_new(struct parser *parser, struct span name, u64 offset)
{
    const struct wit_interface *interface = parser->interface;
    bool taken = false;
    for (const struct wit_type *type = interface->types; type != NULL; type = type->next) {
        taken = taken || span_equal(type->name, name);
    }
    for (const struct wit_function *f = interface->functions; f != NULL; f = f->next) {
        taken = taken || span_equal(f->name, name);
    }
    if (taken) {
        return wit_report(parser->report, parser->lexer.file, parser->lexer.text, offset,
                          ERR_INVALID, "this name is there twice:", name);
    }
    return ERR_OK;
}

// Enters a declared type, named and after all others.
static enum err declare(struct parser *parser, struct wit_type *type)
{
    struct wit_interface *interface = parser->interface;
    TRY(check_new(parser, type->name, type->offset));
    if (interface->type_count == WIT_TYPES) {
        return refuse(parser, ERR_LIMIT, "too many types, before");
    }
    struct wit_type **link = &interface->types;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = type;
    interface->type_count++;
    return ERR_OK;
}

static enum err parse_declaration(struct parser *parser, enum wit_kind kind, struct span doc)
{
    struct wit_type *type;
    TRY(advance(parser));
    TRY(new_type(parser, kind, parser->token.offset, &type));
    type->doc = doc;
    TRY(expect_name(parser, &type->name));
    if (kind == WIT_ALIAS) {
        TRY(expect_mark(parser, '=', "expected = and not"));
        TRY(parse_type(parser, &type->target));
        TRY(expect_mark(parser, ';', "expected ; and not"));
    } else {
        TRY(parse_items(parser, type));
    }
    return declare(parser, type);
}

static enum err parse_use(struct parser *parser)
{
    struct wit_use *use = ARENA_NEW(parser->arena, struct wit_use);
    if (use == NULL) {
        return ERR_NO_MEMORY;
    }
    TRY(advance(parser));
    use->offset = parser->token.offset;
    TRY(expect_name(parser, &use->interface));
    if (is_mark(parser, ':') || is_mark(parser, '/')) {
        return refuse(parser, ERR_UNSUPPORTED, "use stays within its package, without");
    }
    struct wit_use **link = &parser->interface->uses;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = use;
    TRY(expect_mark(parser, '.', "expected . and not"));
    TRY(expect_mark(parser, '{', "expected { and not"));
    do {
        // An alias whose target is a reference, by name, into the used interface.
        struct wit_type *alias;
        struct wit_type *reference;
        TRY(new_type(parser, WIT_ALIAS, parser->token.offset, &alias));
        TRY(new_type(parser, WIT_REFERENCE, parser->token.offset, &reference));
        alias->target = reference;
        TRY(expect_name(parser, &reference->name));
        alias->name = reference->name;
        reference->from = use->interface;
        if (is_word(parser, "as")) {
            TRY(advance(parser));
            alias->offset = parser->token.offset;
            TRY(expect_name(parser, &alias->name));
        }
        TRY(declare(parser, alias));
        if (!is_mark(parser, ',')) {
            break;
        }
        TRY(advance(parser));
    } while (!is_mark(parser, '}'));
    TRY(expect_mark(parser, '}', "expected , or } and not"));
    return expect_mark(parser, ';', "expected ; and not");
}

static enum err parse_parameters(struct parser *parser, struct wit_function *function)
{
    struct wit_item **link = &function->parameters;
    TRY(expect_mark(parser, '(', "expected ( and not"));
    if (is_mark(parser, ')')) {
        return advance(parser);
    }
    for (;;) {
        struct wit_item *item;
        if (function->parameter_count == WIT_PARAMETERS) {
            return refuse(parser, ERR_LIMIT, "too many parameters, at");
        }
        TRY(new_item(parser, &link, &item));
        TRY(expect_name(parser, &item->name));
        TRY(check_unique(parser, function->parameters, item));
        function->parameter_count++;
        TRY(expect_mark(parser, ':', "expected : and not"));
        TRY(parse_type(parser, &item->type));
        if (!is_mark(parser, ',')) {
            return expect_mark(parser, ')', "expected , or ) and not");
        }
        TRY(advance(parser));
    }
}

static enum err parse_function(struct parser *parser, struct span doc)
{
    struct wit_interface *interface = parser->interface;
    struct wit_function *function = ARENA_NEW(parser->arena, struct wit_function);
    if (function == NULL) {
        return ERR_NO_MEMORY;
    }
    function->doc = doc;
    function->offset = parser->token.offset;
    TRY(expect_name(parser, &function->name));
    TRY(check_new(parser, function->name, function->offset));
    TRY(expect_mark(parser, ':', "expected : and not"));
    if (is_word(parser, "async")) {
        return refuse(parser, ERR_UNSUPPORTED, "every function is asynchronous here, without");
    }
    if (!is_word(parser, "func")) {
        return refuse(parser, ERR_MALFORMED, "expected func and not");
    }
    TRY(advance(parser));
    TRY(parse_parameters(parser, function));
    if (parser->token.kind == WIT_TOKEN_ARROW) {
        TRY(advance(parser));
        TRY(parse_type(parser, &function->result));
    }
    TRY(expect_mark(parser, ';', "expected ; and not"));
    if (interface->function_count == WIT_FUNCTIONS) {
        return refuse(parser, ERR_LIMIT, "too many functions, before");
    }
    struct wit_function **link = &interface->functions;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = function;
    interface->function_count++;
    return ERR_OK;
}

static enum err parse_member(struct parser *parser)
{
    static const struct {
        const char *word;
        enum wit_kind kind;
    } declarations[] = {
        {"record", WIT_RECORD}, {"variant", WIT_VARIANT}, {"enum", WIT_ENUM},
        {"flags", WIT_FLAGS},   {"type", WIT_ALIAS},
    };
    struct span doc;
    TRY(wit_doc(gap_of(parser), parser->arena, &doc));
    for (u32 i = 0; i < COUNT_OF(declarations); i++) {
        if (is_word(parser, declarations[i].word)) {
            return parse_declaration(parser, declarations[i].kind, doc);
        }
    }
    if (is_word(parser, "use")) {
        return parse_use(parser);
    }
    if (is_word(parser, "resource")) {
        return refuse(parser, ERR_UNSUPPORTED,
                      "nothing but bytes travels in messages, so there is no");
    }
    if (is_mark(parser, '@')) {
        return refuse(parser, ERR_UNSUPPORTED, "an interface has no versions, so there is no");
    }
    return parse_function(parser, doc);
}

// "package a:b;"
static enum err parse_package(struct parser *parser)
{
    struct wit_interface *interface = parser->interface;
    struct span space;
    struct span name;
    if (!is_word(parser, "package")) {
        return refuse(parser, ERR_MALFORMED, "expected package and not");
    }
    TRY(advance(parser));
    TRY(expect_name(parser, &space));
    TRY(expect_mark(parser, ':', "expected : and not"));
    TRY(expect_name(parser, &name));
    if (is_mark(parser, '@')) {
        return refuse(parser, ERR_UNSUPPORTED, "an interface has no versions, so there is no");
    }
    if (is_mark(parser, ':') || is_mark(parser, '/')) {
        return refuse(parser, ERR_UNSUPPORTED, "packages do not nest here:");
    }
    u8 *package = ARENA_ARRAY(parser->arena, u8, space.size + 1 + name.size);
    if (package == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_copy(package, space.data, space.size);
    package[space.size] = ':';
    mem_copy(package + space.size + 1, name.data, name.size);
    interface->package = span_of(package, space.size + 1 + name.size);
    return expect_mark(parser, ';', "expected ; and not");
}

// The name that peers know: "package/name", with a zero behind it for C.
static enum err qualify(struct parser *parser)
{
    struct wit_interface *interface = parser->interface;
    size_t size = interface->package.size + 1 + interface->name.size;
    u8 *name = ARENA_ARRAY(parser->arena, u8, size + 1);
    if (name == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_copy(name, interface->package.data, interface->package.size);
    name[interface->package.size] = '/';
    mem_copy(name + interface->package.size + 1, interface->name.data, interface->name.size);
    interface->qualified = span_of(name, size);
    return ERR_OK;
}

enum err wit_parse(struct span file, struct span text, struct arena *arena,
                   struct wit_interface **out, struct report *report)
{
    struct parser parser = {.arena = arena, .report = report};
    TRY(wit_lexer_start(&parser.lexer, file, text, report));
    struct wit_interface *interface = ARENA_NEW(arena, struct wit_interface);
    if (interface == NULL) {
        return ERR_NO_MEMORY;
    }
    parser.interface = interface;
    interface->file = file;
    interface->text = text;
    TRY(advance(&parser));
    TRY(parse_package(&parser));
    TRY(wit_doc(gap_of(&parser), arena, &interface->doc));
    if (is_word(&parser, "world") || is_word(&parser, "use") || is_mark(&parser, '@')) {
        return refuse(&parser, ERR_UNSUPPORTED, "a file holds one interface and nothing else, no");
    }
    if (!is_word(&parser, "interface")) {
        return refuse(&parser, ERR_MALFORMED, "expected interface and not");
    }
    TRY(advance(&parser));
    interface->offset = parser.token.offset;
    TRY(expect_name(&parser, &interface->name));
    TRY(expect_mark(&parser, '{', "expected { and not"));
    while (!is_mark(&parser, '}')) {
        TRY(parse_member(&parser));
    }
    TRY(advance(&parser));
    if (parser.token.kind != WIT_TOKEN_END) {
        return refuse(&parser, ERR_UNSUPPORTED, "a file holds one interface and nothing else, no");
    }
    TRY(qualify(&parser));
    *out = interface;
    return ERR_OK;
}
