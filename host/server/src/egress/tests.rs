use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use reqwest::Url;
use serde_json::json;

use super::*;

fn policy(text: serde_json::Value) -> EgressPolicy {
    serde_json::from_value(text).expect("a policy")
}

/// What every tenant gets unless the operator says otherwise.
fn public_only() -> EgressPolicy {
    policy(json!({"allow": [{"host": "*"}]}))
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("a name")
}

#[track_caller]
fn kind_of(address: &str) -> Option<AddressKind> {
    let address = address.parse().expect("an address");
    public_only().check_address(address).err()
}

#[test]
fn addresses_that_are_not_public() {
    use AddressKind::*;
    for (address, kind) in [
        ("0.0.0.0", Unspecified),
        ("0.1.2.3", Reserved),
        ("10.0.0.0", Private),
        ("10.255.255.255", Private),
        ("100.64.0.0", CarrierGradeNat),
        ("100.127.255.255", CarrierGradeNat),
        ("100.100.100.200", Metadata),
        ("127.0.0.1", Loopback),
        ("127.255.255.255", Loopback),
        ("168.63.129.16", Metadata),
        ("169.254.0.1", LinkLocal),
        ("169.254.169.254", Metadata),
        ("172.16.0.0", Private),
        ("172.31.255.255", Private),
        ("192.0.0.8", Reserved),
        ("192.0.2.1", Documentation),
        ("192.88.99.1", Reserved),
        ("192.168.255.255", Private),
        ("198.18.0.1", Benchmarking),
        ("198.19.255.255", Benchmarking),
        ("198.51.100.1", Documentation),
        ("203.0.113.255", Documentation),
        ("224.0.0.1", Multicast),
        ("239.255.255.255", Multicast),
        ("240.0.0.1", Reserved),
        ("255.255.255.255", Broadcast),
        ("::", Unspecified),
        ("::1", Loopback),
        ("100::1", Reserved),
        ("2001:2::1", Benchmarking),
        ("2001:10::1", Reserved),
        ("2001:db8::1", Documentation),
        ("3fff::1", Documentation),
        ("5f00::1", Reserved),
        ("64:ff9b:1::808:808", Reserved),
        ("fc00::1", UniqueLocal),
        ("fdff::1", UniqueLocal),
        ("fd00:ec2::254", Metadata),
        ("fe80::1", LinkLocal),
        ("febf::1", LinkLocal),
        ("fec0::1", SiteLocal),
        ("ff02::1", Multicast),
    ] {
        assert_eq!(kind_of(address), Some(kind), "{address}");
    }
}

#[test]
fn addresses_of_the_internet() {
    for address in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:4860:4860::8888",
        "2a00:1450:4001:80b::200e",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ] {
        assert_eq!(kind_of(address), None, "{address}");
    }
}

/// Every form of IPv6 that carries this address to somebody.
fn carriers(v4: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = v4.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    vec![
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 1, 2, 3, 4, 5),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !0x808, !0x808),
        Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low),
        Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2a00, 1, 2, 3, 0x200, 0x5efe, high, low),
    ]
}

/// What a URL of this host comes to. A host that no parser takes goes nowhere.
fn judge(policy: &EgressPolicy, host: &str) -> Result<(), String> {
    let url = Url::parse(&format!("http://{host}/")).map_err(|error| error.to_string())?;
    policy.check_url(&url).map_err(|denied| denied.to_string())
}

#[test]
fn odd_spellings_are_judged_by_what_they_mean() {
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.0.1",
        "127.0.0.0x1",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "user:pass@127.0.0.1",
        "example.com@127.0.0.1",
        "example.com:80@127.0.0.1:8080",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
    ] {
        let refused = judge(&public_only(), host).expect_err(host);
        assert!(refused.contains("is a loopback address"), "{host}: {refused}");
    }
    // No URL at all.
    for host in [
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "127.0.0.256",
        "0x100000000",
        "127.0.0.1.1",
        "1.2.3.4.5",
    ] {
        let refused = judge(&public_only(), host).expect_err(host);
        assert!(!refused.contains("egress"), "{host}: {refused}");
    }
    // The host is what is before it.
    assert_eq!(judge(&public_only(), "example.com/@127.0.0.1"), Ok(()));
    assert_eq!(judge(&public_only(), "example.com#@127.0.0.1"), Ok(()));
    let backslash = judge(&public_only(), "127.0.0.1\\@example.com").expect_err("refused");
    assert!(backslash.contains("127.0.0.1 is a loopback"), "{backslash}");
}

#[test]
fn a_refusal_names_address_and_kind() {
    assert_eq!(
        judge(&public_only(), "10.0.0.5").expect_err("refused"),
        "egress: 10.0.0.5 is a private address, which this tenant's policy does not allow"
    );
    let https = policy(json!({"allow": [{"scheme": "https", "host": "*"}]}));
    assert_eq!(
        judge(&https, "user:pass@example.com:81/path?query").expect_err("refused"),
        "egress: http://example.com:81 is not among the destinations that this tenant's policy allows"
    );
}

