pub mod http_client;
pub mod query;
pub mod secrets;
pub mod telemetry;
