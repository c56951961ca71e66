//! Outbound HTTP: `allowed_outbound_hosts` enforced, relative URLs sent to the application itself.
use std::sync::Arc;

use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{
    Error, RequestOptions, Result, WasiBody, WasiHttpHooks, default_send_request,
};

use crate::settings::Settings;

pub struct OutboundHttp(pub Arc<Settings>);

/// What becomes of the connection beside the response.
type Rest = Box<dyn Future<Output = Result<()>> + Send>;

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Rest,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Rest)>> + Send> {
        let permitted = self.permit(&mut request);
        Box::new(async move {
            permitted?;
            let (response, rest) = default_send_request(request, options).await?;
            Ok((response.map(BodyExt::boxed_unsync), Box::new(rest) as Rest))
        })
    }
}

impl OutboundHttp {
    fn permit(&self, request: &mut Request<WasiBody>) -> Result<()> {
        let host = request.uri().authority().map_or("", Authority::host);
        if !host.is_empty() && host != "self.alt" {
            let url = request.uri().to_string();
            return if self.0.allowed.allows(&url, "https") {
                Ok(())
            } else {
                Err(self.denied(&url))
            };
        }
        if !self.0.allowed.allows_itself() {
            return Err(self.denied("self"));
        }
        let itself = self.0.itself.to_string();
        let host = HeaderValue::from_str(&itself).map_err(|_| Error::HttpRequestUriInvalid)?;
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(itself.parse().map_err(|_| Error::HttpRequestUriInvalid)?);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)?;
        request.headers_mut().insert(HOST, host);
        Ok(())
    }

    fn denied(&self, url: &str) -> Error {
        tracing::warn!(component = %self.0.name, url, "not in allowed_outbound_hosts");
        Error::HttpRequestDenied
    }
}
