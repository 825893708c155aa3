// JSON: reads a text into a tree, whose values know where they are, for messages.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generated/rule/wit.h"

#include "internal.h"

enum {
    DEPTH_MAX = 64,
    // The most bytes of a value that a message quotes.
    QUOTED_MAX = 40,
};

#define BAD_CONFIG "bad_config"

struct wa_json {
    wa_kind kind;
    const wa_json *parent;
    // Of a member.
    wa_text name;
    // Of an item.
    size_t index;
    // As it was written.
    wa_text source;
    wa_text string;
    double number;
    wa_json **children;
    size_t len, room;
    // Of the whole: the code of errors, and what it is meant to be.
    const char *code, *what;
};

typedef struct reader {
    const char *start, *at, *end;
    const char *problem;
} reader;

static bool read_value(reader *in, wa_json *value, int depth);

static bool give_up(reader *in, const char *problem) {
    if (in->problem == NULL) in->problem = problem;
    return false;
}

static char peek(const reader *in) {
    return in->at < in->end ? *in->at : '\0';
}

static void skip_space(reader *in) {
    while (in->at < in->end && strchr(" \t\r\n", *in->at) != NULL && *in->at != '\0') in->at++;
}

static bool take(reader *in, char wanted) {
    skip_space(in);
    if (in->at >= in->end || *in->at != wanted) return false;
    in->at++;
    return true;
}

static bool take_word(reader *in, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(in->end - in->at) < len || memcmp(in->at, word, len) != 0) return false;
    in->at += len;
    return true;
}

static bool read_hex(reader *in, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char digit = peek(in);
        int value = digit >= '0' && digit <= '9'   ? digit - '0'
                    : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                    : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                                   : -1;
        if (value < 0) return give_up(in, "\\u wants four hexadecimal digits");
        *code = *code * 16 + (uint32_t)value;
        in->at++;
    }
    return true;
}

