// What the SDK's own files share. Include after the bindings.
#ifndef WASMALERT_INTERNAL_H
#define WASMALERT_INTERNAL_H

#include <stdarg.h>

#include "wasmalert.h"

/// A text as the bindings have it.
static inline wit_string_t wa_wit(wa_text text) {
    return (wit_string_t){(uint8_t *)text.ptr, text.len};
}

/// Room for one item more: the items, or a larger copy of them.
void *wa_grow(void *items, size_t len, size_t *room, size_t item_size);
wa_text wa_format_list(const char *with, va_list arguments);
/// The failure that sticks; NULL where there is none.
const wa_error *wa_failure(void);
wa_label *wa_labels_from(const wa_field *fields, size_t count);
/// A JSON value that is not there.
wa_json *wa_json_nothing(const char *code, const char *what);
/// Reads the configuration.
const wa_json *wa_parse_config(wa_text config);
/// Writes a description as the contract has it; of both worlds it is the same.
void wa_lay_out(const wa_description *from, void *to);

#endif
