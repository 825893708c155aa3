//! What the description of each call has besides what its handler says: a name of its own, and
//! the refusals that any handler may leave to the frame around it.

mod merge;

use utoipa::openapi::path::Operation;
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response};

use super::problem;

/// The reference to the schema of a problem.
const PROBLEM: &str = "#/components/schemas/Problem";
/// Refusals of the door.
const AT_THE_DOOR: [&str; 4] = ["401", "403", "404", "429"];

/// Adds what a call answers to callers whom the door turns away.
pub(super) fn behind_the_door(call: &mut Operation) {
    for status in AT_THE_DOOR {
        may_answer(call, status);
    }
}

/// Completes the description of all calls.
pub(super) fn complete(document: &mut OpenApi) {
    if let Some(components) = &mut document.components {
        merge::merge_all(&mut components.schemas);
    }
    for item in document.paths.paths.values_mut() {
        let calls = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
        for call in calls.into_iter().flatten() {
            describe(call);
        }
    }
}

fn describe(call: &mut Operation) {
    // Names of handlers are those of their files; with the tag, no two are the same.
    let tag = call.tags.iter().flatten().next();
    if let (Some(tag), Some(id)) = (tag, &mut call.operation_id) {
        *id = format!("{tag}_{id}");
    }
    if call.parameters.is_some() || call.request_body.is_some() {
        may_answer(call, "400");
    }
    if call.request_body.is_some() {
        may_answer(call, "413");
    }
    for (status, response) in &mut call.responses.responses {
        if let RefOr::T(response) = response {
            finish(status, response);
        }
    }
}

/// Adds a problem with that status.
fn may_answer(call: &mut Operation, status: &str) {
    let response = call.responses.responses.entry(status.to_owned());
    let response = response.or_insert_with(|| Response::default().into());
    if let RefOr::T(response) = response {
        let of_problem = || RefOr::T(Content::new(Some(Ref::new(PROBLEM))));
        let kind = problem::CONTENT_TYPE.to_owned();
        response.content.entry(kind).or_insert_with(of_problem);
    }
}

/// Gives problems their media type, and a response without words the usual ones of its status.
fn finish(status: &str, response: &mut Response) {
    for (kind, content) in std::mem::take(&mut response.content) {
        let kind = if is_problem(&content) {
            problem::CONTENT_TYPE.to_owned()
        } else {
            kind
        };
        response.content.insert(kind, content);
    }
    if response.description.is_empty() {
        let status = status.parse().ok();
        let words = status.and_then(|status: axum::http::StatusCode| status.canonical_reason());
        response.description = words.unwrap_or_default().to_owned();
    }
}

fn is_problem(content: &RefOr<Content>) -> bool {
    match content {
        RefOr::T(Content {
            schema: Some(RefOr::Ref(schema)),
            ..
        }) => schema.ref_location == PROBLEM,
        _ => false,
    }
}
