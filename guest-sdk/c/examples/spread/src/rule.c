// Finds groups of series that should be alike and are not: each whose largest value is far above its smallest.

#include <math.h>
#include <stdlib.h>

#include <wasmalert.h>

wa_description wa_describe(void) {
    return (wa_description){
        .name = "spread",
        .doc = "Fires for each group of series whose largest value is too many times its smallest.",
        .config_schema = "{\"type\":\"object\",\"required\":[\"expr\",\"by\",\"factor\"],"
                         "\"additionalProperties\":false,\"properties\":{\"expr\":{\"type\":\"string\"},"
                         "\"by\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
                         "\"factor\":{\"type\":\"number\"}}}",
    };
}

// A series: the columns of the labels that make the groups, and its number.
typedef struct member {
    const wa_column *columns;
    size_t column_count;
    size_t series;
    double value;
} member;

// Orders the series by their group, then by value. The values of a label lie in their column once, so that two
// series are of one group where their codes are the same.
static int group_order(const void *left, const void *right) {
    const member *a = left, *b = right;
    for (size_t i = 0; i < a->column_count; i++) {
        const uint32_t *codes = a->columns[i].codes;
        if (codes[a->series] != codes[b->series]) return codes[a->series] < codes[b->series] ? -1 : 1;
    }
    return 0;
}

static int value_order(const void *left, const void *right) {
    const member *a = left, *b = right;
    int groups = group_order(a, b);
    return groups != 0 ? groups : (a->value > b->value) - (a->value < b->value);
}

static void tell_of_fewer(size_t groups) {
    wa_text before = wa_state_get("groups");
    if (groups < strtoull(before.ptr, NULL, 10)) wa_logf(WA_WARN, "%zu groups, %s before", groups, before.ptr);
    wa_state_set("groups", wa_format("%zu", groups));
    wa_gauge("spread_groups", (double)groups);
}

void wa_evaluate(const wa_context *context, const wa_json *config, wa_outcome *outcome) {
    wa_text expr = wa_string(wa_get(config, "expr"));
    const wa_json *by = wa_get(config, "by");
    double factor = wa_number(wa_get(config, "factor"));
    size_t label_count = wa_items(by);
    wa_text *labels = wa_alloc(label_count * sizeof *labels);
    for (size_t i = 0; i < label_count; i++) labels[i] = wa_string(wa_at(by, i));
    if (wa_failed()) return;

    wa_frame *frame = wa_query(expr);
    wa_column *columns = wa_alloc(label_count * sizeof *columns);
    for (size_t i = 0; i < label_count; i++) columns[i] = wa_column_of(frame, labels[i].ptr);
    const double *values = wa_values(frame);
    member *members = wa_alloc(wa_len(frame) * sizeof *members);
    size_t count = 0;
    for (size_t i = 0; i < wa_len(frame); i++) {
        if (!isnan(values[i])) members[count++] = (member){columns, label_count, i, values[i]};
    }
    qsort(members, count, sizeof *members, value_order);

    size_t groups = 0;
    for (size_t start = 0, end; start < count; start = end) {
        groups++;
        for (end = start + 1; end < count && group_order(&members[start], &members[end]) == 0;) end++;
        const member *smallest = &members[start], *largest = &members[end - 1];
        if (end - start < 2 || smallest->value <= 0 || largest->value <= factor * smallest->value) continue;
        wa_finding *finding = wa_find_value(outcome, largest->value / smallest->value);
        for (size_t i = 0; i < label_count; i++) {
            wa_label(finding, labels[i], wa_column_at(&columns[i], smallest->series));
        }
        wa_annotatef(finding, "series", "%zu", end - start);
    }
    if (!wa_failed()) tell_of_fewer(groups);
}