#[test]
fn private_networks_of_a_policy_are_reached_and_no_others() {
    let own =
        policy(json!({"allow": [{"host": "*"}], "private": ["10.1.0.0/16", "fd00:1::/32", "127.0.0.1"]}));
    for host in [
        "10.1.2.3",
        "[fd00:1::5]",
        "127.0.0.1",
        "[::ffff:10.1.2.3]",
        "[64:ff9b::10.1.2.3]",
        "8.8.8.8",
    ] {
        assert_eq!(judge(&own, host), Ok(()), "{host}");
    }
    for host in [
        "10.2.0.1",
        "[fd00:2::5]",
        "127.0.0.2",
        "[::ffff:10.2.2.3]",
        "169.254.169.254",
        "[::1]",
    ] {
        judge(&own, host).expect_err(host);
    }
    // Of Teredo's two addresses one is not enough.
    judge(&own, "[2001:0:a01:203::f5ff:fffe]").expect_err("its client is 10.0.0.1");
}

#[test]
fn destinations_by_scheme_host_and_port() {
    let own = policy(json!({"allow": [
        {"scheme": "https", "host": "*.Example.com", "ports": [443, 8443]},
        {"host": "bücher.example."},
        {"scheme": "http", "host": "9.9.9.9"},
    ]}));
    let check = |url: &str| own.check_url(&Url::parse(url).expect("a URL"));
    for url in [
        "https://a.example.com/",
        "https://a.b.EXAMPLE.com.:8443",
        "http://xn--bcher-kva.example:1",
        "https://b%C3%BCcher.example",
        "http://0x9.9.9.9/",
    ] {
        assert_eq!(check(url), Ok(()), "{url}");
    }
    for url in [
        "http://a.example.com/",
        "https://example.com/",
        "https://a.example.com:444/",
        "https://aexample.com/",
        "https://a.example.com.evil.org/",
        "https://a.example.com@evil.org/",
        "https://bücher.example.org",
        "https://9.9.9.9/",
        "ftp://bücher.example/",
    ] {
        let denied = check(url).expect_err(url);
        assert!(matches!(denied, Denied::Destination { .. }), "{url}: {denied}");
        assert!(denied.is_final());
    }
    assert!(
        policy(json!({"allow": []}))
            .check_url(&Url::parse("http://a.example").expect("a URL"))
            .is_err()
    );
}

#[test]
fn policies_that_are_not_taken() {
    for wrong in [
        json!({}),
        json!({"allow": [{}]}),
        json!({"allow": [{"host": "a b"}]}),
        json!({"allow": [{"host": "a.*.com"}]}),
        json!({"allow": [{"host": "*.10.0.0.1"}]}),
        json!({"allow": [{"host": "example.com:80"}]}),
        json!({"allow": [{"host": "u@example.com"}]}),
        json!({"allow": [{"host": "example.com/x"}]}),
        json!({"allow": [{"host": ""}]}),
        json!({"allow": [{"host": "*", "scheme": "ftp"}]}),
        json!({"allow": [], "private": ["10.0.0.5/8"]}),
        json!({"allow": [], "private": ["10.0.0.0/33"]}),
        json!({"allow": [], "private": ["10.0.0.0/"]}),
        json!({"allow": [], "private": ["intranet"]}),
        json!({"allow": [], "privat": []}),
    ] {
        serde_json::from_value::<EgressPolicy>(wrong.clone()).expect_err(&wrong.to_string());
    }
    let errors =
        policy(json!({"allow": [{"host": "*", "ports": []}, {"host": "*", "ports": [0]}]})).validate();
    assert_eq!(errors.expect_err("is refused").len(), 2);
    let text =
        r#"{"allow":[{"scheme":"https","host":"*.example.com","ports":[443]}],"private":["10.0.0.0/8"]}"#;
    let read: EgressPolicy = serde_json::from_str(text).expect("a policy");
    assert_eq!(serde_json::to_string(&read).expect("a text"), text);
}

#[test]
fn destinations_and_hosts_as_people_write_them() {
    for (text, host, port) in [
        ("*", "*", None),
        ("*:443", "*", Some(443)),
        ("Hooks.Example.com", "hooks.example.com", None),
        ("10.0.0.5:9090", "10.0.0.5", Some(9090)),
        ("0xa.5", "10.0.0.5", None),
        ("[FD00::1]:443", "[fd00::1]", Some(443)),
        ("[fd00::1]", "[fd00::1]", None),
        ("fd00::1", "[fd00::1]", None),
        ("*.example.com:8443", "*.example.com", Some(8443)),
    ] {
        let read: HostPort = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            (read.host.to_string().as_str(), read.port),
            (host, port),
            "{text}"
        );
        assert_eq!(read.to_string().parse(), Ok(read), "{text}");
    }
    for wrong in [
        "", ":80", "a:", "a:0", "a:65536", "a:+1", "a:x", "a:1:2", "[::1", "a/b", "*.", "*.*", "**",
    ] {
        wrong.parse::<HostPort>().expect_err(wrong);
    }
    let https: Destination = "https://*.example.com:8443".parse().expect("a destination");
    assert_eq!((https.scheme, https.ports), (Scheme::Https, Some(vec![8443])));
    assert_eq!("*".parse(), Ok(Destination::ANY));
    "ftp://a".parse::<Destination>().expect_err("is refused");
}

