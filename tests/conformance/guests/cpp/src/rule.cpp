// Shows the behaviours of tests/conformance/README.md.

#include <algorithm>
#include <numeric>

#include <wasmalert.hpp>

using namespace wasmalert;

Description wasmalert::describe() {
    return {
        .name = "conformance",
        .doc = "Does what its configuration says.",
        .config_schema = R"({"type":"object"})",
        .queries = {"up"},
    };
}

namespace {

template <typename Texts>
std::string joined(const Texts &texts) {
    std::string all;
    for (std::size_t i = 0; i < texts.size(); i++) {
        if (i > 0) all += ',';
        all += texts[i];
    }
    return all;
}

void add_context(const Context &context, Outcome &outcome) {
    outcome.find(0.0)
        .label("tenant", context.tenant)
        .label("namespace", context.namespace_)
        .label("group", context.group)
        .label("rule", context.rule)
        .label("now_ms", text(context.now_ms))
        .label("interval_ms", text(context.interval_ms))
        .label("trigger", context.trigger)
        .label("owner", context.labels.get("team"));
}

void add_config(const Json &config, Outcome &outcome) {
    const std::vector<double> list = config["list"].numbers();
    outcome.find(std::accumulate(list.begin(), list.end(), config["number"].number()))
        .label("text", config["text"].string())
        .label("on", text(config["nested"]["on"].boolean()));
}

void add_above(const Json &config, Outcome &outcome) {
    const double above = config["above"].number();
    const Frame cpu = query("cpu");
    const LabelColumn hosts = cpu.label("host");
    for (const Series series : cpu) {
        if (series.value > above) outcome.find(series).annotation("summary", text(hosts[series.index], " is busy"));
    }
}

void add_columns(Outcome &outcome) {
    const Frame cpu = query("cpu");
    const std::uint32_t last = static_cast<std::uint32_t>(cpu.size()) - 1;
    std::vector<std::string> pairs;
    for (const Label label : cpu.labels_of({&last, 1})[0]) pairs.push_back(text(label.name, '=', label.value));
    const auto values = cpu.values();
    outcome.find(std::accumulate(values.begin(), values.end(), 0.0))
        .label("hosts", joined(cpu.label("host")))
        .label("last", joined(pairs))
        .annotation("first_ms", text(cpu.times_ms()[0]));
}

void add_range(const Context &context, Outcome &outcome) {
    for (const Series series : RangeQuery::last("cpu", 300'000, context.now_ms, 60'000).run()) {
        const Samples samples = series.samples();
        const auto [smallest, largest] = std::minmax_element(samples.values.begin(), samples.values.end());
        outcome.find(series).value(*largest - *smallest).annotation("points", text(samples.size()));
    }
}

void add_prefetched(Outcome &outcome) {
    prefetch({{"a"}, {"b"}});
    outcome.find(query("a").values()[0] + query("b").values()[0]);
}

void add_error(Outcome &outcome) {
    const Frame broken = Query{.expr = "broken", .may_fail = true}.run();
    if (const auto error = broken.error()) {
        outcome.find(0.0).label("code", error->code).annotation("message", error->message);
    }
}

void add_text(const Json &config, Outcome &outcome) {
    const std::string_view given = config["text"].string();
    const auto characters = std::ranges::count_if(given, [](char byte) { return (byte & 0xC0) != 0x80; });
    outcome.find(static_cast<double>(characters)).label("text", given).annotation("twice", text(given, given));
    log::info(given);
    state::set("text", given);
}

void add_state(Outcome &outcome) {
    const std::string count = text(state::get("count").value_or(""), '\xff');
    state::set("count", count);
    state::set("a/1", std::string_view("\0", 1));
    state::set("a/2", "");
    state::remove("a/1");
    state::remove("gone");
    outcome.find(static_cast<double>(count.size())).label("keys", joined(state::keys("a/")));
}

std::string hexadecimal(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string all;
    for (const unsigned char byte : bytes) all += text(digits[byte / 16], digits[byte % 16]);
    return all;
}

void add_timers(const Context &context, Outcome &outcome) {
    if (context.timer) {
        outcome.find(static_cast<double>(context.now_ms - context.timer->due_ms))
            .label("timer", context.timer->name)
            .label("payload", hexadecimal(context.timer->payload));
        return;
    }
    timers::set("wake", context.now_ms + 1'000, std::string_view("\0\xffx", 3));
    timers::set("other", context.now_ms + 5'000);
    timers::cancel("other");
    std::vector<std::string_view> names;
    for (const timers::Timer &timer : timers::pending()) names.push_back(timer.name);
    outcome.find(0.0).label("pending", joined(names));
}

void put_out() {
    log::trace("trace", {{"n", 0}});
    log::debug("debug", {{"n", 1}});
    log::info("info", {{"n", 2}});
    log::warn("warn", {{"n", 3}});
    log::error("error", {{"n", 4}});
    metrics::count("runs_total", 2, {{"kind", "a"}});
    metrics::gauge("level", -1.5);
    metrics::observe("took_seconds", 0.25);
}

} // namespace

void wasmalert::evaluate(const Context &context, const Json &config, Outcome &outcome) {
    const std::string_view what = config["do"].string();
    if (what == "context") {
        add_context(context, outcome);
    } else if (what == "config") {
        add_config(config, outcome);
    } else if (what == "instant") {
        add_above(config, outcome);
    } else if (what == "columns") {
        add_columns(outcome);
    } else if (what == "range") {
        add_range(context, outcome);
    } else if (what == "prefetch") {
        add_prefetched(outcome);
    } else if (what == "may_fail") {
        add_error(outcome);
    } else if (what == "query_error") {
        query("broken");
    } else if (what == "empty") {
        log::info(text(query("nothing").size(), " series"));
    } else if (what == "large") {
        for (const Series series : query("many")) {
            if (series.value > 0.5) outcome.find(series);
        }
    } else if (what == "utf8") {
        add_text(config, outcome);
    } else if (what == "floats") {
        for (const Series series : query("odd")) outcome.find(series);
    } else if (what == "state") {
        add_state(outcome);
    } else if (what == "timers") {
        add_timers(context, outcome);
    } else if (what == "output") {
        put_out();
    } else if (what == "record") {
        outcome.record("cpu:copy", query("cpu")[0]).label("copied", "yes");
        outcome.record("answer", 42.0).label("unit", "x");
    } else if (what == "error") {
        fail("too_hot", text(5, " degrees too hot"));
    } else if (what == "exception") {
        panic("boom");
    } else if (what == "limit") {
        for (volatile bool on = true; on;) {}
    } else {
        fail("bad_config", text("do: there is no ", quote(what)));
    }
}
