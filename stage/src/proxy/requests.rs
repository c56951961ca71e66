//! Finds the requests in what a Kafka client sends.

/// The bytes of a request that has not arrived as a whole.
#[derive(Debug, Default)]
pub struct Requests(Vec<u8>);

impl Requests {
    /// Takes the next bytes. Returns the requests that are complete, without those whose API key is in `withheld`.
    ///
    /// A request begins with the length of what follows, in four bytes, and the key of its API, in two (Kafka protocol guide, "Common
    /// Request and Response Structure").
    pub fn carried(&mut self, bytes: &[u8], withheld: &[i16]) -> Vec<u8> {
        self.0.extend_from_slice(bytes);
        let mut carried = Vec::new();
        let mut rest = self.0.as_slice();
        while let Some((length, after)) = rest.split_first_chunk()
            && let Ok(length) = usize::try_from(i32::from_be_bytes(*length))
            && let Some((request, next)) = after
                .get(length..)
                .and_then(|next| rest.get(..4 + length).zip(Some(next)))
        {
            let key = after.first_chunk().map(|key| i16::from_be_bytes(*key));
            if key.is_none_or(|key| !withheld.contains(&key)) {
                carried.extend_from_slice(request);
            }
            rest = next;
        }
        self.0 = rest.to_vec();
        carried
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_arrive_in_any_pieces() {
        let (fetch, other) = ([0, 0, 0, 3, 0, 1, 7], [0, 0, 0, 4, 0, 12, 8, 9]);
        let sent = [other.as_slice(), &fetch, &other].concat();
        for size in 1..=sent.len() {
            let mut requests = Requests::default();
            let carried: Vec<u8> = sent
                .chunks(size)
                .flat_map(|piece| requests.carried(piece, &[1]))
                .collect();
            assert_eq!(carried, [other, other].concat(), "pieces of {size}");
        }
    }
}
