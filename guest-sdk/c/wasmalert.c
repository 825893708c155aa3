// What rules and notifiers share: memory, texts, errors, JSON, log and state.

#include "wasmalert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Both worlds have the same log and state.
#include "generated/rule/wit.h"

#include "internal.h"

_Static_assert(sizeof(wa_text) == sizeof(wit_string_t), "a text is the contract's string");
_Static_assert(sizeof(wa_label) == sizeof(wit_types_label_t), "a label is the contract's");

// The bindings want an object file linked that holds the component's type, which is put in after linking.
__attribute__((weak)) void __component_type_object_force_link_wit(void) {
}

// Memory

enum { CHUNK = 8 * 1024 };

// Small pieces come from chunks. Not zeroed: that costs a byte at a time.
static void *take(size_t size) {
    static char *chunk;
    static size_t room;
    size = (size + 7) & ~(size_t)7;
    bool is_large = size > CHUNK / 4;
    if (!is_large && size <= room) {
        void *piece = chunk;
        chunk += size;
        room -= size;
        return piece;
    }
    char *fresh = malloc(is_large ? size : CHUNK);
    if (fresh == NULL) wa_panic("out of memory: %zu bytes more", size);
    if (!is_large) {
        chunk = fresh + size;
        room = CHUNK - size;
    }
    return fresh;
}

void *wa_alloc(size_t size) {
    return memset(take(size), 0, size);
}

// Memory for what the host hands over. Texts and bytes get one byte more: the NUL that makes them strings of C.
__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    char *fresh = take(size + 1);
    if (align == 1) fresh[size] = '\0';
    if (old_size > 0) memcpy(fresh, old, old_size < size ? old_size : size);
    return fresh;
}

void *wa_grow(void *items, size_t len, size_t *room, size_t item_size) {
    if (len < *room) return items;
    size_t wanted = *room == 0 ? 4 : *room * 2;
    void *fresh = take(wanted * item_size);
    if (len > 0) memcpy(fresh, items, len * item_size);
    *room = wanted;
    return fresh;
}

// Texts

wa_text wa_text_of(const char *string) {
    return string == NULL ? (wa_text){"", 0} : (wa_text){string, strlen(string)};
}

static wa_text format(const char *format, va_list arguments) {
    char start[256];
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(start, sizeof start, format, again);
    va_end(again);
    if (len < 0) return wa_text("");
    size_t size = (size_t)len + 1;
    char *text = take(size);
    if (size <= sizeof start) memcpy(text, start, size);
    else vsnprintf(text, size, format, arguments);
    return (wa_text){text, (size_t)len};
}

wa_text wa_format(const char *with, ...) {
    va_list arguments;
    va_start(arguments, with);
    wa_text text = format(with, arguments);
    va_end(arguments);
    return text;
}

wa_text wa_format_list(const char *with, va_list arguments) {
    return format(with, arguments);
}

