//! What to do about each error of an evaluation.

use wasmalert_core::limits::{Limit, LimitInfo, Limits};

pub(super) fn advice(code: &str) -> String {
    if let Some(info) = code.strip_suffix("_exceeded").and_then(limit) {
        return over(info);
    }
    match code {
        "query_failed" => "run the expression against the source; it answered with an error",
        "query_timeout" => "make the query cheaper, or raise the source's timeout",
        "query_unavailable" => "see that the source runs and that the server can reach its URL",
        "query_too_large" => "aggregate in the query so that fewer series come back",
        "query_bad_response" => {
            "see that the source's URL is that of a Prometheus API, not of a page or a proxy"
        }
        "egress_denied" => {
            "use an address that the tenant may reach, or have the operator allow this one; the message says why"
        }
        "source_unknown" => "name a source in the rule, or create the one it names: `wasmalert get sources`",
        "trap" => {
            "the component crashed; look at what it logged, and reproduce it in a test with these inputs"
        }
        "bad_call" => {
            "the component called the host with arguments that are not allowed; the message says which"
        }
        "bad_outcome" => "the component's answer does not hold together; the message says where",
        "component_error" => "the rule itself returned this error; see its documentation and its config",
        "limit_exceeded" => "raise the group's limit, or set over_limit: keep, which drops the new alerts",
        "duplicate_labels" => "two findings have the same labels: add a label that tells them apart",
        "module_unavailable" => {
            "upload the module again: `wasmalert push`; `wasmalert get modules` lists them"
        }
        "quarantined" => {
            "the server's operator has stopped this module; the message says why. Use another one, or ask the operator"
        }
        "overloaded" => {
            "the server had no room in time; it is not the rule's fault. Give it more threads, or fewer rules"
        }
        "host_error" => "the server failed, not the rule; look at the server's log",
        _ => "this version of the command does not know the code; see the server's documentation",
    }
    .to_owned()
}

fn limit(name: &str) -> Option<&'static LimitInfo> {
    let limit = Limit::parse(name)?;
    Limits::TABLE.iter().find(|info| info.limit == limit)
}

fn over(info: &LimitInfo) -> String {
    let (name, unit, default) = (info.name, info.unit, crate::text::thousands(info.default));
    format!(
        "use less of {name} ({}; {default} {unit} unless set otherwise), or have the server's limit raised: \
         `wasmalert serve --limit-{}`",
        info.doc.trim().trim_end_matches('.'),
        name.replace('_', "-")
    )
}
