//! What functions print: each line goes to the host's standard error, after the component's name.
use std::io::{self, Write};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Standard output or standard error of the component with this name.
pub struct Lines(pub Arc<str>);

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.line())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.line())
    }
}

impl Lines {
    fn line(&self) -> Line {
        Line {
            component: self.0.clone(),
            text: Vec::new(),
        }
    }
}

/// A line that is not ended yet.
struct Line {
    component: Arc<str>,
    text: Vec<u8>,
}

impl Line {
    fn push(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.text.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.print();
            }
        }
    }

    fn print(&mut self) {
        let text = mem::take(&mut self.text);
        let line = format!(
            "{}: {}\n",
            self.component,
            String::from_utf8_lossy(text.trim_ascii_end())
        );
        // One write, so that lines of several instances do not mix. Nobody is left to tell when standard error is closed.
        io::stderr().write_all(line.as_bytes()).ok();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.print();
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl OutputStream for Line {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Line {
    async fn ready(&mut self) {}
}