bool wa_text_equal(wa_text a, wa_text b) {
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

wa_text wa_value(wa_labels labels, const char *name) {
    for (size_t i = 0; i < labels.len; i++) {
        if (wa_equal(labels.items[i].name, name)) return labels.items[i].value;
    }
    return wa_text("");
}

void wa_append_text(wa_buffer *to, wa_text text) {
    size_t len = to->len + text.len;
    if (len + 1 > to->room) {
        size_t room = to->room * 2 > len + 1 ? to->room * 2 : len + 32;
        char *fresh = take(room);
        if (to->len > 0) memcpy(fresh, to->ptr, to->len);
        to->ptr = fresh;
        to->room = room;
    }
    if (text.len > 0) memcpy(to->ptr + to->len, text.ptr, text.len);
    to->len = len;
    to->ptr[len] = '\0';
}

void wa_appendf(wa_buffer *to, const char *with, ...) {
    va_list arguments;
    va_start(arguments, with);
    wa_append_text(to, format(with, arguments));
    va_end(arguments);
}

wa_text wa_buffer_text(const wa_buffer *buffer) {
    return buffer->ptr == NULL ? wa_text("") : (wa_text){buffer->ptr, buffer->len};
}

static void append_bytes(wa_buffer *to, const char *bytes, size_t len) {
    wa_append_text(to, (wa_text){bytes, len});
}

wa_text wa_quote(wa_text text) {
    static const char named[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    wa_buffer json = {0};
    wa_append(&json, "\"");
    size_t plain = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        append_bytes(&json, text.ptr + plain, i - plain);
        plain = i + 1;
        if (byte >= 0x20) wa_appendf(&json, "\\%c", byte);
        else if (byte < sizeof named && named[byte] != '\0') wa_appendf(&json, "\\%c", named[byte]);
        else wa_appendf(&json, "\\u%04x", byte);
    }
    append_bytes(&json, text.ptr + plain, text.len - plain);
    wa_append(&json, "\"");
    return wa_buffer_text(&json);
}

// Errors

static wa_error failure;
static bool has_failed;

void wa_fail_with(wa_error error) {
    if (!has_failed) failure = error;
    has_failed = true;
}

void wa_fail(const char *code, const char *with, ...) {
    va_list arguments;
    va_start(arguments, with);
    wa_fail_with((wa_error){wa_text(code), format(with, arguments)});
    va_end(arguments);
}

bool wa_failed(void) {
    return has_failed;
}

const wa_error *wa_failure(void) {
    return has_failed ? &failure : NULL;
}

// Writes a line at error without allocating: there may be no memory left.
static void log_error(wa_text text) {
    wit_string_t message = wa_wit(text);
    wit_log_list_label_t no_fields = {0};
    wit_log_write(WIT_LOG_LEVEL_ERROR, &message, &no_fields);
}

void wa_panic_at(const char *file, int line, const char *with, ...) {
    static char text[1024];
    // A trap hides what may have led to it.
    if (has_failed) {
        snprintf(text, sizeof text, "failed before: %s: %s", failure.code.ptr, failure.message.ptr);
        log_error(wa_text(text));
    }
    int head = snprintf(text, sizeof text, "%s:%d: ", file, line);
    size_t start = head > 0 && (size_t)head < sizeof text ? (size_t)head : 0;
    va_list arguments;
    va_start(arguments, with);
    vsnprintf(text + start, sizeof text - start, with, arguments);
    va_end(arguments);
    log_error(wa_text(text));
    __builtin_trap();
}

// Those of the C library say nothing that anybody hears.
__attribute__((weak)) _Noreturn void __assert_fail(const char *what, const char *file, int line, const char *function) {
    wa_panic_at(file, line, "%s: assertion failed: %s", function, what);
}

__attribute__((weak)) _Noreturn void abort(void) {
    wa_panic("abort() was called");
}

// Log

_Static_assert((int)WA_ERROR == WIT_LOG_LEVEL_ERROR, "levels have the contract's numbers");

wa_label *wa_labels_from(const wa_field *fields, size_t count) {
    wa_label *labels = wa_alloc(count * sizeof *labels);
    for (size_t i = 0; i < count; i++) {
        labels[i] = (wa_label){wa_text(fields[i].name), wa_text(fields[i].value)};
    }
    return labels;
}

void wa_log_fields(wa_level level, wa_text message, const wa_field *fields, size_t count) {
    wit_string_t text = wa_wit(message);
    wit_log_list_label_t list = {(wit_types_label_t *)wa_labels_from(fields, count), count};
    wit_log_write((wit_log_level_t)level, &text, &list);
}

void wa_logf(wa_level level, const char *with, ...) {
    va_list arguments;
    va_start(arguments, with);
    wa_log_fields(level, format(with, arguments), NULL, 0);
    va_end(arguments);
}

// State

bool wa_state_bytes(const char *key, wa_bytes *value) {
    wit_string_t name = wa_wit(wa_text(key));
    wit_list_u8_t bytes;
    if (!wit_state_get(&name, &bytes)) return false;
    *value = (wa_bytes){bytes.ptr, bytes.len};
    return true;
}

wa_text wa_state_get(const char *key) {
    wa_bytes value;
    if (!wa_state_bytes(key, &value)) return wa_text("");
    return (wa_text){(const char *)value.ptr, value.len};
}

const wa_json *wa_state_json(const char *key) {
    wa_bytes value;
    const char *what = wa_format("the state under %s", wa_quote(wa_text(key)).ptr).ptr;
    if (!wa_state_bytes(key, &value)) return wa_json_nothing("bad_json", what);
    return wa_parse((wa_text){(const char *)value.ptr, value.len}, "bad_json", what);
}

void wa_state_set_bytes(const char *key, const void *bytes, size_t len) {
    wit_string_t name = wa_wit(wa_text(key));
    wit_list_u8_t value = {(uint8_t *)bytes, len};
    wit_state_set(&name, &value);
}

void wa_state_set_text(const char *key, wa_text value) {
    wa_state_set_bytes(key, value.ptr, value.len);
}

void wa_state_delete(const char *key) {
    wit_string_t name = wa_wit(wa_text(key));
    wit_state_delete(&name);
}

wa_texts wa_state_keys(const char *prefix) {
    wit_string_t start = wa_wit(wa_text(prefix));
    wit_list_string_t keys;
    wit_state_keys(&start, &keys);
    return (wa_texts){(const wa_text *)keys.ptr, keys.len};
}

// Descriptions

void wa_lay_out(const wa_description *from, void *to) {
    size_t queries = 0, extras = 0;
    while (from->queries != NULL && from->queries[queries] != NULL) queries++;
    while (from->extras != NULL && from->extras[extras].name != NULL) extras++;
    wa_text *exprs = wa_alloc(queries * sizeof *exprs);
    for (size_t i = 0; i < queries; i++) exprs[i] = wa_text(from->queries[i]);
    *(wit_types_description_t *)to = (wit_types_description_t){
        .name = wa_wit(wa_text(from->name)),
        .doc = wa_wit(wa_text(from->doc)),
        .config_schema = wa_wit(wa_text(from->config_schema)),
        .queries = {(wit_string_t *)exprs, queries},
        .extras = {(wit_types_label_t *)wa_labels_from(from->extras, extras), extras},
    };
}
