// The world `rule`.

#include "wasmalert.hpp"

namespace wasmalert {

extern "C" void wa_evaluate(const wa_context *from, const wa_json *config, wa_outcome *to) {
    const wa_trigger &trigger = from->trigger;
    Context context{
        .tenant = detail::view(from->tenant),
        .namespace_ = detail::view(from->namespace_),
        .group = detail::view(from->group),
        .rule = detail::view(from->rule),
        .now_ms = from->now_ms,
        .interval_ms = from->interval_ms,
        .trigger = detail::view(trigger.kind),
        .timer = std::nullopt,
        .labels = Labels(from->labels),
        .extras = Labels(from->extras),
    };
    if (wa_is_timer(from)) {
        const std::string_view payload(reinterpret_cast<const char *>(trigger.payload.ptr), trigger.payload.len);
        context.timer = timers::Timer{detail::view(trigger.timer), trigger.due_ms, payload};
    }
    Outcome outcome(to);
    evaluate(context, Json(config), outcome);
}

} // namespace wasmalert
