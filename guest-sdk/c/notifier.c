// The world `notifier`: alerts, requests, and what answers mean.

#include <stdlib.h>
#include <string.h>

// What the bindings free after a call goes with the instance, and some of it was never allocated.
#define free(ptr) ((void)(ptr))
#include "generated/notifier/wit.c"
#undef free

#include "internal.h"

_Static_assert(sizeof(wa_batch) == sizeof(exports_wit_notifications_batch_t), "a batch is the contract's");
_Static_assert(offsetof(wa_batch, alerts) == offsetof(exports_wit_notifications_batch_t, alerts), "as above");
_Static_assert(sizeof(wa_alert) == sizeof(exports_wit_notifications_alert_t), "an alert is the contract's");
_Static_assert(sizeof(wa_response) == sizeof(exports_wit_notifications_http_response_t), "so is a response");

// The most characters of an answer's body that a reason quotes.
enum { EXCERPT_MAX = 200 };

// Requests

struct wa_request {
    const char *method;
    wa_text url, body;
    wa_label *headers;
    size_t len, room;
};

struct wa_requests {
    wa_request **items;
    size_t len, room;
};

bool wa_is_firing(const wa_alert *alert) {
    return wa_equal(alert->status, "firing");
}

wa_request *wa_send(wa_requests *requests, const char *method, wa_text url, wa_text body) {
    wa_request *request = wa_alloc(sizeof *request);
    request->method = method;
    request->url = url;
    request->body = body;
    requests->items = wa_grow(requests->items, requests->len, &requests->room, sizeof request);
    return requests->items[requests->len++] = request;
}

static bool starts_with(wa_text text, const char *start) {
    size_t len = strlen(start);
    return text.len >= len && memcmp(text.ptr, start, len) == 0;
}

// The same text, in a form that the host does not take for a secret.
static wa_text disarmed(wa_text text, const char *instead) {
    static const char secret[] = "{{secret:";
    wa_buffer safe = {0};
    size_t plain = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!starts_with((wa_text){text.ptr + i, text.len - i}, secret)) continue;
        wa_append(&safe, ((wa_text){text.ptr + plain, i - plain}));
        wa_append(&safe, instead);
        plain = i + strlen(secret);
    }
    wa_append(&safe, ((wa_text){text.ptr + plain, text.len - plain}));
    return wa_buffer_text(&safe);
}

wa_text wa_without_secrets(wa_text text) {
    return disarmed(text, "{ {secret:");
}

wa_request *wa_post_json_text(wa_requests *requests, wa_text url, wa_text json) {
    if (!starts_with(url, "http://") && !starts_with(url, "https://") && !starts_with(url, "{{secret:")) {
        wa_fail("bad_config", "url: %s starts with neither http://, https:// nor {{secret:NAME}}", wa_quote(url).ptr);
    }
    wa_request *request = wa_send(requests, "POST", url, disarmed(json, "{\\u007bsecret:"));
    wa_header(request, "Content-Type", "application/json");
    return request;
}

void wa_request_header(wa_request *request, const char *name, wa_text value) {
    request->headers = wa_grow(request->headers, request->len, &request->room, sizeof *request->headers);
    request->headers[request->len++] = (wa_label){wa_text(name), value};
}

wa_text wa_secret(const char *name) {
    return wa_format("{{secret:%s}}", name);
}

// Answers

wa_disposition wa_delivered(void) {
    return (wa_disposition){.kind = "delivered", .reason = wa_text("")};
}

wa_disposition wa_retry(wa_text reason, uint64_t after_ms) {
    return (wa_disposition){.kind = "retry", .retry_after_ms = after_ms, .reason = reason};
}

wa_disposition wa_undeliverable(wa_text reason) {
    return (wa_disposition){.kind = "failed", .reason = reason};
}

static bool equal_but_for_case(wa_text a, const char *b) {
    for (size_t i = 0; i < a.len; i++) {
        unsigned char x = (unsigned char)a.ptr[i], y = (unsigned char)b[i];
        if (x >= 'A' && x <= 'Z') x += 'a' - 'A';
        if (y >= 'A' && y <= 'Z') y += 'a' - 'A';
        if (x != y || y == '\0') return false;
    }
    return b[a.len] == '\0';
}

wa_text wa_response_header(const wa_response *response, const char *name) {
    for (size_t i = 0; i < response->headers.len; i++) {
        const wa_label *header = &response->headers.items[i];
        if (equal_but_for_case(header->name, name)) return header->value;
    }
    return (wa_text){0};
}

