//! Rule files of Prometheus, and `PrometheusRule` resources: each of their groups is a document.

use serde_json::Value;
pub use wasmalert_rulefile::body::Unsaid;
use wasmalert_rulefile::rules::{self, Group};

use super::files::Text;
use super::{Document, Wanted};

/// Whether an item of a file is one of Prometheus' rule files.
pub(super) fn is_rule_file(item: &Value) -> bool {
    let kind = item["kind"].as_str();
    let is_resource = |kind| kind == rules::RESOURCE || rules::LISTS.contains(&kind);
    item.get("groups").is_some() || kind.is_some_and(is_resource)
}

/// The groups of a text's rule files; everything that is wrong with them goes to `errors`.
pub(super) fn groups(text: &Text, unsaid: &Unsaid, errors: &mut Vec<String>) -> Vec<Document> {
    let (file, problems) = rules::read(&text.name, &text.folder, &text.content);
    errors.extend(problems.iter().map(ToString::to_string));
    let groups = file.groups.into_iter().filter(|group| group.is_of_prometheus);
    groups.map(|group| document(&group, unsaid)).collect()
}

fn document(group: &Group, unsaid: &Unsaid) -> Document {
    let namespace = unsaid.namespace.as_ref().unwrap_or(&group.namespace);
    Document {
        place: format!("{}:{}", group.file, group.line),
        wanted: Wanted::Group {
            namespace: namespace.clone(),
            name: group.name.clone(),
            spec: group.body(unsaid),
        },
        is_of_prometheus: true,
    }
}
