//! Encryption of push messages (RFC 8291), as one record of the content encoding aes128gcm (RFC 8188).

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use p256::ecdh::diffie_hellman;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;

use super::PushError;

/// The length of an encrypted message that every push service accepts (RFC 8030, section 7.2).
const MAX_BODY: usize = 4096;

/// The bytes that encryption adds: salt, size of a record, length of the key, key, delimiter, tag.
const OVERHEAD: usize = 16 + 4 + 1 + 65 + 1 + 16;

/// The longest message, in bytes.
pub const MAX_PAYLOAD: usize = MAX_BODY - OVERHEAD;

/// The keys of a subscription, which the browser has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKeys {
    public: PublicKey,
    auth: [u8; 16],
}

impl ClientKeys {
    /// Parses `p256dh`, a point on P-256 in its uncompressed form, as base64url.
    pub(super) fn public(text: &str) -> Result<PublicKey, &'static str> {
        let bytes = decode(text)?;
        if bytes.len() != 65 || bytes.first() != Some(&4) {
            return Err(
                "must have 65 bytes, of which the first is 4: an uncompressed point on P-256",
            );
        }
        PublicKey::from_sec1_bytes(&bytes).map_err(|_| "must be a point on the curve P-256")
    }

    /// Parses `auth`, 16 bytes as base64url.
    pub(super) fn auth(text: &str) -> Result<[u8; 16], &'static str> {
        let bytes = decode(text)?;
        bytes.try_into().map_err(|_| "must have 16 bytes")
    }

    pub(super) fn new(public: PublicKey, auth: [u8; 16]) -> Self {
        Self { public, auth }
    }

    /// `p256dh` and `auth` as base64url.
    #[must_use]
    pub fn to_text(&self) -> (String, String) {
        (
            URL_SAFE_NO_PAD.encode(point(&self.public)),
            URL_SAFE_NO_PAD.encode(self.auth),
        )
    }
}

/// Decodes base64url. Some clients add padding.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .map_err(|_| "must be base64url (RFC 4648, section 5)")
}

fn point(key: &PublicKey) -> Vec<u8> {
    key.to_encoded_point(false).as_bytes().to_vec()
}

/// The random values of one message. A second message with the same values would reveal both.
pub struct MessageSecrets {
    /// The sender's private key on P-256, which is used for this message alone.
    pub key: [u8; 32],
    pub salt: [u8; 16],
}

/// Encrypts a message for a subscription. The result is the body of the request.
///
/// # Errors
/// A message that is too long, or secrets that are no key; the latter happens to one random value of four billion.
pub fn encrypt(
    receiver: &ClientKeys,
    message: &[u8],
    secrets: &MessageSecrets,
) -> Result<Vec<u8>, PushError> {
    if message.len() > MAX_PAYLOAD {
        return Err(PushError::TooLong(message.len()));
    }
    let sender = SecretKey::from_slice(&secrets.key).map_err(|_| PushError::NoKey)?;
    let sender_point = point(&sender.public_key());
    let shared = diffie_hellman(sender.to_nonzero_scalar(), receiver.public.as_affine());

    // RFC 8291, section 3.3 and 3.4.
    let mut info = b"WebPush: info\0".to_vec();
    info.extend(point(&receiver.public));
    info.extend(&sender_point);
    let input: [u8; 32] = derive(&receiver.auth, shared.raw_secret_bytes(), &info)?;
    let key: [u8; 16] = derive(&secrets.salt, &input, b"Content-Encoding: aes128gcm\0")?;
    let nonce: [u8; 12] = derive(&secrets.salt, &input, b"Content-Encoding: nonce\0")?;

    // RFC 8188, section 2. The delimiter 2 marks the last record.
    let mut record = message.to_vec();
    record.push(2);
    let sealed = Aes128Gcm::new(&key.into())
        .encrypt(&nonce.into(), record.as_slice())
        .map_err(|_| PushError::Cipher)?;
    let mut body = secrets.salt.to_vec();
    body.extend(4096_u32.to_be_bytes());
    body.push(65);
    body.extend(sender_point);
    body.extend(sealed);
    Ok(body)
}

