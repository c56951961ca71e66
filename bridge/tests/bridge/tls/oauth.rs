//! An issuer of tokens: it speaks OAuth's grant `client_credentials`, and tells brokers the key that signs its tokens.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::serve::Listener;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::KeyPair;
use serde_json::{Value, json};
use stage::certificates::Signed;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

pub const CLIENT: &str = "bridge";
pub const SECRET: &str = "correct horse";
/// The scope that a token is issued for. Other scopes are refused.
pub const SCOPE: &str = "kafka";
const KEY_ID: &str = "first";

/// A running issuer.
pub struct Issuer {
    /// Where clients get tokens, with TLS.
    pub token_url: String,
    /// Where brokers get the keys.
    pub keys_url: String,
}

impl Issuer {
    /// Starts an issuer on a thread of its own, because it outlives the test that starts it.
    pub fn start(certificate: &Signed) -> Self {
        let key = Arc::new(KeyPair::generate().unwrap());
        let app = Router::new()
            .route("/token", post(token))
            .route("/keys", get(keys))
            .with_state(key);
        let [encrypted, plain] = [(); 2].map(|()| bind());
        let issuer = Self {
            token_url: format!("https://{}/token", encrypted.local_addr().unwrap()),
            keys_url: format!("http://{}/keys", plain.local_addr().unwrap()),
        };
        let tls = acceptor(certificate);
        std::thread::spawn(move || {
            Runtime::new().unwrap().block_on(async {
                let [tcp, plain] = [encrypted, plain].map(|it| TcpListener::from_std(it).unwrap());
                let encrypted = axum::serve(Encrypted { tcp, tls }, app.clone());
                tokio::join!(
                    encrypted.into_future(),
                    axum::serve(plain, app).into_future()
                )
            })
        });
        issuer
    }
}

fn bind() -> std::net::TcpListener {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

fn acceptor(certificate: &Signed) -> TlsAcceptor {
    let chain = CertificateDer::from_pem_file(&certificate.certificate).unwrap();
    let key = PrivateKeyDer::from_pem_file(&certificate.key).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn token(
    State(key): State<Arc<KeyPair>>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, Json<Value>) {
    let login = STANDARD.encode(format!("{CLIENT}:{SECRET}"));
    let expected = format!("Basic {login}");
    let parameters: Vec<&str> = body.split('&').collect();
    if headers["authorization"] != expected {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"error": "invalid_client"})),
        );
    }
    let asked_for = ["grant_type=client_credentials", &format!("scope={SCOPE}")];
    if !asked_for.iter().all(|asked| parameters.contains(asked)) {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({"error": "invalid_scope"})),
        );
    }
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let lives = Duration::from_secs(300);
    let claims = json!({
        "iss": "issuer", "sub": CLIENT, "scope": SCOPE,
        "iat": now.as_secs(), "exp": (now + lives).as_secs(),
    });
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(KEY_ID.to_owned());
    let signing = EncodingKey::from_ec_der(&key.serialize_der());
    let token = jsonwebtoken::encode(&header, &claims, &signing).unwrap();
    let answer =
        json!({"access_token": token, "token_type": "Bearer", "expires_in": lives.as_secs()});
    (StatusCode::OK, Json(answer))
}

async fn keys(State(key): State<Arc<KeyPair>>) -> Json<Value> {
    // The point on the curve: a byte for its form, and two coordinates.
    let (x, y) = key.public_key_raw()[1..].split_at(32);
    let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
    Json(json!({"keys": [{
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": KEY_ID, "x": x, "y": y,
    }]}))
}

/// A listener whose connections are encrypted.
struct Encrypted {
    tcp: TcpListener,
    tls: TlsAcceptor,
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.tcp.accept().await.unwrap();
            if let Ok(encrypted) = self.tls.accept(stream).await {
                return (encrypted, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
