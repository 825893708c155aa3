use std::path::PathBuf;

use super::*;

fn config(dir: &Path) -> TlsConfig {
    TlsConfig {
        cert_file: dir.join("cert.pem"),
        key_file: dir.join("key.pem"),
        client_ca_file: None,
        client_required: true,
    }
}

fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("wasmalert-tls-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn what_is_wrong_names_its_file_and_not_what_is_in_it() {
    let dir = folder("wrong");
    let config = config(&dir);
    let load = || Tls::load(config.clone()).err().map(|error| error.to_string());
    let said = load().unwrap();
    assert!(said.contains("cert.pem: No such file"), "{said}");
    std::fs::write(&config.cert_file, "secret text").unwrap();
    std::fs::write(&config.key_file, "secret text").unwrap();
    let said = load().unwrap();
    assert!(
        said.ends_with("cert.pem: it holds no certificate in PEM"),
        "{said}"
    );
    std::fs::write(&config.cert_file, vec![b'x'; (1 << 20) + 1]).unwrap();
    let said = load().unwrap();
    assert!(
        said.ends_with("cert.pem: it is larger than 1048576 bytes"),
        "{said}"
    );
    std::fs::remove_dir_all(dir).unwrap();
}
