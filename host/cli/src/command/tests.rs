use super::*;

#[test]
fn the_token_of_the_data_directory_is_found() {
    let dir = std::env::temp_dir().join(format!("wasmalert-cli-token-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    assert_eq!(token_in(&dir).unwrap(), None);
    fs::write(dir.join("token"), "abc\n").unwrap();
    assert_eq!(token_in(&dir).unwrap().as_deref(), Some("abc"));
    fs::write(dir.join("token"), vec![b'x'; 5_000]).unwrap();
    assert!(matches!(token_in(&dir), Err(Error::Usage(_))));
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn no_more_than_the_bound_is_read() {
    assert_eq!(read_at_most(&b"12345"[..], 5).unwrap(), b"12345");
    assert!(read_at_most(&b"123456"[..], 5).is_err());
    assert!(read_at_most(io::repeat(0), 5).is_err());
}
