//! Writes requests.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use wasmalert_core::Labels;
use wasmalert_core::sample::Sample;

use super::WriteError;

/// Writes a request as its body is sent.
///
/// # Errors
/// It has more than the 4 GiB that snappy can hold.
pub fn encode<'a>(
    series: impl IntoIterator<Item = (&'a Labels, &'a [Sample])>,
) -> Result<Vec<u8>, WriteError> {
    let mut request = Vec::new();
    let (mut message, mut part) = (Vec::new(), Vec::new());
    for (labels, samples) in series {
        message.clear();
        for (name, value) in labels.iter() {
            part.clear();
            field(&mut part, 1, name.as_bytes());
            field(&mut part, 2, value.as_bytes());
            field(&mut message, 1, &part);
        }
        for sample in samples {
            let time = sample.timestamp_ms.cast_unsigned();
            encode_key(2, WireType::LengthDelimited, &mut message);
            encode_varint(
                (1 + size_of::<f64>() + 1 + encoded_len_varint(time)) as u64,
                &mut message,
            );
            encode_key(1, WireType::SixtyFourBit, &mut message);
            message.extend_from_slice(&sample.value.to_le_bytes());
            encode_key(2, WireType::Varint, &mut message);
            encode_varint(time, &mut message);
        }
        field(&mut request, 1, &message);
    }
    let compressed = snap::raw::Encoder::new().compress_vec(&request);
    compressed.map_err(|error| WriteError::Snappy {
        problem: error.to_string(),
    })
}

fn field(message: &mut Vec<u8>, tag: u32, bytes: &[u8]) {
    encode_key(tag, WireType::LengthDelimited, message);
    encode_varint(bytes.len() as u64, message);
    message.extend_from_slice(bytes);
}
