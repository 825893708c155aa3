use super::*;

#[test]
fn a_problem_shows_detail_code_and_each_problem() {
    let body = br#"{"type":"about:blank","title":"Bad","status":422,"code":"world_mismatch",
        "detail":"not a rule","problems":["missing export evaluate",{"at":"x"}]}"#;
    let error = Error::Problem(Problem::read(422, body));
    assert_eq!(
        error.report(),
        "error: not a rule (world_mismatch)\n  - missing export evaluate\n  - {\"at\":\"x\"}"
    );
    assert_eq!(error.exit_code(), 1);
}

#[test]
fn a_problem_without_detail_falls_back_to_title_then_status() {
    assert_eq!(
        Problem::read(400, br#"{"title":"Bad Request"}"#).to_string(),
        "Bad Request"
    );
    assert_eq!(Problem::read(400, b"{}").to_string(), "the server answered 400");
}

#[test]
fn an_answer_of_something_else_is_quoted_cut_and_cleaned() {
    let problem = Problem::read(502, b"<h1>\x1b[2JBad Gateway</h1>\n");
    assert_eq!(
        problem.to_string(),
        "the server answered 502: <h1>\\u{1b}[2JBad Gateway</h1>"
    );
    let long = Problem::read(502, &[b'x'; 5_000]);
    assert!(long.to_string().len() < 300);
}

#[test]
fn no_more_problems_than_the_bound_are_printed() {
    let problem = Problem {
        problems: vec!["p".into(); PROBLEMS_MAX + 7],
        ..Problem::default()
    };
    let text = problem.to_string();
    assert_eq!(text.matches("\n  - p").count(), PROBLEMS_MAX);
    assert!(text.ends_with("\n  … and 7 more"), "{text}");
}

#[test]
fn a_missing_token_says_where_to_get_it() {
    let text = Problem::read(401, br#"{"detail":"no token","code":"unauthorized"}"#).to_string();
    assert!(
        text.contains("no token (unauthorized)\nGive the token with --token"),
        "{text}"
    );
}

#[test]
fn every_document_error_gets_a_line() {
    let error = Error::Documents(vec!["a:1: x".into(), "b:2: y".into()]);
    assert_eq!(
        error.report(),
        "error: a:1: x\nerror: b:2: y\n2 errors; nothing was sent"
    );
    assert_eq!(error.exit_code(), 2);
}
