//! Rights in Kafka. Kafka's own tool for them is not among the jars, so this speaks the protocol: CreateAcls and DeleteAcls.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CREATE_ACLS: i16 = 30;
const DELETE_ACLS: i16 = 31;
/// The newest version of both requests without compact strings.
const VERSION: i16 = 1;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;
const DENY: i8 = 2;
const ALLOW: i8 = 3;

/// What a right is about, with its number in the protocol.
#[derive(Debug, Clone, Copy)]
pub enum Resource {
    Topic = 2,
    Group = 3,
    Cluster = 4,
}

/// What a right allows, with its number in the protocol.
#[derive(Debug, Clone, Copy)]
pub enum Operation {
    All = 2,
    Read = 3,
    Write = 4,
    Describe = 8,
}

/// What the user `bridge` may or may not do.
#[derive(Debug, Clone)]
pub struct Right {
    kind: Resource,
    pattern: i8,
    name: String,
    operation: Operation,
    permission: i8,
}

impl Right {
    /// The right to do `operation` with every resource whose name begins with `prefix`.
    pub fn new(kind: Resource, prefix: &str, operation: Operation) -> Self {
        Self {
            kind,
            pattern: PREFIXED,
            name: prefix.to_owned(),
            operation,
            permission: ALLOW,
        }
    }

    /// The right to do everything with every resource of a kind.
    pub(super) fn everything(kind: Resource) -> Self {
        let name = match kind {
            Resource::Cluster => "kafka-cluster",
            Resource::Topic | Resource::Group => "*",
        };
        Self {
            pattern: LITERAL,
            ..Self::new(kind, name, Operation::All)
        }
    }

    /// The opposite: what was granted otherwise is denied.
    #[must_use]
    pub fn denied(self) -> Self {
        Self {
            permission: DENY,
            ..self
        }
    }

    /// Adds the rule.
    ///
    /// # Errors
    /// The broker does not take it.
    pub async fn add(&self, broker: &str) -> Result<()> {
        self.request(broker, CREATE_ACLS).await
    }

    /// Removes the rule.
    ///
    /// # Errors
    /// The broker does not take it.
    pub async fn remove(&self, broker: &str) -> Result<()> {
        self.request(broker, DELETE_ACLS).await
    }

    /// Sends a request with this one rule. Both requests have the same form.
    async fn request(&self, broker: &str, request_kind: i16) -> Result<()> {
        let mut request = Vec::new();
        request.extend(request_kind.to_be_bytes());
        request.extend(VERSION.to_be_bytes());
        // The correlation id; no other request is under way.
        request.extend(0_i32.to_be_bytes());
        string(&mut request, "stage")?;
        // One rule.
        request.extend(1_i32.to_be_bytes());
        request.extend((self.kind as i8).to_be_bytes());
        string(&mut request, &self.name)?;
        request.extend(self.pattern.to_be_bytes());
        string(&mut request, "User:bridge")?;
        string(&mut request, "*")?;
        request.extend((self.operation as i8).to_be_bytes());
        request.extend(self.permission.to_be_bytes());
        let mut stream = TcpStream::connect(broker).await?;
        stream
            .write_all(&i32::try_from(request.len())?.to_be_bytes())
            .await?;
        stream.write_all(&request).await?;
        let mut answer = vec![0; usize::try_from(stream.read_i32().await?)?];
        stream.read_exact(&mut answer).await?;
        // Correlation id, throttle time and number of results come before the error of the first result.
        let error = answer.get(12..14).context("Kafka's answer is too short")?;
        ensure!(
            error == [0, 0],
            "Kafka did not take the rule {self:?}: error {error:?}"
        );
        Ok(())
    }
}

fn string(request: &mut Vec<u8>, text: &str) -> Result<()> {
    request.extend(i16::try_from(text.len())?.to_be_bytes());
    request.extend(text.as_bytes());
    Ok(())
}
