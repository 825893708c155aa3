fn main() {
    println!("cargo:rustc-cdylib-link-arg=--initial-memory=1073741824");
}
