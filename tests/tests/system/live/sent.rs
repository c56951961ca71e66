//! Frames of a client, right or wrong, and how they are encoded (RFC 6455, section 5.2).

/// A frame as it is sent.
#[derive(Clone)]
pub struct Sent {
    pub head: u8,
    pub is_masked: bool,
    pub mask: [u8; 4],
    pub payload: Vec<u8>,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let some: Vec<u8> = self.payload.iter().take(140).copied().collect();
        let (head, length, masked) = (self.head, self.payload.len(), self.is_masked);
        write!(f, "{head:#04x} masked {masked} {length} bytes {some:?}")
    }
}

impl Sent {
    /// A frame with a mask.
    pub fn masked(head: u8, payload: &[u8]) -> Self {
        Self {
            head,
            is_masked: true,
            mask: [0x37, 0xfa, 0x21, 0x3d],
            payload: payload.to_vec(),
        }
    }

    /// The frame on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let bit = if self.is_masked { 0x80 } else { 0 };
        let mut bytes = vec![self.head];
        match self.payload.len() {
            length @ 0..126 => bytes.push(bit | u8::try_from(length).unwrap_or_default()),
            length @ 126..=0xffff => {
                bytes.push(bit | 126);
                bytes.extend(u16::try_from(length).unwrap_or_default().to_be_bytes());
            }
            length => {
                bytes.push(bit | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        let mask = if self.is_masked { self.mask } else { [0; 4] };
        if self.is_masked {
            bytes.extend(mask);
        }
        let masked = self.payload.iter().zip(mask.iter().cycle());
        bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
        bytes
    }
}