static bool is_space(char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static wa_text trimmed(wa_text text) {
    while (text.len > 0 && is_space(text.ptr[0])) text.ptr++, text.len--;
    while (text.len > 0 && is_space(text.ptr[text.len - 1])) text.len--;
    return text;
}

// `Retry-After` where it is a number of seconds; a date says nothing without a clock.
static uint64_t retry_after_ms(const wa_response *response) {
    wa_text seconds = trimmed(wa_response_header(response, "retry-after"));
    uint64_t ms = 0;
    for (size_t i = 0; i < seconds.len; i++) {
        char digit = seconds.ptr[i];
        if (digit < '0' || digit > '9' || ms > UINT64_MAX / 10 - 10000) return 0;
        ms = ms * 10 + (uint64_t)(digit - '0') * 1000;
    }
    return ms;
}

// How many bytes the character at the start of a text has; 0 where it is none.
static size_t character(wa_text text) {
    const uint8_t *byte = (const uint8_t *)text.ptr;
    size_t len = byte[0] < 0x80 ? 1 : byte[0] < 0xC2 ? 0 : byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : byte[0] < 0xF5 ? 4 : 0;
    if (len > text.len) return 0;
    for (size_t i = 1; i < len; i++) {
        if ((byte[i] & 0xC0) != 0x80) return 0;
    }
    // Too long for what it says, half a character, or beyond the last.
    if (len == 3 && ((byte[0] == 0xE0 && byte[1] < 0xA0) || (byte[0] == 0xED && byte[1] > 0x9F))) return 0;
    if (len == 4 && ((byte[0] == 0xF0 && byte[1] < 0x90) || (byte[0] == 0xF4 && byte[1] > 0x8F))) return 0;
    return len;
}

wa_text wa_excerpt(const wa_response *response) {
    wa_text rest = trimmed((wa_text){(const char *)response->body.ptr, response->body.len});
    wa_buffer text = {0};
    for (int count = 0; rest.len > 0 && count < EXCERPT_MAX; count++) {
        size_t len = character(rest);
        wa_append(&text, len > 0 ? ((wa_text){rest.ptr, len}) : wa_text("\uFFFD"));
        if (len == 0) len = 1;
        rest.ptr += len;
        rest.len -= len;
    }
    return wa_buffer_text(&text);
}

wa_disposition wa_disposition_of(const wa_response *response) {
    unsigned status = response->status;
    if (status >= 200 && status < 300) return wa_delivered();
    wa_text reason = wa_format("status %u: %s", status, wa_excerpt(response).ptr);
    bool is_retry = status == 408 || status == 429 || (status >= 500 && status < 600);
    return is_retry ? wa_retry(reason, retry_after_ms(response)) : wa_undeliverable(reason);
}

__attribute__((weak)) wa_disposition wa_interpret(const wa_json *config, uint32_t request, const wa_response *response) {
    (void)config, (void)request;
    return wa_disposition_of(response);
}

// Exports

void exports_wit_notifications_describe(exports_wit_notifications_description_t *to) {
    wa_description description = wa_describe();
    wa_lay_out(&description, to);
}

bool exports_wit_notifications_notify(exports_wit_notifications_batch_t *from,
                                      exports_wit_notifications_list_http_request_t *to,
                                      exports_wit_notifications_component_error_t *error) {
    const wa_batch *batch = (const wa_batch *)from;
    wa_requests requests = {0};
    const wa_json *config = wa_parse_config(batch->config);
    if (!wa_failed()) wa_notify(batch, config, &requests);
    const wa_error *failure = wa_failure();
    if (failure != NULL) {
        *error = (exports_wit_notifications_component_error_t){wa_wit(failure->code), wa_wit(failure->message), {0}};
        return false;
    }
    exports_wit_notifications_http_request_t *list = wa_alloc(requests.len * sizeof *list);
    for (size_t i = 0; i < requests.len; i++) {
        const wa_request *request = requests.items[i];
        list[i].method = wa_wit(wa_text(request->method));
        list[i].url = wa_wit(request->url);
        list[i].headers = (exports_wit_notifications_list_label_t){(wit_types_label_t *)request->headers, request->len};
        list[i].body = (wit_list_u8_t){(uint8_t *)request->body.ptr, request->body.len};
    }
    *to = (exports_wit_notifications_list_http_request_t){list, requests.len};
    return true;
}

void exports_wit_notifications_interpret(wit_string_t *config, uint32_t request,
                                         exports_wit_notifications_http_response_t *response,
                                         exports_wit_notifications_disposition_t *to) {
    const wa_json *json = wa_parse_config((wa_text){(const char *)config->ptr, config->len});
    wa_disposition meaning = {0};
    if (!wa_failed()) meaning = wa_interpret(json, request, (const wa_response *)response);
    const wa_error *failure = wa_failure();
    if (failure != NULL) meaning = wa_undeliverable(wa_format("%s: %s", failure->code.ptr, failure->message.ptr));
    *to = (exports_wit_notifications_disposition_t){
        .kind = wa_wit(wa_text(meaning.kind)),
        .retry_after_ms = {meaning.retry_after_ms > 0, meaning.retry_after_ms},
        .reason = wa_wit(meaning.reason),
    };
}
