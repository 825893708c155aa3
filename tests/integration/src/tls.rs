//! TLS of the API: certificates that change, clients with and without one, and those who
//! only connect.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Api, Authority, Certificate, PAGE_WITHIN, Server, TempDir, Trust, eventually};

/// The files that a server reads.
struct Files(TempDir);

impl Files {
    fn new(certificate: &Certificate) -> Self {
        let files = Self(TempDir::new("tls"));
        files.put(certificate);
        files
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn put(&self, certificate: &Certificate) {
        self.put_file("cert.pem", &certificate.cert);
        self.put_file("key.pem", &certificate.key);
    }

    fn put_file(&self, name: &str, from: &Path) {
        std::fs::copy(from, self.0.path().join(name)).expect("the folder is writable");
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("WASMALERT_TLS_CERT_FILE", self.path("cert.pem")),
            ("WASMALERT_TLS_KEY_FILE", self.path("key.pem")),
        ]
    }
}

/// The status of a call on a connection of its own; none where there is no connection.
async fn status(server: &Server, trust: &Trust) -> Option<u16> {
    let api = Api::trusting(server.api().base(), "token-of-the-tests", trust);
    api.get("/v1/whoami").await.ok().map(|answer| answer.status)
}

#[tokio::test]
async fn the_api_speaks_tls_and_so_does_the_command_line() {
    let (authority, other) = (Authority::new("ours"), Authority::new("other"));
    let files = Files::new(&authority.sign("server"));
    let server = Server::start_trusting(&files.settings(), &authority.trust()).await;
    assert!(
        server.api().base().starts_with("https://"),
        "{}",
        server.api().base()
    );
    assert_eq!(status(&server, &authority.trust()).await, Some(200));
    assert_eq!(status(&server, &other.trust()).await, None);
    assert_eq!(status(&server, &Trust::default()).await, None);
    let ca_file = authority.file().display().to_string();
    let said = server.cli(&["get", "whoami", "--ca-file", &ca_file]);
    assert!(said.contains("operator"), "{said}");
    let said = server.cli_fails(&["get", "whoami"]);
    assert!(said.contains("cannot reach https://127.0.0.1"), "{said}");
    let said = server.cli_fails(&["get", "whoami", "--ca-file", "/nowhere"]);
    assert!(said.contains("/nowhere: No such file"), "{said}");
}

#[tokio::test]
async fn who_comes_without_tls_is_told() {
    let authority = Authority::new("ours");
    let files = Files::new(&authority.sign("server"));
    let server = Server::start_trusting(&files.settings(), &authority.trust()).await;
    let plain = server.api().base().replace("https://", "http://");
    let api = Api::trusting(&plain, "token-of-the-tests", &Trust::default());
    let answer = api.get("/v1/whoami").await.expect("there is an answer");
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (400, "This port speaks TLS: use https://.\n")
    );
    // Neither HTTP nor TLS: the connection ends.
    let mut stream = connect(&server).await;
    stream.write_all(&[0u8; 64]).await.expect("it is open");
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    let ended = tokio::time::timeout(Duration::from_secs(5), read).await;
    assert!(ended.is_ok(), "it stays open");
    assert!(metric(&server, "wasmalert_tls_handshakes_failed_total").await >= 2.0);
}

async fn connect(server: &Server) -> TcpStream {
    let address = server.api().base().trim_start_matches("https://");
    TcpStream::connect(address).await.expect("the server listens")
}

async fn metric(server: &Server, name: &str) -> f64 {
    let text = server
        .api()
        .get("/metrics")
        .await
        .expect("the server answers")
        .text();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.trim().parse().ok())
        .expect("there is such a metric")
}

