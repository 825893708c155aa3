//! Fires for each host whose CPU is too busy.

use wasmalert::prelude::*;

pub struct HighCpu;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    above: f64,
}

impl Rule for HighCpu {
    type Config = Config;

    fn describe() -> Description {
        Description::new("{{name}}", "Fires for each host whose CPU is too busy.").config_schema(
            r#"{"type":"object","required":["above"],"additionalProperties":false,"properties":{"above":{"type":"number"}}}"#,
        )
    }

    fn evaluate(_: &Context, config: Config) -> Result<Outcome, Error> {
        let mut outcome = Outcome::new();
        for host in query("avg by (host) (rate(cpu_seconds_total[5m]))")?.series() {
            if host.value > config.above {
                outcome.find(host).annotation("summary", format!("{} is busy", host.label("host")));
            }
        }
        Ok(outcome)
    }
}

wasmalert::rule!(HighCpu);

#[cfg(test)]
mod tests {
    use super::*;
    use wasmalert::testing::FakeHost;

    const CPU: &str = "avg by (host) (rate(cpu_seconds_total[5m]))";

    #[test]
    fn busy_hosts_fire() {
        let mut host = FakeHost::new().config(r#"{"above": 0.9}"#);
        host.instant(CPU, &[(r#"{host="a"}"#, 0.97), (r#"{host="b"}"#, 0.12)]);
        let evaluation = host.evaluate::<HighCpu>().unwrap();
        assert_eq!(evaluation.found(), [r#"{host="a"}"#]);
    }
}
