// Finds groups of series that should be alike and are not: each whose largest value is far above its smallest.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <wasmalert.hpp>

using namespace wasmalert;

Description wasmalert::describe() {
    return {
        .name = "spread",
        .doc = "Fires for each group of series whose largest value is too many times its smallest.",
        .config_schema = R"({
            "type": "object", "required": ["expr", "by", "factor"], "additionalProperties": false,
            "properties": {
                "expr": {"type": "string"},
                "by": {"type": "array", "items": {"type": "string"}},
                "factor": {"type": "number"}
            }
        })",
    };
}

namespace {

struct Group {
    std::size_t series = 0;
    double smallest = INFINITY, largest = -INFINITY;

    void add(double value) {
        series++;
        smallest = std::min(smallest, value);
        largest = std::max(largest, value);
    }
};

/// Groups by the values of the labels that make them.
using Groups = std::map<std::vector<std::string_view>, Group>;

Groups groups_of(const Frame &frame, const std::vector<std::string> &by) {
    std::vector<LabelColumn> columns;
    for (const std::string &label : by) columns.push_back(frame.label(label));
    Groups groups;
    for (const Series series : frame) {
        if (std::isnan(series.value)) continue;
        std::vector<std::string_view> key;
        for (const LabelColumn &column : columns) key.push_back(column[series.index]);
        groups[std::move(key)].add(series.value);
    }
    return groups;
}

void tell_of_fewer(std::size_t groups) {
    std::size_t before = 0;
    if (const auto text = state::get("groups")) std::from_chars(text->data(), text->data() + text->size(), before);
    if (groups < before) log::warn(text(groups, " groups, ", before, " before"));
    state::set("groups", text(groups));
    metrics::gauge("spread_groups", static_cast<double>(groups));
}

} // namespace

void wasmalert::evaluate(const Context &context, const Json &config, Outcome &outcome) {
    const std::string_view expr = config["expr"].string();
    const std::vector<std::string> by = config["by"].strings();
    const double factor = config["factor"].number();
    if (failed()) return;

    const Groups groups = groups_of(query(expr), by);
    for (const auto &[values, group] : groups) {
        if (group.series < 2 || group.smallest <= 0 || group.largest <= factor * group.smallest) continue;
        Finding finding = outcome.find(group.largest / group.smallest);
        for (std::size_t i = 0; i < by.size(); i++) finding.label(by[i], values[i]);
        finding.annotation("series", text(group.series));
    }
    if (!failed()) tell_of_fewer(groups.size());
}