static char *put_utf8(char *out, uint32_t code) {
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (char)(0xE0 | code >> 12);
        } else {
            *out++ = (char)(0xF0 | code >> 18);
            *out++ = (char)(0x80 | (code >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (code & 0x3F));
    return out;
}

static bool read_escape(reader *in, char **out) {
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char letter = peek(in);
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);
    in->at++;
    if (found != NULL) {
        *(*out)++ = meant[found - letters];
        return true;
    }
    uint32_t code, low;
    if (letter != 'u') return give_up(in, "no such escape");
    if (!read_hex(in, &code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
        if (!take_word(in, "\\u") || !read_hex(in, &low) || low < 0xDC00 || low > 0xDFFF) {
            return give_up(in, "half a character");
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
        return give_up(in, "half a character");
    }
    *out = put_utf8(*out, code);
    return true;
}

// Begins after the quote. No escape is shorter than what it stands for.
static bool read_string(reader *in, wa_text *string) {
    const char *close = in->at;
    while (close < in->end && *close != '"') close += *close == '\\' ? 2 : 1;
    if (close >= in->end) return give_up(in, "a text has no end");
    char *text = wa_alloc((size_t)(close - in->at) + 1), *out = text;
    while (in->at < close) {
        char byte = *in->at++;
        if (byte == '\\') {
            if (!read_escape(in, &out)) return false;
        } else if ((unsigned char)byte < 0x20) {
            return give_up(in, "a control character in a text");
        } else {
            *out++ = byte;
        }
    }
    in->at = close + 1;
    *string = (wa_text){text, (size_t)(out - text)};
    return true;
}

static bool skip_digits(reader *in) {
    const char *start = in->at;
    while (peek(in) >= '0' && peek(in) <= '9') in->at++;
    return in->at > start;
}

static bool read_number(reader *in, wa_json *value) {
    const char *start = in->at;
    if (peek(in) == '-') in->at++;
    bool leads_zero = peek(in) == '0';
    const char *digits = in->at;
    bool good = skip_digits(in) && !(leads_zero && in->at > digits + 1);
    if (good && peek(in) == '.') {
        in->at++;
        good = skip_digits(in);
    }
    if (good && (peek(in) == 'e' || peek(in) == 'E')) {
        in->at++;
        if (peek(in) == '+' || peek(in) == '-') in->at++;
        good = skip_digits(in);
    }
    if (!good) return give_up(in, "no value can be read here");
    value->kind = WA_NUMBER;
    value->number = strtod(start, NULL);
    return isfinite(value->number) || give_up(in, "a number that is too large");
}

static wa_json *add_child(wa_json *parent) {
    wa_json *child = wa_alloc(sizeof *child);
    child->parent = parent;
    child->index = parent->len;
    parent->children = wa_grow(parent->children, parent->len, &parent->room, sizeof child);
    parent->children[parent->len++] = child;
    return child;
}

static bool read_array(reader *in, wa_json *array, int depth) {
    array->kind = WA_ARRAY;
    if (take(in, ']')) return true;
    do {
        if (!read_value(in, add_child(array), depth)) return false;
    } while (take(in, ','));
    return take(in, ']') || give_up(in, "a , or ] is missing");
}

static bool read_object(reader *in, wa_json *object, int depth) {
    object->kind = WA_OBJECT;
    if (take(in, '}')) return true;
    do {
        wa_json *member = add_child(object);
        if (!take(in, '"')) return give_up(in, "a name in quotes is missing");
        if (!read_string(in, &member->name)) return false;
        if (!take(in, ':')) return give_up(in, "a : is missing");
        if (!read_value(in, member, depth)) return false;
    } while (take(in, ','));
    return take(in, '}') || give_up(in, "a , or } is missing");
}

static bool read_value(reader *in, wa_json *value, int depth) {
    if (depth == 0) return give_up(in, "it is nested too deep");
    skip_space(in);
    const char *start = in->at;
    bool good = true;
    if (take(in, '{')) good = read_object(in, value, depth - 1);
    else if (take(in, '[')) good = read_array(in, value, depth - 1);
    else if (take(in, '"')) value->kind = WA_STRING, good = read_string(in, &value->string);
    else if (take_word(in, "null")) value->kind = WA_NULL;
    else if (take_word(in, "false")) value->kind = WA_BOOL;
    else if (take_word(in, "true")) value->kind = WA_BOOL, value->number = 1;
    else good = read_number(in, value);
    value->source = (wa_text){start, (size_t)(in->at - start)};
    return good;
}

wa_json *wa_json_nothing(const char *code, const char *what) {
    wa_json *json = wa_alloc(sizeof *json);
    json->code = code;
    json->what = what;
    return json;
}

const wa_json *wa_parse(wa_text text, const char *code, const char *what) {
    reader in = {text.ptr, text.ptr, text.ptr + text.len, NULL};
    wa_json *json = wa_json_nothing(code, what);
    bool good = read_value(&in, json, DEPTH_MAX);
    skip_space(&in);
    if (good && in.at != in.end) good = give_up(&in, "nothing may follow here");
    if (good) return json;
    wa_fail(code, "%s is not JSON: byte %td: %s", what, in.at - in.start + 1, in.problem);
    return wa_json_nothing(code, what);
}

const wa_json *wa_parse_config(wa_text config) {
    return wa_parse(config, BAD_CONFIG, "the configuration");
}

// Where a value is in the whole: `nested.list[2]`; empty for the whole.
static wa_text path_of(const wa_json *json) {
    if (json->parent == NULL) return wa_text("");
    wa_text before = path_of(json->parent);
    if (json->name.ptr == NULL) return wa_format("%s[%zu]", before.ptr, json->index);
    return wa_format("%s%s%s", before.ptr, before.len > 0 ? "." : "", json->name.ptr);
}

// As it was written, the start of it.
static wa_text quoted(const wa_json *json) {
    size_t len = json->source.len;
    if (len <= QUOTED_MAX) return wa_format("%.*s", (int)len, json->source.ptr);
    len = QUOTED_MAX;
    while (len > 0 && (json->source.ptr[len] & 0xC0) == 0x80) len--;
    return wa_format("%.*s…", (int)len, json->source.ptr);
}

// The same for people, who know which configuration is meant and not which other text.
static wa_text place_of(const wa_json *json, const wa_json *root) {
    wa_text path = path_of(json), what = wa_text(root->what);
    if (path.len == 0) return what;
    return wa_equal(root->code, BAD_CONFIG) ? path : wa_format("%s: %s", what.ptr, path.ptr);
}

static bool expect(const wa_json *json, wa_kind kind, const char *name) {
    if (json->kind == kind) return true;
    const wa_json *root = json;
    while (root->parent != NULL) root = root->parent;
    const char *where = place_of(json, root).ptr;
    if (json->kind == WA_NOTHING) wa_fail(root->code, "%s: %s is missing", where, name);
    else wa_fail(root->code, "%s: %s is not %s", where, quoted(json).ptr, name);
    return false;
}

static wa_json *child_that_is_missing(const wa_json *parent) {
    wa_json *child = wa_alloc(sizeof *child);
    child->parent = parent;
    return child;
}

wa_kind wa_kind_of(const wa_json *json) {
    return json->kind;
}

// The last of several of one name, as most readers do.
const wa_json *wa_get(const wa_json *object, const char *name) {
    if (object->kind != WA_NOTHING && expect(object, WA_OBJECT, "an object")) {
        for (size_t i = object->len; i-- > 0;) {
            if (wa_equal(object->children[i]->name, name)) return object->children[i];
        }
    }
    wa_json *none = child_that_is_missing(object);
    none->name = wa_text(name);
    return none;
}

const wa_json *wa_at(const wa_json *array, size_t index) {
    if (array->kind != WA_NOTHING && expect(array, WA_ARRAY, "a list") && index < array->len) {
        return array->children[index];
    }
    wa_json *none = child_that_is_missing(array);
    none->index = index;
    return none;
}

bool wa_has(const wa_json *object, const char *name) {
    wa_kind kind = wa_get(object, name)->kind;
    return kind != WA_NOTHING && kind != WA_NULL;
}

size_t wa_items(const wa_json *array) {
    return expect(array, WA_ARRAY, "a list") ? array->len : 0;
}

double wa_number(const wa_json *json) {
    return expect(json, WA_NUMBER, "a number") ? json->number : 0;
}

bool wa_bool(const wa_json *json) {
    return expect(json, WA_BOOL, "true or false") && json->number != 0;
}

wa_text wa_string(const wa_json *json) {
    return expect(json, WA_STRING, "a text") ? json->string : wa_text("");
}
