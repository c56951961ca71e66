//! Where partitions begin and end: one request for all of them. A broker answers the requests of a connection one after the other, and a request
//! to fetch records may wait for records, so a request for each partition would take long.

use std::ops::Range;
use std::time::Duration;

use rdkafka::consumer::{Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

/// The offsets of the oldest record and after the newest, in the order of the list.
///
/// # Errors
/// When a broker does not answer within `limit`, or does not lead one of the partitions.
pub(super) fn extents<X: ConsumerContext>(
    consumer: &impl Consumer<X>,
    partitions: &TopicPartitionList,
    limit: Duration,
) -> KafkaResult<Vec<Range<i64>>> {
    let starts = at(consumer, partitions, Offset::Beginning, limit)?;
    let ends = at(consumer, partitions, Offset::End, limit)?;
    let extents = starts.into_iter().zip(ends);
    Ok(extents.map(|(start, end)| start..end).collect())
}

/// The offsets of the oldest record (`Offset::Beginning`) or after the newest (`Offset::End`), in the order of the list.
///
/// # Errors
/// As [`extents`].
pub(super) fn at<X: ConsumerContext>(
    consumer: &impl Consumer<X>,
    partitions: &TopicPartitionList,
    place: Offset,
    limit: Duration,
) -> KafkaResult<Vec<i64>> {
    // librdkafka refuses an empty list.
    if partitions.count() == 0 {
        return Ok(Vec::new());
    }
    // In a request, -1 stands for the end and -2 for the beginning (Kafka's protocol, ListOffsets), as in librdkafka's offsets.
    let mut request = partitions.clone();
    request.set_all_offsets(place)?;
    let answer = consumer.offsets_for_times(request, limit)?;
    let offsets = answer.elements().into_iter().map(|found| {
        found.error()?;
        match found.offset() {
            Offset::Offset(offset) => Ok(offset),
            _ => Err(KafkaError::OffsetFetch(RDKafkaErrorCode::NoOffset)),
        }
    });
    offsets.collect()
}
