//! Remote write requests, valid and not.

use proptest::prelude::*;

use super::*;
use crate::limits::LabelLimits;
use wasmalert_core::sample::STALE_NAN_BITS;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

/// A length-delimited field; tags below 16, lengths below 128.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap();
    assert!(length < 128);
    [&[tag << 3 | 2, length], bytes].concat()
}

fn label(name: &[u8], value: &[u8]) -> Vec<u8> {
    field(1, &[field(1, name), field(2, value)].concat())
}

/// `value` 1.5 and `timestamp` 300, as protobuf's documentation encodes them.
fn sample() -> Vec<u8> {
    field(
        2,
        &[&[0x09][..], &1.5_f64.to_le_bytes(), &[0x10, 0xac, 0x02]].concat(),
    )
}

fn compressed(message: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(message).unwrap()
}

/// Decodes a request of one series of these fields.
fn one_series(fields: &[Vec<u8>]) -> Result<WriteRequest, String> {
    decode(&compressed(&field(1, &fields.concat())), &WriteLimits::default())
        .map_err(|error| error.to_string())
}

#[test]
fn a_request_byte_by_byte() {
    let exemplar = field(3, b"anything");
    let unknown = vec![0x78, 0x05, 0x7d, 1, 2, 3, 4]; // fields 15: a varint, then 32 bits
    let series = [
        label(b"b", b"2"),
        label(b"__name__", b"up"),
        label(b"a", b""),
        sample(),
        exemplar,
        sample(),
        unknown,
    ];
    let metadata = field(3, b"\x08\x01");
    let message = [metadata, field(1, &series.concat())].concat();
    let request = decode(&compressed(&message), &WriteLimits::default()).unwrap();
    let sample = Sample {
        timestamp_ms: 300,
        value: 1.5,
    };
    let found: Vec<_> = request.iter().collect();
    assert_eq!(
        found,
        [(&labels(&[("__name__", "up"), ("b", "2")]), &[sample, sample][..])]
    );
    assert_eq!(
        (request.len(), request.samples(), request.is_empty()),
        (1, 2, false)
    );
    assert!(
        decode(&compressed(b""), &WriteLimits::default())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn labels_that_no_series_may_have() {
    let name = || label(b"__name__", b"up");
    for (fields, expected) in [
        (
            vec![name(), label(b"a", b"1"), label(b"a", b"1")],
            "series 1: the label `a` comes twice",
        ),
        (vec![name(), label(b"", b"1")], "series 1: a label has no name"),
        (
            vec![name(), field(1, &field(2, b"1"))],
            "series 1: a label has no name",
        ),
        (vec![label(b"a", b"1")], "series 1: there is no label `__name__`"),
        (
            vec![label(b"__name__", b"")],
            "series 1: there is no label `__name__`",
        ),
        (vec![sample()], "series 1: there is no label `__name__`"),
        (
            vec![name(), label(b"a", b"\xff")],
            "series 1: a label is not UTF-8",
        ),
        (
            vec![name(), label(b"\xc3", b"a")],
            "series 1: a label is not UTF-8",
        ),
    ] {
        assert_eq!(one_series(&fields).unwrap_err(), expected);
    }
}

#[test]
fn native_histograms_are_counted_and_refused() {
    let histogram = || field(4, b"\x08\x01");
    let error = one_series(&[label(b"__name__", b"up"), histogram(), histogram()]).unwrap_err();
    assert!(
        error.starts_with("the request has 2 native histogram samples, which are not supported"),
        "{error}"
    );
}

#[test]
fn malformed_messages_say_where() {
    for (message, problem, at) in [
        (&b"\x0a\x05\x0a"[..], "a field is longer than what is left", 2),
        (b"\x08\x01", "`timeseries` is no message", 2),
        (b"\x0a\x02\x08\x01", "`labels` and `samples` are messages", 4),
        (b"\x0a\x03\x12\x01\x09", "a number is cut off", 5),
        (
            b"\x0a\x04\x12\x02\x10\x80",
            "failed to decode Protobuf message: invalid varint",
            5,
        ),
        (
            b"\x0a\x04\x12\x02\x08\x01",
            "a sample is a double and an int64",
            6,
        ),
        (
            b"\x0a\x04\x0a\x02\x08\x01",
            "a label's name and value are texts",
            6,
        ),
        (b"\xff", "failed to decode Protobuf message: invalid varint", 0),
    ] {
        let error = decode(&compressed(message), &WriteLimits::default()).unwrap_err();
        assert_eq!(
            error,
            WriteError::Protobuf {
                problem: problem.into(),
                at
            },
            "{message:x?}"
        );
    }
}

#[test]
fn what_is_not_snappy_is_refused() {
    let limits = WriteLimits::default();
    for body in [&b""[..], b"\x05abc", b"\xff\x06\x00\x00sNaPpY"] {
        assert!(
            matches!(decode(body, &limits), Err(WriteError::Snappy { .. })),
            "{body:x?}"
        );
    }
    // Four bytes that claim to hold 4 GiB: refused by the claim alone.
    let error = decode(b"\xff\xff\xff\xff\x0f", &limits).unwrap_err();
    let expected = "decoded_bytes exceeded: 4294967295 bytes, at most 67108864 are allowed";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_is_over_a_limit_is_refused() {
    let two = labels(&[("__name__", "up"), ("a", "123")]);
    let sample = Sample {
        timestamp_ms: 1,
        value: 1.0,
    };
    let body = encode([(&two, &[sample, sample][..]), (&two, &[sample])]).unwrap();
    let message_bytes = snap::raw::decompress_len(&body).unwrap();
    let exact = WriteLimits {
        body_bytes: body.len(),
        decoded_bytes: message_bytes,
        series_per_request: 2,
        samples_per_request: 3,
        labels: LabelLimits {
            labels_per_series: 2,
            label_name_bytes: 8,
            label_value_bytes: 3,
        },
    };
    assert_eq!(decode(&body, &exact).unwrap().samples(), 3);
    let less = |change: fn(&mut WriteLimits)| {
        let mut limits = exact;
        change(&mut limits);
        match decode(&body, &limits) {
            Err(WriteError::Exceeded(exceeded)) => exceeded.limit,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(less(|limits| limits.body_bytes -= 1), "body_bytes");
    assert_eq!(less(|limits| limits.decoded_bytes -= 1), "decoded_bytes");
    assert_eq!(
        less(|limits| limits.series_per_request -= 1),
        "series_per_request"
    );
    assert_eq!(
        less(|limits| limits.samples_per_request -= 1),
        "samples_per_request"
    );
    assert_eq!(
        less(|limits| limits.labels.labels_per_series -= 1),
        "labels_per_series"
    );
    assert_eq!(
        less(|limits| limits.labels.label_name_bytes -= 1),
        "label_name_bytes"
    );
    assert_eq!(
        less(|limits| limits.labels.label_value_bytes -= 1),
        "label_value_bytes"
    );
}

#[test]
fn headers_choose_the_version() {
    let v2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    for (content_type, encoding, expected) in [
        (None, None, Ok(())),
        (Some("application/x-protobuf"), Some("snappy"), Ok(())),
        (
            Some("application/x-protobuf; proto=prometheus.WriteRequest"),
            Some("Snappy"),
            Ok(()),
        ),
        (Some(v2), Some("snappy"), Err(MediaError::Version2)),
        (
            Some("application/json"),
            None,
            Err(MediaError::Type {
                found: "application/json".into(),
            }),
        ),
        (
            None,
            Some("gzip"),
            Err(MediaError::Encoding { found: "gzip".into() }),
        ),
    ] {
        assert_eq!(check_headers(content_type, encoding), expected);
    }
    assert!(matches!(
        check_headers(Some("application/x-protobuf;proto=x"), None),
        Err(MediaError::Type { .. })
    ));
}

fn series() -> impl Strategy<Value = (Labels, Vec<Sample>)> {
    let value = prop_oneof![any::<f64>(), Just(f64::from_bits(STALE_NAN_BITS))];
    let sample = (any::<i64>(), value).prop_map(|(timestamp_ms, value)| Sample { timestamp_ms, value });
    let labels = prop::collection::btree_map("\\PC{1,8}", "\\PC{1,40}", 0..6);
    (labels, "\\PC{1,8}", prop::collection::vec(sample, 0..4)).prop_map(|(pairs, name, samples)| {
        let mut labels: Labels = pairs.into_iter().collect();
        labels.set("__name__", &name);
        (labels, samples)
    })
}

fn encoded(series: &[(Labels, Vec<Sample>)]) -> Vec<u8> {
    encode(series.iter().map(|(labels, samples)| (labels, &**samples))).unwrap()
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(series in prop::collection::vec(series(), 0..6)) {
        let request = decode(&encoded(&series), &WriteLimits::default()).unwrap();
        let bits = |samples: &[Sample]| -> Vec<_> {
            samples.iter().map(|sample| (sample.timestamp_ms, sample.value.to_bits())).collect()
        };
        let found: Vec<_> = request.iter().map(|(labels, samples)| (labels.clone(), bits(samples))).collect();
        let expected: Vec<_> = series.iter().map(|(labels, samples)| (labels.clone(), bits(samples))).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..100)) {
        drop(decode(&body, &WriteLimits::default()));
        drop(decode(&compressed(&body), &WriteLimits::default()));
    }

    #[test]
    fn no_changed_request_panics(
        series in prop::collection::vec(series(), 1..4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let body = encoded(&series);
        let mut message = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
        let mut body = body;
        for (place, byte) in changes {
            let at = place.index(message.len());
            message[at] = byte;
            let at = place.index(body.len());
            body[at] = byte;
        }
        drop(decode(&compressed(&message), &WriteLimits::default()));
        drop(decode(&body, &WriteLimits::default()));
    }
}
