//! What the operator has stopped: a tenant with all that is its own, or a module by its
//! bytes, whoever has it. Nothing of it is lost, and it goes on when it is released.
//!
//! Of a tenant nothing is evaluated, scraped or delivered, and its keys are refused; its
//! receivers get a last word. A module does not run: its rules fail with `quarantined` and
//! leave their alerts as they are, its notifications wait, and its bytes are not taken in.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use wasmalert_core::alert::{Alert, AlertState, Notification, NotifyReason};
use wasmalert_core::evaluation::LogLevel;
use wasmalert_core::fault::{Fault, FaultCode};
use wasmalert_core::label::ALERT_NAME;
use wasmalert_core::{GroupKey, RuleKey, TenantId};

use crate::Host;
use crate::logs::LogEvent;
use crate::notify;
use crate::store::{NewOutboxRow, Notices, OutboxKind, QuarantineRow, StoreError};

/// The alert that a tenant's receivers get.
const TENANT_ALERT: &str = "WasmalertTenantQuarantined";
/// Receivers may believe in it for so long: only the operator ends it.
const BELIEVED_MS: i64 = 30 * 86_400_000;

/// Something that can be stopped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Tenant(TenantId),
    /// By its digest.
    Module(String),
}

/// Why something is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) reason: String,
    pub(crate) since_ms: i64,
}

type Held = BTreeMap<Subject, Arc<Hold>>;

/// What is stopped, as the store has it.
#[derive(Default)]
pub(crate) struct Quarantine {
    held: RwLock<Held>,
    /// One change after the other, so that what is known is what is stored.
    changing: tokio::sync::Mutex<()>,
}

impl Subject {
    fn row(&self, hold: &Hold) -> QuarantineRow {
        let (kind, name) = self.key();
        QuarantineRow {
            kind: kind.to_owned(),
            name: name.to_owned(),
            reason: hold.reason.clone(),
            since_ms: hold.since_ms,
        }
    }

    fn key(&self) -> (&'static str, &str) {
        match self {
            Self::Tenant(tenant) => ("tenant", tenant.as_str()),
            Self::Module(digest) => ("module", digest),
        }
    }

    fn parse(row: &QuarantineRow) -> Option<Self> {
        match row.kind.as_str() {
            "tenant" => TenantId::new(&row.name).ok().map(Self::Tenant),
            "module" => Some(Self::Module(row.name.clone())),
            _ => None,
        }
    }
}

impl Quarantine {
    /// Why something is stopped, if it is.
    #[must_use]
    pub(crate) fn of(&self, subject: &Subject) -> Option<Arc<Hold>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(subject).cloned()
    }

    /// Why a tenant is stopped, if it is.
    #[must_use]
    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> Option<Arc<Hold>> {
        self.of(&Subject::Tenant(tenant.clone()))
    }

    /// Whether a module may run.
    ///
    /// # Errors
    /// It is stopped.
    pub(crate) fn check_module(&self, digest: &str) -> Result<(), Fault> {
        match self.of(&Subject::Module(digest.to_owned())) {
            None => Ok(()),
            Some(hold) => {
                let message = format!(
                    "the server's operator has stopped the module {digest}: {}",
                    hold.reason
                );
                Err(Fault::new(FaultCode::Quarantined, message))
            }
        }
    }

    /// Everything that is stopped, tenants first.
    #[must_use]
    pub(crate) fn all(&self) -> Held {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn insert(&self, subject: Subject, hold: Hold) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(subject, Arc::new(hold));
    }

    pub(crate) fn remove(&self, subject: &Subject) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.remove(subject);
    }
}

/// Stops something, or changes the reason; true when it was not stopped already.
///
/// # Errors
/// The store failed.
pub(crate) async fn hold(host: &Host, subject: Subject, reason: String) -> Result<bool, StoreError> {
    let _one_at_a_time = host.quarantine.changing.lock().await;
    let (before, now_ms) = (host.quarantine.of(&subject), host.clock.now_ms());
    let hold = Hold {
        reason,
        since_ms: before.as_ref().map_or(now_ms, |before| before.since_ms),
    };
    let is_new = before.is_none();
    let notices = is_new.then(|| notices(host, &subject, &hold, NotifyReason::Fired));
    host.store
        .put_quarantine(&subject.row(&hold), notices.flatten().as_ref())
        .await?;
    let message = format!("the server's operator has stopped it: {}", hold.reason);
    host.quarantine.insert(subject.clone(), hold);
    tell(host, &subject, &message);
    Ok(is_new)
}

