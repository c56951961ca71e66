//! A push service (RFC 8030) and the browsers behind it, which decrypt their messages (RFC 8291).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aes_gcm::aead::Aead;
use aes_gcm::{Aes128Gcm, KeyInit};
use anyhow::{Context, Result, anyhow, ensure};
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::{PublicKey, SecretKey};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use super::{Answer, Faults, header_of, serve};

pub struct PushService {
    origin: String,
    pub faults: Faults,
    browsers: Arc<Mutex<Browsers>>,
}

#[derive(Default)]
struct Browsers {
    origin: String,
    /// By the path of their endpoint.
    subscribed: HashMap<String, Browser>,
    /// The decrypted messages, with the path of their endpoint.
    messages: Vec<(String, Value)>,
    refused: Vec<String>,
}

struct Browser {
    key: SecretKey,
    auth: [u8; 16],
}

impl PushService {
    /// # Errors
    /// It cannot listen.
    pub async fn start() -> Result<Self> {
        let (faults, browsers) = (Faults::default(), Arc::<Mutex<Browsers>>::default());
        let kept = browsers.clone();
        let address = serve(faults.clone(), move |head, body| {
            let mut browsers = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let status = match browsers.take(head, body) {
                Ok(true) => 201,
                Ok(false) => 410,
                Err(error) => {
                    browsers.refused.push(format!("{error:#}"));
                    400
                }
            };
            Answer {
                status,
                body: Value::Null,
            }
        })
        .await?;
        let origin = format!("http://{address}");
        lock(&browsers).origin.clone_from(&origin);
        Ok(Self {
            origin,
            faults,
            browsers,
        })
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Subscribes a browser: what `PushSubscription.toJSON()` returns in it.
    ///
    /// # Errors
    /// The random bytes are no key.
    pub fn subscribe(&self) -> Result<Value> {
        let secret = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        let key = SecretKey::from_slice(&secret)?;
        let auth = Uuid::new_v4().into_bytes();
        let path = format!("/push/{}", Uuid::new_v4());
        let subscription = json!({
            "endpoint": format!("{}{path}", self.origin),
            "expirationTime": null,
            "keys": {
                "p256dh": URL_SAFE_NO_PAD.encode(point(&key.public_key())),
                "auth": URL_SAFE_NO_PAD.encode(auth),
            },
        });
        let browser = Browser { key, auth };
        lock(&self.browsers).subscribed.insert(path, browser);
        Ok(subscription)
    }

    /// The browser does not exist any more.
    pub fn forget(&self, subscription: &Value) {
        let endpoint = subscription["endpoint"].as_str().unwrap_or_default();
        let path = endpoint.strip_prefix(&self.origin).unwrap_or_default();
        lock(&self.browsers).subscribed.remove(path);
    }

    /// The messages that browsers got, decrypted.
    ///
    /// # Errors
    /// The service refused a request.
    pub fn messages(&self) -> Result<Vec<Value>> {
        let browsers = lock(&self.browsers);
        ensure!(
            browsers.refused.is_empty(),
            "refused: {:?}",
            browsers.refused
        );
        Ok(browsers
            .messages
            .iter()
            .map(|(_, message)| message.clone())
            .collect())
    }
}

fn lock(browsers: &Mutex<Browsers>) -> MutexGuard<'_, Browsers> {
    browsers.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Browsers {
    /// Takes a message. Returns false if nobody has this subscription.
    fn take(&mut self, head: &Parts, body: &[u8]) -> Result<bool> {
        verify(&header_of(head, "authorization")?, &self.origin)?;
        header_of(head, "ttl")?.parse::<u32>()?;
        ensure!(
            header_of(head, "content-encoding")? == "aes128gcm",
            "another encoding"
        );
        let path = head.uri.path().to_owned();
        let Some(browser) = self.subscribed.get(&path) else {
            return Ok(false);
        };
        let message = serde_json::from_slice(&browser.decrypt(body)?)?;
        self.messages.push((path, message));
        Ok(true)
    }
}

/// Verifies the header of RFC 8292, section 3: `vapid t=<JWT>, k=<key>`.
fn verify(authorization: &str, origin: &str) -> Result<()> {
    let rest = authorization.strip_prefix("vapid ").context("not vapid")?;
    let member = |name: &str| {
        let mut members = rest.split(',').map(str::trim);
        members.find_map(|member| member.strip_prefix(name)?.strip_prefix('='))
    };
    let (token, key) = (member("t").context("no t")?, member("k").context("no k")?);
    let point = URL_SAFE_NO_PAD.decode(key)?;
    let (x, y) = (
        point.get(1..33).context("x")?,
        point.get(33..).context("y")?,
    );
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[origin]);
    validation.set_required_spec_claims(&["aud", "exp", "sub"]);
    let key = DecodingKey::from_ec_components(&x, &y)?;
    jsonwebtoken::decode::<Value>(token, &key, &validation)?;
    Ok(())
}

impl Browser {
    /// RFC 8188, section 2, and RFC 8291, section 3.
    fn decrypt(&self, body: &[u8]) -> Result<Vec<u8>> {
        let (head, sealed) = body.split_at_checked(86).context("too short")?;
        let (salt, sender) = (
            head.get(..16).context("salt")?,
            head.get(21..).context("sender")?,
        );
        ensure!(head.get(20) == Some(&65), "the key has another length");
        let from = PublicKey::from_sec1_bytes(sender)?;
        let shared = p256::ecdh::diffie_hellman(self.key.to_nonzero_scalar(), from.as_affine());
        let info = [
            b"WebPush: info\0".as_slice(),
            &point(&self.key.public_key()),
            sender,
        ]
        .concat();
        let secret: [u8; 32] = derive(&self.auth, shared.raw_secret_bytes(), &info)?;
        let key: [u8; 16] = derive(salt, &secret, b"Content-Encoding: aes128gcm\0")?;
        let nonce: [u8; 12] = derive(salt, &secret, b"Content-Encoding: nonce\0")?;
        let opened = Aes128Gcm::new(&key.into()).decrypt(&nonce.into(), sealed);
        let mut opened = opened.map_err(|_| anyhow!("it cannot be decrypted"))?;
        ensure!(opened.pop() == Some(2), "not the last record");
        Ok(opened)
    }
}

fn point(key: &PublicKey) -> Vec<u8> {
    key.to_encoded_point(false).as_bytes().to_vec()
}

fn derive<const N: usize>(salt: &[u8], input: &[u8], info: &[u8]) -> Result<[u8; N]> {
    let mut output = [0; N];
    let expanded = Hkdf::<Sha256>::new(Some(salt), input).expand(info, &mut output);
    expanded.map_err(|_| anyhow!("too many bytes"))?;
    Ok(output)
}
