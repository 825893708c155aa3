//! Sources without a server around them: for an author's own tools.

use std::sync::Arc;

use wasmalert_core::TenantId;
use wasmalert_core::query::{Query, QueryError, QueryErrorCode, QueryResult};

use super::http;
use super::source::Source;
use super::spec::{PrometheusSpec, SourceSpec};
use crate::egress::{Egress, EgressPolicy};
use crate::http_client::{HttpClient, HttpClientError};
use crate::secrets::Secrets;
use crate::telemetry::Metrics;

/// A Prometheus that whoever runs the program may reach, asked one question at a time.
pub struct DirectSource {
    client: HttpClient,
    source: Source,
    spec: PrometheusSpec,
}

/// Why a source cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    #[error("{}", .0.join("; "))]
    Spec(Vec<String>),
    #[error(transparent)]
    Client(#[from] HttpClientError),
}

impl DirectSource {
    /// A source with those settings. Nothing is asked yet.
    ///
    /// # Errors
    /// The settings are wrong, or TLS cannot be set up.
    pub fn new(name: &str, spec: PrometheusSpec) -> Result<Self, DirectError> {
        let of = SourceSpec::Prometheus(spec.clone());
        let source = Source::new(name, 0, of, Arc::new(Secrets::default())).map_err(DirectError::Spec)?;
        let egress = Egress::new(EgressPolicy::unrestricted());
        let client = HttpClient::new(Arc::new(egress), Arc::new(Metrics::new(false)))?;
        Ok(Self { client, source, spec })
    }

    /// Asks one question.
    ///
    /// # Errors
    /// As [`QueryErrorCode`] tells.
    pub async fn ask(&self, query: &Query) -> QueryResult {
        let error = |code, message: String| QueryError { code, message };
        let unavailable =
            |failed: &dyn std::fmt::Display| error(QueryErrorCode::Unavailable, failed.to_string());
        let operator = TenantId::new(TenantId::DEFAULT).map_err(|failed| unavailable(&failed))?;
        let client = self.client.of(&operator).map_err(|failed| unavailable(&failed))?;
        let timeout = self.spec.timeout();
        let asked = http::ask_alone(&client, &self.source, &self.spec, query);
        match tokio::time::timeout(timeout, asked).await {
            Ok(frame) => Ok(Arc::new(frame?)),
            Err(_) => Err(error(
                QueryErrorCode::Timeout,
                format!("no answer within {timeout:?}"),
            )),
        }
    }
}
