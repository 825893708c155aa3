// The world `notifier`.

#include "wasmalert.hpp"

namespace wasmalert {

extern "C" void wa_notify(const wa_batch *from, const wa_json *config, wa_requests *to) {
    Batch batch{
        .tenant = detail::view(from->tenant),
        .receiver = detail::view(from->receiver),
        .namespace_ = detail::view(from->namespace_),
        .group = detail::view(from->group),
        .rule = detail::view(from->rule),
        .now_ms = from->now_ms,
        .idempotency_key = detail::view(from->idempotency_key),
        .external_url = detail::view(from->external_url),
        .alerts = {},
        .extras = Labels(from->extras),
    };
    for (std::size_t i = 0; i < from->alert_count; i++) {
        const wa_alert &alert = from->alerts[i];
        batch.alerts.push_back({
            .is_firing = wa_is_firing(&alert),
            .labels = Labels(alert.labels),
            .annotations = Labels(alert.annotations),
            .value = alert.value,
            .starts_at_ms = alert.starts_at_ms,
            .ends_at_ms = alert.ends_at_ms,
            .generator_url = detail::view(alert.generator_url),
            .fingerprint = detail::view(alert.fingerprint),
            .extras = Labels(alert.extras),
        });
    }
    Requests requests(to);
    notify(batch, Json(config), requests);
}

extern "C" wa_disposition wa_interpret(const wa_json *config, std::uint32_t request, const wa_response *response) {
    return interpret(Json(config), request, Response(response)).raw();
}

[[gnu::weak]] Disposition interpret(const Json &, std::uint32_t, const Response &response) {
    return Disposition::of(response);
}

} // namespace wasmalert
