//! The output of functions: the host writes each line to its own standard error, prefixed with the component's name.

use std::io::{self, Write};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Standard output or standard error of the named component.
pub struct ComponentOutput(pub Arc<str>);

impl IsTerminal for ComponentOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for ComponentOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.line_buffer())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.line_buffer())
    }
}

impl ComponentOutput {
    fn line_buffer(&self) -> LineBuffer {
        LineBuffer {
            component: self.0.clone(),
            text: Vec::new(),
        }
    }
}

/// Collects output until a line is complete.
struct LineBuffer {
    component: Arc<str>,
    text: Vec<u8>,
}

impl LineBuffer {
    fn append(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.text.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.flush_line();
            }
        }
    }

    fn flush_line(&mut self) {
        let text = mem::take(&mut self.text);
        let line = format!(
            "{}: {}\n",
            self.component,
            String::from_utf8_lossy(text.trim_ascii_end())
        );
        // One write call, so that lines of concurrent instances do not interleave. An error is ignored: when standard
        // error is closed, there is nowhere to report it.
        io::stderr().write_all(line.as_bytes()).ok();
    }
}

impl Drop for LineBuffer {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.flush_line();
        }
    }
}

impl AsyncWrite for LineBuffer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl OutputStream for LineBuffer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    /// How many bytes the next write may have.
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LineBuffer {
    async fn ready(&mut self) {}
}