#[tokio::test]
async fn files_that_change_are_taken_up_and_broken_ones_are_not() {
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    let files = Files::new(&first.sign("server"));
    let server = Server::start_trusting(&files.settings(), &first.trust()).await;
    // A connection that is open stays, whatever happens to the files.
    let open = server.api().clone();
    assert_eq!(open.get("/v1/whoami").await.expect("it is open").status, 200);

    let next = second.sign("server");
    for (what, name, file) in [
        ("the key is another's", "cert.pem", next.cert.as_path()),
        ("no certificate", "cert.pem", next.key.as_path()),
    ] {
        files.put_file(name, file);
        eventually(what, PAGE_WITHIN, async || {
            match metric(&server, "wasmalert_tls_stale").await {
                1.0 => Ok(()),
                other => Err(other),
            }
        })
        .await;
        assert_eq!(status(&server, &first.trust()).await, Some(200), "{what}");
        assert_eq!(status(&server, &second.trust()).await, None, "{what}");
    }
    std::fs::remove_file(files.path("key.pem")).expect("it is there");
    files.put(&next);
    eventually(
        "the new certificate serves",
        PAGE_WITHIN,
        async || match status(&server, &second.trust()).await {
            Some(200) => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
    assert_eq!(status(&server, &first.trust()).await, None);
    assert_eq!(open.get("/v1/whoami").await.expect("it is open").status, 200);
    assert_eq!(metric(&server, "wasmalert_tls_stale").await, 0.0);
    let log = server.log();
    assert!(
        log.contains("goes on serving") && log.contains("serve from now on"),
        "{log}"
    );
    assert!(!log.contains("BEGIN"), "{log}");
}

#[tokio::test]
async fn clients_show_a_certificate_where_they_have_to() {
    let (authority, clients, others) = (
        Authority::new("ours"),
        Authority::new("clients"),
        Authority::new("others"),
    );
    let files = Files::new(&authority.sign("server"));
    files.put_file("clients.pem", clients.file());
    let mut settings = files.settings();
    settings.push(("WASMALERT_TLS_CLIENT_CA_FILE", files.path("clients.pem")));
    let (good, wrong) = (clients.sign("good"), others.sign("wrong"));
    let trust = authority.trust_as(&good);
    let mut server = Server::start_trusting(&settings, &trust).await;
    assert_eq!(status(&server, &trust).await, Some(200));
    assert_eq!(status(&server, &authority.trust()).await, None, "without one");
    assert_eq!(
        status(&server, &authority.trust_as(&wrong)).await,
        None,
        "another authority's"
    );
    // A certificate is not a key.
    let nobody = Api::trusting(server.api().base(), "wrong", &trust);
    assert_eq!(nobody.get("/v1/whoami").await.expect("an answer").status, 401);
    let text = |path: &Path| path.display().to_string();
    let (ca_file, cert, key) = (text(authority.file()), text(&good.cert), text(&good.key));
    let mut args = vec!["get", "whoami", "--ca-file", &ca_file, "--client-cert", &cert];
    let said = server.cli_fails(&args);
    assert!(
        said.contains("--client-cert and --client-key go together"),
        "{said}"
    );
    args.extend(["--client-key", &key]);
    assert!(server.cli(&args).contains("operator"));

    // Clients of another authority from the next handshake on.
    files.put_file("clients.pem", others.file());
    eventually(
        "the other authority is taken up",
        PAGE_WITHIN,
        async || match status(&server, &authority.trust_as(&wrong)).await {
            Some(200) => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
    assert_eq!(status(&server, &trust).await, None);

    files.put_file("clients.pem", clients.file());
    settings.push(("WASMALERT_TLS_CLIENT_REQUIRED", "false".to_owned()));
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    server.restart_with(&settings).await;
    assert_eq!(
        status(&server, &authority.trust()).await,
        Some(200),
        "none is needed"
    );
    assert_eq!(
        status(&server, &authority.trust_as(&wrong)).await,
        None,
        "but a bad one is refused"
    );
}

#[tokio::test]
async fn who_only_connects_keeps_nobody_out() {
    let authority = Authority::new("ours");
    let files = Files::new(&authority.sign("server"));
    let server = Server::start_trusting(&files.settings(), &authority.trust()).await;
    let mut silent = Vec::new();
    // More than shake hands at the same time; some have begun to.
    for at in 0..300 {
        let mut stream = connect(&server).await;
        if at % 2 == 0 {
            stream.write_all(&[22, 3, 1, 2, 0, 1]).await.expect("it is open");
        }
        silent.push(stream);
        if at == 100 || at == 299 {
            let trust = authority.trust();
            let good = tokio::time::timeout(Duration::from_secs(5), status(&server, &trust));
            assert_eq!(good.await, Ok(Some(200)), "beside {at} of them");
        }
    }
    // The first had to go for the last, and in time all do.
    let mut byte = [0u8; 1];
    let gone = tokio::time::timeout(Duration::from_secs(5), silent[0].read(&mut byte)).await;
    assert!(matches!(gone, Ok(Ok(0) | Err(_))), "{gone:?}");
    let last = silent.last_mut().expect("there are some");
    let gone = tokio::time::timeout(PAGE_WITHIN, last.read(&mut byte)).await;
    assert!(matches!(gone, Ok(Ok(0) | Err(_))), "{gone:?}");
}

#[tokio::test]
async fn files_that_cannot_be_used_stop_the_start() {
    let authority = Authority::new("ours");
    let files = Files::new(&authority.sign("server"));
    files.put_file("key.pem", &authority.sign("another").key);
    let server = Server::start().await;
    let settings = files.settings();
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let elsewhere = files.path("data");
    let settings = [settings, vec![("WASMALERT_DATA_DIR", elsewhere.as_str())]].concat();
    let said = server.run_wrong(&settings);
    assert!(said.contains("cert.pem") && said.contains("key.pem"), "{said}");
    std::fs::remove_file(files.path("key.pem")).expect("it is there");
    let said = server.run_wrong(&settings);
    assert!(said.contains("key.pem: No such file"), "{said}");
}
