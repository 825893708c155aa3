//! One request of a notification on its way: secrets put in, and taken out of the answer.

use std::time::Duration;

use wasmalert_core::fault::FaultCode;
use wasmalert_core::query::QueryErrorCode;
use wasmalert_sandbox::{HttpRequest, HttpResponse};

use super::{Attempt, again};
use crate::Host;
use crate::catalog::TenantCatalog;
use crate::http_client::{OutboundRequest, SendError, SendLimits};
use crate::secrets::SecretError;
use crate::store::OutboxRow;

/// Sends one request; what stands in the way says how to go on.
pub(super) async fn send(
    host: &Host,
    row: &OutboxRow,
    catalog: &TenantCatalog,
    at: usize,
    request: HttpRequest,
) -> Result<HttpResponse, Attempt> {
    let mut headers = request.headers;
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("idempotency-key"));
    headers.push((
        "Idempotency-Key".to_owned(),
        format!("{}-{at}", row.idempotency_key),
    ));
    let request = OutboundRequest {
        method: request.method,
        url: request.url,
        headers,
        body: request.body,
    };
    let (request, redactor) = request
        .with_secrets(&catalog.secrets)
        .map_err(|error| match error {
            SecretError::Url(_) => Attempt::Failed {
                reason: error.to_string(),
            },
            // Somebody may set it, or bind it, meanwhile.
            _ => again(error.to_string()),
        })?;
    let limits = SendLimits {
        time: Duration::from_millis(host.config.delivery_timeout_ms),
        ..SendLimits::default()
    };
    let client = host.http.of(row.rule.tenant());
    let client = client.map_err(|error| again(error.to_string()))?;
    match client.send(request, &limits).await {
        Ok(answer) => {
            let headers = answer
                .headers
                .into_iter()
                .map(|(n, v)| (n, redactor.redact(&v)))
                .collect();
            // Also what is no text, or was cut within a character, may hold a secret.
            let body = String::from_utf8_lossy(&answer.body);
            let body = redactor.redact(&body).into_bytes();
            Ok(HttpResponse {
                status: answer.status,
                headers,
                body,
            })
        }
        Err(error) => {
            let reason = redactor.redact(&error.to_string());
            if matches!(error, SendError::Denied(_)) {
                let code = FaultCode::Query(QueryErrorCode::EgressDenied);
                host.metrics.faults.inc(row.rule.tenant(), code);
            }
            Err(if error.is_final() {
                Attempt::Failed { reason }
            } else {
                again(reason)
            })
        }
    }
}
