use super::{Counters, Histogram, Page};

#[test]
fn counters_are_there_before_they_count() {
    let mut counters = Counters::new(["route", "code"], [["/", "200"], ["/", "503"]]);
    counters.increment(["/", "200"]);
    let mut page = Page::default();
    page.counters("requests_total", "Requests.", &counters);
    assert_eq!(
        page.finish(),
        "# HELP requests_total Requests.\n\
         # TYPE requests_total counter\n\
         requests_total{route=\"/\",code=\"200\"} 1\n\
         requests_total{route=\"/\",code=\"503\"} 0\n"
    );
}

#[test]
fn a_bucket_counts_what_is_at_most_its_bound() {
    let mut histogram = Histogram::new(&[0.25, 0.5]);
    for value in [0.25, 0.5, 0.5, 8.0] {
        histogram.observe(value);
    }
    let mut page = Page::default();
    page.histogram("wait_seconds", "Waits.", &histogram);
    assert_eq!(
        page.finish(),
        "# HELP wait_seconds Waits.\n\
         # TYPE wait_seconds histogram\n\
         wait_seconds_bucket{le=\"0.25\"} 1\n\
         wait_seconds_bucket{le=\"0.5\"} 3\n\
         wait_seconds_bucket{le=\"+Inf\"} 4\n\
         wait_seconds_sum 9.25\n\
         wait_seconds_count 4\n"
    );
}

#[test]
fn help_and_values_of_labels_are_escaped() {
    let mut page = Page::default();
    page.gauge("a", "One\nC:\\ \"two\"", &[("path", "C:\\ \"x\"\n")], 0.5);
    assert_eq!(
        page.finish(),
        "# HELP a One\\nC:\\\\ \"two\"\n\
         # TYPE a gauge\n\
         a{path=\"C:\\\\ \\\"x\\\"\\n\"} 0.5\n"
    );
}