/// Lets something go on; false when it was not stopped.
///
/// # Errors
/// The store failed.
pub(crate) async fn release(host: &Host, subject: &Subject) -> Result<bool, StoreError> {
    let _one_at_a_time = host.quarantine.changing.lock().await;
    let Some(hold) = host.quarantine.of(subject) else {
        return Ok(false);
    };
    let notices = notices(host, subject, &hold, NotifyReason::Resolved);
    host.store
        .delete_quarantine(subject.key(), notices.as_ref())
        .await?;
    host.quarantine.remove(subject);
    tell(host, subject, "the server's operator lets it go on");
    Ok(true)
}

/// Reads what is stopped at the start, before anything runs.
///
/// # Errors
/// The store failed.
pub(crate) async fn restore(host: &Host) -> Result<(), StoreError> {
    for row in host.store.list_quarantine_of_all_tenants().await? {
        match Subject::parse(&row) {
            Some(subject) => host.quarantine.insert(
                subject,
                Hold {
                    reason: row.reason,
                    since_ms: row.since_ms,
                },
            ),
            None => tracing::error!(row.kind, row.name, "what is stored as stopped is not known"),
        }
    }
    Ok(())
}

/// The group that notices of a tenant seem to come from; no group has these names.
pub(crate) fn notices_group(tenant: TenantId) -> GroupKey {
    GroupKey {
        tenant,
        namespace: "".into(),
        group: "".into(),
    }
}

/// What each of a tenant's receivers is told; those of a module hear of it by its rules.
fn notices(host: &Host, subject: &Subject, hold: &Hold, reason: NotifyReason) -> Option<Notices> {
    let Subject::Tenant(tenant) = subject else {
        return None;
    };
    let of = RuleKey {
        group: notices_group(tenant.clone()),
        rule: TENANT_ALERT.into(),
    };
    let now_ms = host.clock.now_ms();
    let notification = notice(tenant, hold, reason, now_ms);
    let payload = notify::payload(now_ms, ("", &host.external), &[&notification]);
    let row = |receiver: &String| {
        let id = host.store.new_id(now_ms);
        NewOutboxRow {
            idempotency_key: id.clone(),
            id,
            receiver: receiver.clone(),
            kind: match reason {
                NotifyReason::Resolved => OutboxKind::Resolved,
                NotifyReason::Fired | NotifyReason::Resend => OutboxKind::Fired,
            },
            payload: payload.clone(),
            created_ms: now_ms,
            next_attempt_ms: now_ms,
        }
    };
    Some((of, host.catalog.of(tenant).receivers.keys().map(row).collect()))
}

fn notice(tenant: &TenantId, hold: &Hold, reason: NotifyReason, now_ms: i64) -> Notification {
    let is_over = reason == NotifyReason::Resolved;
    let labels = [(ALERT_NAME, TENANT_ALERT), ("tenant", tenant.as_str())];
    let summary = if is_over {
        format!("The server's operator lets the tenant {tenant} go on.")
    } else {
        format!("The server's operator has stopped the tenant {tenant}: nothing is evaluated or delivered.")
    };
    let annotations = [("summary", summary), ("description", hold.reason.clone())];
    Notification {
        alert: Alert {
            labels: Arc::new(labels.into_iter().collect()),
            annotations: Arc::new(annotations.into_iter().collect()),
            value: 1.0,
            state: if is_over {
                AlertState::Inactive
            } else {
                AlertState::Firing
            },
            active_at_ms: hold.since_ms,
            fired_at_ms: Some(hold.since_ms),
            resolved_at_ms: is_over.then_some(now_ms),
            last_sent_at_ms: Some(now_ms),
            keep_firing_since_ms: None,
            seen: 1,
        },
        reason,
        ends_at_ms: if is_over {
            now_ms
        } else {
            now_ms.saturating_add(BELIEVED_MS)
        },
    }
}

/// Tells the server's log, and a tenant its own, and wakes what is to be done for it.
fn tell(host: &Host, subject: &Subject, message: &str) {
    tracing::warn!(?subject, message);
    let Subject::Tenant(tenant) = subject else {
        return;
    };
    host.logs.write(LogEvent {
        tenant: tenant.clone(),
        time_ms: host.clock.now_ms(),
        level: LogLevel::Warn,
        rule: None,
        receiver: None,
        message: message.to_owned(),
        fields: Vec::new(),
        code: Some(FaultCode::Quarantined.as_str()),
    });
    host.outboxes.wake(tenant);
}
