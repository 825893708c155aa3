//! Certificates, made by OpenSSL.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::TempDir;

/// Whom a client trusts, and who it is; each is text in PEM.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    pub(crate) authority: Option<Vec<u8>>,
    /// A certificate with its key.
    pub(crate) client: Option<Vec<u8>>,
}

/// A certificate and its key, in files.
pub(crate) struct Certificate {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// An authority that signs for 127.0.0.1.
pub(crate) struct Authority {
    dir: TempDir,
    own: Certificate,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let dir = TempDir::new(name);
        let own = make(
            dir.path(),
            name,
            &["-addext", "basicConstraints=critical,CA:TRUE"],
        );
        Self { dir, own }
    }

    pub(crate) fn file(&self) -> &Path {
        &self.own.cert
    }

    /// A certificate of this authority, for servers and clients alike.
    pub(crate) fn sign(&self, name: &str) -> Certificate {
        let path = |path: &Path| path.display().to_string();
        let (cert, key) = (path(&self.own.cert), path(&self.own.key));
        let more = [
            "-CA",
            &cert,
            "-CAkey",
            &key,
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ];
        make(self.dir.path(), name, &more)
    }

    pub(crate) fn trust(&self) -> Trust {
        let authority = std::fs::read(&self.own.cert).expect("it was made");
        Trust {
            authority: Some(authority),
            client: None,
        }
    }

    /// With a certificate of a client.
    pub(crate) fn trust_as(&self, client: &Certificate) -> Trust {
        let read = |path: &Path| std::fs::read(path).expect("it was made");
        Trust {
            client: Some([read(&client.cert), read(&client.key)].concat()),
            ..self.trust()
        }
    }
}

fn make(dir: &Path, name: &str, more: &[&str]) -> Certificate {
    let file = |ending: &str| dir.join(format!("{name}.{ending}"));
    let made = Certificate {
        cert: file("pem"),
        key: file("key"),
    };
    let run = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:P-256", "-subj"])
        .arg(format!("/CN={name}"))
        .arg("-keyout")
        .arg(&made.key)
        .arg("-out")
        .arg(&made.cert)
        .args(more)
        .output();
    let run = run.expect("openssl is there");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    made
}