fn derive<const N: usize>(salt: &[u8], input: &[u8], info: &[u8]) -> Result<[u8; N], PushError> {
    let mut output = [0; N];
    Hkdf::<Sha256>::new(Some(salt), input)
        .expand(info, &mut output)
        .map_err(|_| PushError::Cipher)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8291, appendix A.
    const RECEIVER: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const RECEIVER_PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const SENDER: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
    const MESSAGE: &str = "V2hlbiBJIGdyb3cgdXAsIEkgd2FudCB0byBiZSBhIHdhdGVybWVsb24";
    const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    fn receiver() -> ClientKeys {
        ClientKeys::new(
            ClientKeys::public(RECEIVER).unwrap(),
            ClientKeys::auth(AUTH).unwrap(),
        )
    }

    fn secrets() -> MessageSecrets {
        MessageSecrets {
            key: decode(SENDER).unwrap().try_into().unwrap(),
            salt: decode(SALT).unwrap().try_into().unwrap(),
        }
    }

    /// What the browser does with a body.
    fn decrypt(body: &[u8]) -> Vec<u8> {
        let (head, sealed) = body.split_at(86);
        assert_eq!(head[16..21], [0, 0, 16, 0, 65]);
        let private = SecretKey::from_slice(&decode(RECEIVER_PRIVATE).unwrap()).unwrap();
        let sender = PublicKey::from_sec1_bytes(&head[21..]).unwrap();
        let shared = diffie_hellman(private.to_nonzero_scalar(), sender.as_affine());
        let info = [
            b"WebPush: info\0",
            &decode(RECEIVER).unwrap()[..],
            &head[21..],
        ]
        .concat();
        let auth = decode(AUTH).unwrap();
        let input: [u8; 32] = derive(&auth, shared.raw_secret_bytes(), &info).unwrap();
        let salt = &head[..16];
        let key: [u8; 16] = derive(salt, &input, b"Content-Encoding: aes128gcm\0").unwrap();
        let nonce: [u8; 12] = derive(salt, &input, b"Content-Encoding: nonce\0").unwrap();
        let mut record = Aes128Gcm::new(&key.into())
            .decrypt(&nonce.into(), sealed)
            .unwrap();
        assert_eq!(record.pop(), Some(2));
        record
    }

    #[test]
    fn the_example_of_the_rfc_is_encrypted_to_its_bytes() {
        let message = decode(MESSAGE).unwrap();
        assert_eq!(message, b"When I grow up, I want to be a watermelon");
        let body = encrypt(&receiver(), &message, &secrets()).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(&body), BODY);
        assert_eq!(decrypt(&body), message);
    }

    #[test]
    fn a_body_has_at_most_4096_bytes() {
        for length in [0, 1, 15, 16, 17, MAX_PAYLOAD] {
            let message = vec![7; length];
            let body = encrypt(&receiver(), &message, &secrets()).unwrap();
            assert!(body.len() <= MAX_BODY);
            assert_eq!(body.len(), length + OVERHEAD);
            assert_eq!(decrypt(&body), message);
        }
        let long = encrypt(&receiver(), &[7; MAX_PAYLOAD + 1], &secrets());
        assert_eq!(long, Err(PushError::TooLong(3994)));
    }

    #[test]
    fn random_bytes_that_are_no_key_are_refused() {
        for byte in [0, 0xff] {
            let secrets = MessageSecrets {
                key: [byte; 32],
                ..secrets()
            };
            assert_eq!(encrypt(&receiver(), b"x", &secrets), Err(PushError::NoKey));
        }
    }

    #[test]
    fn keys_are_points_on_the_curve() {
        let (p256dh, auth) = receiver().to_text();
        assert_eq!((p256dh.as_str(), auth.as_str()), (RECEIVER, AUTH));
        assert!(ClientKeys::public(&format!("{RECEIVER}=")).is_ok());
        let bytes = decode(RECEIVER).unwrap();
        let mut other = bytes.clone();
        other[64] ^= 1;
        let compressed = receiver().public.to_encoded_point(true);
        for (wrong, reason) in [
            (String::new(), "65 bytes"),
            ("***".to_owned(), "base64url"),
            (RECEIVER.replace('-', "+"), "base64url"),
            (URL_SAFE_NO_PAD.encode(&bytes[..64]), "65 bytes"),
            (URL_SAFE_NO_PAD.encode(compressed.as_bytes()), "65 bytes"),
            (URL_SAFE_NO_PAD.encode([0; 65]), "65 bytes"),
            (URL_SAFE_NO_PAD.encode(&other), "the curve P-256"),
        ] {
            let detail = ClientKeys::public(&wrong).unwrap_err();
            assert!(detail.contains(reason), "{wrong}: {detail}");
        }
        assert!(ClientKeys::auth(&URL_SAFE_NO_PAD.encode([1; 15])).is_err());
        assert!(ClientKeys::auth(&URL_SAFE_NO_PAD.encode([1; 17])).is_err());
    }
}
