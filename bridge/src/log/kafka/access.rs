//! Sets how clients of Kafka encrypt their connections and log in. Settings that are missing or contradict each other are errors.

use anyhow::{Context, bail, ensure};
use rdkafka::ClientConfig;

use crate::config::kafka::{KafkaAccess, Mechanism};
use crate::tls::{self, Setting};

const PROTOCOL: &str = "KAFKA_SECURITY_PROTOCOL";
const USERNAME: &str = "KAFKA_SASL_USERNAME";
const PASSWORD: &str = "KAFKA_SASL_PASSWORD";
const TOKEN_URL: &str = "KAFKA_OAUTH_TOKEN_URL";
const SCOPE: &str = "KAFKA_OAUTH_SCOPE";
const OAUTH_CA: &str = "KAFKA_OAUTH_CA_FILE";

/// Completes the settings of a client.
///
/// # Errors
/// When a setting is missing, is set although nothing uses it, or names a file that is not valid.
pub(super) fn configure(config: &mut ClientConfig, access: &KafkaAccess) -> anyhow::Result<()> {
    let protocol = access.kafka_security_protocol;
    config.set("security.protocol", protocol.name());
    encrypt(config, access)?;
    log_in(config, access)
}

fn encrypt(config: &mut ClientConfig, access: &KafkaAccess) -> anyhow::Result<()> {
    let authorities = Setting::new("KAFKA_CA_FILE", access.kafka_ca_file.as_deref());
    let certificate = access.kafka_certificate_file.as_deref();
    let certificate = Setting::new("KAFKA_CERTIFICATE_FILE", certificate);
    let key = Setting::new("KAFKA_KEY_FILE", access.kafka_key_file.as_deref());
    if !access.kafka_security_protocol.is_encrypted() {
        let set =
            [authorities, certificate, key].map(|setting| (setting.name, setting.file.is_some()));
        return unused(
            first_set(set),
            &format!("{PROTOCOL} is neither ssl nor sasl_ssl"),
        );
    }
    // librdkafka reads the files itself, but its errors do not name our settings.
    authorities.authorities()?;
    tls::identity(certificate, key)?;
    for (name, setting) in [
        ("ssl.ca.location", authorities),
        ("ssl.certificate.location", certificate),
        ("ssl.key.location", key),
    ] {
        set_file(config, name, setting)?;
    }
    Ok(())
}

fn log_in(config: &mut ClientConfig, access: &KafkaAccess) -> anyhow::Result<()> {
    let user = access.kafka_sasl_username.as_deref();
    let password = access.kafka_sasl_password.as_ref();
    let oauth_ca = access.kafka_oauth_ca_file.as_deref();
    let oauth = first_set([
        (TOKEN_URL, access.kafka_oauth_token_url.is_some()),
        (SCOPE, access.kafka_oauth_scope.is_some()),
        (OAUTH_CA, oauth_ca.is_some()),
    ]);
    if !access.kafka_security_protocol.logs_in() {
        let login = first_set([(USERNAME, user.is_some()), (PASSWORD, password.is_some())]);
        return unused(
            login.or(oauth),
            &format!("{PROTOCOL} is neither sasl_plaintext nor sasl_ssl"),
        );
    }
    let mechanism = access.kafka_sasl_mechanism;
    config.set("sasl.mechanism", mechanism.name());
    let user = user.with_context(|| not_set(USERNAME))?;
    let password = password.with_context(|| not_set(PASSWORD))?.expose();
    if mechanism != Mechanism::OauthBearer {
        config
            .set("sasl.username", user)
            .set("sasl.password", password);
        return unused(oauth, "KAFKA_SASL_MECHANISM is not OAUTHBEARER");
    }
    let url = access.kafka_oauth_token_url.as_deref();
    let url = url.with_context(|| not_set(TOKEN_URL))?;
    ensure!(
        url.starts_with("https://") || url.starts_with("http://"),
        "{TOKEN_URL} must begin with https:// or http://"
    );
    config
        .set("sasl.oauthbearer.method", "oidc")
        .set("sasl.oauthbearer.token.endpoint.url", url)
        .set("sasl.oauthbearer.client.id", user)
        .set("sasl.oauthbearer.client.secret", password);
    if let Some(scope) = &access.kafka_oauth_scope {
        config.set("sasl.oauthbearer.scope", scope);
    }
    let authorities = Setting::new(OAUTH_CA, oauth_ca);
    authorities.authorities()?;
    set_file(config, "https.ca.location", authorities)
}

/// Sets the path of a file, if the setting is set.
fn set_file(config: &mut ClientConfig, name: &str, setting: Setting<'_>) -> anyhow::Result<()> {
    if let Some(file) = setting.file {
        let path = file.to_str();
        config.set(
            name,
            path.with_context(|| format!("{}: the path is not UTF-8", setting.name))?,
        );
    }
    Ok(())
}

fn not_set(setting: &str) -> String {
    format!("{setting} is not set")
}

fn first_set<const N: usize>(settings: [(&'static str, bool); N]) -> Option<&'static str> {
    settings
        .into_iter()
        .find_map(|(name, is_set)| is_set.then_some(name))
}

/// A setting without effect is an error: whoever sets it believes that the connection is protected by it.
fn unused(setting: Option<&str>, reason: &str) -> anyhow::Result<()> {
    match setting {
        Some(setting) => bail!("{setting} is set, but {reason}"),
        None => Ok(()),
    }
}
