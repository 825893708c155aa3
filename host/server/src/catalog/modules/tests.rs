use wasmalert_core::evaluation::Description;
use wasmalert_sandbox::World;

use super::*;
use crate::catalog::Versions;
use crate::signing::Signer;

const KEY: &str = "RWTewjFvyguAwQH1TM1+KHW3BRFTRK/OQT+9UcKFb0dMEd7G3yQZ40SU";

fn module(version: u32, digest: &str, signed_by: Option<&str>) -> Arc<ModuleInfo> {
    Arc::new(ModuleInfo {
        version,
        digest: digest.into(),
        world: World::Rule,
        description: Description {
            name: "m".into(),
            doc: String::new(),
            config_schema: String::new(),
            queries: Vec::new(),
            extras: Vec::new(),
        },
        signed_by: signed_by.map(str::to_owned),
    })
}

/// The module `m` with the versions 1, `one`, 2, `two`, which is promoted, and 3, `three`.
fn catalog() -> TenantCatalog {
    let versions = Versions {
        promoted: 2,
        by_number: [
            (1, module(1, "one", None)),
            (2, module(2, "two", Some(KEY))),
            (3, module(3, "three", None)),
        ]
        .into(),
    };
    TenantCatalog {
        modules: [("m".to_owned(), versions)].into(),
        ..TenantCatalog::default()
    }
}

fn named<'n>(name: &'n str, version: Option<u32>, digest: Option<&'n str>) -> ModuleRef<'n> {
    ModuleRef {
        name,
        version,
        digest,
    }
}

#[test]
fn a_name_is_the_promoted_version_and_pinned_bytes_are_the_version_that_has_them() {
    let catalog = catalog();
    let found = |version, digest| catalog.find(named("m", version, digest)).map(|it| it.version);
    assert_eq!(found(None, None), Ok(2));
    assert_eq!(found(Some(1), None), Ok(1));
    assert_eq!(found(None, Some("one")), Ok(1));
    assert_eq!(found(Some(1), Some("one")), Ok(1));
    let text = |missing: NoModule| missing.to_string();
    assert_eq!(
        found(Some(2), Some("one")).map_err(text),
        Err("the module m version 2 is two, and not the one that it is pinned to".into())
    );
    assert_eq!(
        found(None, Some("four")).map_err(text),
        Err("no version of the module m is the four that it is pinned to: upload those bytes".into())
    );
    assert_eq!(
        found(Some(4), Some("one")).map_err(text),
        Err("there is no module m version 4: upload it".into())
    );
    assert_eq!(
        catalog.find(named("n", None, None)).map_err(text),
        Err("there is no module n: upload it".into())
    );
}

/// Otherwise the version that pinned bytes are could be deleted once there is a newer one.
#[test]
fn pinned_bytes_use_their_version() {
    let catalog = catalog();
    let used = |version, digest| catalog.used(named("m", version, digest)).version;
    assert_eq!(used(None, Some("one")), Some(1));
    assert_eq!(used(Some(1), Some("one")), Some(1));
    assert_eq!(used(None, None), None);
    assert_eq!(used(Some(2), None), Some(2));
}

#[test]
fn what_is_required_is_a_signer_that_is_one_now() {
    let mut catalog = catalog();
    let check = |catalog: &TenantCatalog, version| {
        let module = catalog.find(named("m", Some(version), None)).unwrap();
        catalog.check_trust("m", &module)
    };
    for policy in [SignaturePolicy::Off, SignaturePolicy::Warn] {
        catalog.trust.policy = policy;
        assert_eq!((check(&catalog, 1), check(&catalog, 2)), (Ok(()), Ok(())));
    }
    catalog.trust.policy = SignaturePolicy::Require;
    assert!(check(&catalog, 1).unwrap_err().contains("is not signed"));
    assert!(check(&catalog, 2).unwrap_err().contains("any more"));
    let signer = Signer::parse("release", KEY).unwrap();
    catalog.trust.signers = Arc::new([signer].into_iter().collect());
    assert_eq!(check(&catalog, 2), Ok(()));
    assert!(check(&catalog, 1).is_err());
    catalog.trust.stock.insert("one".into());
    assert_eq!(check(&catalog, 1), Ok(()), "it came with the program");
}