#[test]
fn each_tenant_has_its_policy() {
    let egress = Egress::new(public_only());
    let (default, other) = (tenant("default"), tenant("other"));
    let reaches = |tenant: &TenantId| judge(&egress.of(tenant), "127.0.0.1").is_ok();
    assert!(reaches(&default) && !reaches(&other));
    egress.set(other.clone(), EgressPolicy::unrestricted());
    egress.set(default.clone(), public_only());
    assert!(!reaches(&default) && reaches(&other) && !reaches(&tenant("third")));
    egress.forget(&other);
    egress.forget(&default);
    assert!(reaches(&default) && !reaches(&other));
}

/// Addresses in ranges that nobody but the operator may open.
fn forbidden() -> impl Strategy<Value = Ipv4Addr> {
    let ranges: Vec<(u32, u32)> = [
        ("0.0.0.0", 8),
        ("10.0.0.0", 8),
        ("100.64.0.0", 10),
        ("127.0.0.0", 8),
        ("169.254.0.0", 16),
        ("169.254.169.254", 32),
        ("172.16.0.0", 12),
        ("192.0.0.0", 24),
        ("192.0.2.0", 24),
        ("192.168.0.0", 16),
        ("198.18.0.0", 15),
        ("198.51.100.0", 24),
        ("203.0.113.0", 24),
        ("224.0.0.0", 3),
    ]
    .map(|(start, prefix)| (u32::from(start.parse::<Ipv4Addr>().expect("an address")), prefix))
    .to_vec();
    (prop::sample::select(ranges), any::<u32>()).prop_map(|((start, prefix), host)| {
        let mask = u32::MAX.checked_shr(prefix).unwrap_or(0);
        Ipv4Addr::from(start | (host & mask))
    })
}

/// A number in one of the bases that hosts may have.
fn number(number: u64, base: usize) -> String {
    match base {
        0 => number.to_string(),
        1 => format!("0{number:o}"),
        2 => format!("0x{number:x}"),
        3 => format!("0X{number:X}"),
        _ => format!("00000{number:o}"),
    }
}

fn spelled(address: Ipv4Addr, parts: usize, bases: &[usize], encoded: &[bool]) -> String {
    let bits = u64::from(u32::from(address));
    let mut written: Vec<u64> = (0..parts - 1).map(|at| bits >> (24 - 8 * at) & 0xff).collect();
    written.push(bits & (u64::MAX >> (32 + 8 * (parts - 1))));
    let written: Vec<String> = written
        .iter()
        .zip(bases)
        .map(|(n, base)| number(*n, *base))
        .collect();
    let plain = written.join(".");
    let encode = |(at, c): (usize, char)| match encoded[at % encoded.len()] {
        true => format!("%{:02x}", u32::from(c)),
        false => c.to_string(),
    };
    plain.chars().enumerate().map(encode).collect()
}

proptest! {
    #[test]
    fn no_spelling_of_a_forbidden_address_gets_through(
        address in forbidden(),
        parts in 1_usize..5,
        bases in prop::collection::vec(0_usize..5, 4),
        encoded in prop::collection::vec(any::<bool>(), 1..8),
        user in prop::sample::select(vec!["", "example.com@", "a:b@", "example.com:80@"]),
        end in prop::sample::select(vec!["", ".", ":80", ":8443", ".:1"]),
    ) {
        let host = format!("{user}{}{end}", spelled(address, parts, &bases, &encoded));
        prop_assert!(judge(&public_only(), &host).is_err(), "{host} is {address}");
        // So the spelling is one that is understood.
        prop_assert!(judge(&EgressPolicy::unrestricted(), &host).is_ok(), "{host} is {address}");
    }

    #[test]
    fn nothing_that_carries_a_forbidden_address_gets_through(address in forbidden()) {
        for carrier in carriers(address) {
            prop_assert!(public_only().check_address(IpAddr::V6(carrier)).is_err(), "{carrier}");
            prop_assert!(judge(&public_only(), &format!("[{carrier}]")).is_err(), "{carrier}");
        }
    }

    #[test]
    fn no_local_address_of_ipv6_gets_through(
        start in prop::sample::select(vec![(0xfc00_u16, 7_u32), (0xfe80, 10), (0xfec0, 10), (0xff00, 8)]),
        bits in any::<u128>(),
    ) {
        let address = Ipv6Addr::from(u128::from(start.0) << 112 | (bits & (u128::MAX >> start.1)));
        prop_assert!(public_only().check_address(IpAddr::V6(address)).is_err(), "{address}");
    }
}
