//! The framing of an Arrow IPC stream, walked before Arrow sees it. A stream is one schema, then dictionaries and
//! batches, then the end marker. Without the marker a cut stream could pass for a shorter one, and rows that a cover
//! proves would be missing; with compression a few bytes could ask for all memory.

use arrow::ipc::{MessageHeader, RecordBatch, root_as_message};

/// Starts a message.
pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];
/// Messages of one stream: a batch belongs in one message, not in thousands.
const MESSAGES: usize = 4_096;

/// Checks the framing of `bytes`, and returns how many of them hold the schema, before at least an end marker; the error
/// says what is wrong.
pub(super) fn check(bytes: &[u8]) -> Result<usize, String> {
    let mut left = bytes;
    let mut head = 0;
    for position in 0..MESSAGES {
        let length = header(&mut left)?;
        if length == 0 {
            return match (position, left.len()) {
                (0, _) => Err("it is an Arrow IPC stream without a schema".to_owned()),
                (_, 0) => Ok(head),
                (_, more) => Err(format!("{more} bytes follow the end of the Arrow IPC stream")),
            };
        }
        let message = take(&mut left, length)?;
        let message = root_as_message(message).map_err(|error| format!("it is no Arrow IPC stream: {error}"))?;
        match (position, message.header_type()) {
            (0, MessageHeader::Schema) => {}
            (0, _) => return Err("its first message is no schema".to_owned()),
            (_, MessageHeader::RecordBatch | MessageHeader::DictionaryBatch) => {}
            (_, MessageHeader::Schema) => return Err("it holds more than one schema".to_owned()),
            (_, other) => return Err(format!("it holds a message that belongs in no stream ({other:?})")),
        }
        let batch = match message.header_as_dictionary_batch() {
            Some(dictionary) => dictionary.data(),
            None => message.header_as_record_batch(),
        };
        let body = usize::try_from(message.bodyLength()).map_err(|_| "a message has a negative length".to_owned())?;
        take(&mut left, body)?;
        batch.map_or(Ok(()), |batch| bounded(&batch, body))?;
        if position == 0 {
            head = bytes.len() - left.len();
        }
    }
    Err(format!("it holds more than {MESSAGES} messages"))
}

/// Whether a batch is no larger than its bytes. A value takes a bit at least: of types that take none, a few bytes could
/// announce more rows than any memory holds.
fn bounded(batch: &RecordBatch<'_>, body: usize) -> Result<(), String> {
    if batch.compression().is_some() {
        return Err("it is compressed; batches are handed over uncompressed".to_owned());
    }
    let most = i64::try_from(body.saturating_mul(8)).unwrap_or(i64::MAX);
    let values = batch.nodes().into_iter().flatten().map(|node| node.length());
    match std::iter::once(batch.length()).chain(values).find(|rows| !(0..=most).contains(rows)) {
        Some(rows) => Err(format!("a batch announces {rows} rows in {body} bytes")),
        None => Ok(()),
    }
}

/// The length of the next message; 0 is the end of the stream.
fn header(left: &mut &[u8]) -> Result<usize, String> {
    if take(left, 4)? != CONTINUATION {
        return Err("it is no Arrow IPC stream: a message does not start with its marker".to_owned());
    }
    let length = take(left, 4)?;
    let length = u32::from_le_bytes(length.try_into().unwrap_or_default());
    usize::try_from(length).map_err(|error| error.to_string())
}

fn take<'a>(left: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let Some((taken, rest)) = left.split_at_checked(length) else {
        return Err(format!("the Arrow IPC stream is cut off: {length} bytes announced, {} there", left.len()));
    };
    *left = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_bytes_is_refused_before_anything_is_allocated() {
        let hostile = [CONTINUATION, u32::MAX.to_le_bytes()].concat();
        assert!(check(&hostile).is_err_and(|reason| reason.contains("4294967295 bytes announced, 0 there")));
    }

    #[test]
    fn a_stream_of_nothing_but_its_end_is_refused() {
        let end = [CONTINUATION, [0; 4]].concat();
        assert!(check(&end).is_err_and(|reason| reason.contains("without a schema")));
    }
}
