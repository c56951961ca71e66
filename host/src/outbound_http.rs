//! Outbound HTTP requests: enforces `allowed_outbound_hosts`, and sends self-requests to the application's own address.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{
    Error, RequestOptions, Result, WasiBody, WasiHttpHooks, default_send_request,
};

use crate::settings::ComponentSettings;

/// The outbound HTTP client of one instance.
pub struct OutboundHttp {
    pub settings: Arc<ComponentSettings>,
    /// The address of the application's own HTTP triggers, if one of them invoked the instance.
    pub application: Option<SocketAddr>,
}

/// Drives the connection that a response is read from.
type ConnectionTask = Box<dyn Future<Output = Result<()>> + Send>;

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: ConnectionTask,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, ConnectionTask)>> + Send> {
        let authorized = self.authorize(&mut request);
        Box::new(async move {
            authorized?;
            let (response, task) = default_send_request(request, options).await?;
            Ok((
                response.map(BodyExt::boxed_unsync),
                Box::new(task) as ConnectionTask,
            ))
        })
    }
}

impl OutboundHttp {
    /// Checks that the manifest allows the request. A self-request, which has a relative URL or goes to `self.alt`, is
    /// redirected to the application's address. As on Spin, only functions that the HTTP trigger invoked can make one.
    fn authorize(&self, request: &mut Request<WasiBody>) -> Result<()> {
        let host = request.uri().authority().map_or("", Authority::host);
        if !host.is_empty() && host != "self.alt" {
            let url = request.uri().to_string();
            return if self.settings.allowed_hosts.allows(&url, "https") {
                Ok(())
            } else {
                Err(self.denied(&url))
            };
        }
        if !self.settings.allowed_hosts.allows_self_requests() {
            return Err(self.denied("self"));
        }
        let Some(address) = self.application else {
            tracing::error!(component = %self.settings.name, "only a function that HTTP triggered may call the application itself");
            return Err(Error::HttpRequestUriInvalid);
        };
        let address = address.to_string();
        let host = HeaderValue::from_str(&address).map_err(|_| Error::HttpRequestUriInvalid)?;
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(address.parse().map_err(|_| Error::HttpRequestUriInvalid)?);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)?;
        request.headers_mut().insert(HOST, host);
        Ok(())
    }

    fn denied(&self, url: &str) -> Error {
        tracing::warn!(component = %self.settings.name, url, "allowed_outbound_hosts does not allow this HTTP request");
        Error::HttpRequestDenied
    }
}
