//! Grants rights in Kafka. Kafka's own tool for it is not among the jars, so this speaks the protocol: one CreateAcls request.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CREATE_ACLS: i16 = 30;
/// The newest version of the request without compact strings.
const VERSION: i16 = 1;
const PREFIXED: i8 = 4;
const ALLOW: i8 = 3;

/// What a right is about, with its number in the protocol.
#[derive(Debug, Clone, Copy)]
pub enum Resource {
    Topic = 2,
    Group = 3,
}

/// What a right allows, with its number in the protocol.
#[derive(Debug, Clone, Copy)]
pub enum Operation {
    Read = 3,
    Write = 4,
    Describe = 8,
}

/// Lets the user `bridge` do `operation` with every resource whose name begins with `prefix`.
pub(super) async fn grant(
    broker: &str,
    kind: Resource,
    prefix: &str,
    operation: Operation,
) -> Result<()> {
    let mut request = Vec::new();
    request.extend(CREATE_ACLS.to_be_bytes());
    request.extend(VERSION.to_be_bytes());
    // The correlation id; no other request is under way.
    request.extend(0_i32.to_be_bytes());
    string(&mut request, "stage")?;
    // One right.
    request.extend(1_i32.to_be_bytes());
    request.extend((kind as i8).to_be_bytes());
    string(&mut request, prefix)?;
    request.extend(PREFIXED.to_be_bytes());
    string(&mut request, "User:bridge")?;
    string(&mut request, "*")?;
    request.extend((operation as i8).to_be_bytes());
    request.extend(ALLOW.to_be_bytes());
    let mut stream = TcpStream::connect(broker).await?;
    stream
        .write_all(&i32::try_from(request.len())?.to_be_bytes())
        .await?;
    stream.write_all(&request).await?;
    let mut answer = vec![0; usize::try_from(stream.read_i32().await?)?];
    stream.read_exact(&mut answer).await?;
    // Correlation id, throttle time and number of results come before the error of the first result.
    let error = answer.get(12..14).context("Kafka's answer is too short")?;
    ensure!(error == [0, 0], "Kafka granted no right: error {error:?}");
    Ok(())
}

fn string(request: &mut Vec<u8>, text: &str) -> Result<()> {
    request.extend(i16::try_from(text.len())?.to_be_bytes());
    request.extend(text.as_bytes());
    Ok(())
}
