use super::*;

fn event(data: &str) -> Event {
    Event {
        id: None,
        data: data.into(),
    }
}

#[test]
fn events_come_out_whole_however_the_body_is_cut() {
    let body =
        b": hello\n\ndata: {\"a\":1}\n\nid: 7\nevent: log\ndata:one\ndata: two\r\n\r\ndata\n\ndata: late";
    let expected = [
        event("{\"a\":1}"),
        Event {
            id: Some("7".into()),
            data: "one\ntwo".into(),
        },
        event(""),
    ];
    for size in 1..body.len() {
        let mut parser = Parser::default();
        let events: Vec<_> = body
            .chunks(size)
            .flat_map(|piece| parser.push(piece).unwrap())
            .collect();
        assert_eq!(events, expected, "pieces of {size}");
    }
}

#[test]
fn returns_and_newlines_end_a_line_alone_or_together() {
    assert_eq!(
        Parser::default().push(b"data: a\r\ndata: b\r\n\r\n").unwrap(),
        [event("a\nb")]
    );
    assert_eq!(
        Parser::default().push(b"data: a\rdata: b\r\r").unwrap(),
        [event("a\nb")]
    );
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    assert_eq!(
        Parser::default().push(b"data: \xff\n\n").unwrap(),
        [event("\u{fffd}")]
    );
}

#[test]
fn an_endless_event_is_refused() {
    let mut line = Parser::default();
    assert_eq!(line.push(&vec![b'x'; EVENT_BYTES_MAX + 1]), Err(TooLong));
    let mut data = Parser::default();
    let piece = [b"data: ".as_slice(), &[b'x'; 1_000], b"\n"].concat();
    let refused = (0..EVENT_BYTES_MAX / 1_000 + 2).any(|_| data.push(&piece).is_err());
    assert!(refused);
}

#[test]
fn many_short_lines_cost_no_more_than_their_bytes() {
    let mut parser = Parser::default();
    assert!(parser.push(&b"data:x\n".repeat(500_000)).unwrap().is_empty());
    assert_eq!(parser.push(b"\n").unwrap()[0].data.len(), 999_999);
}
