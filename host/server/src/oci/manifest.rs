//! Which layer of a manifest is the module.

use oci_spec::image::ImageManifest;
use wasmalert_core::spec::is_digest;
use wasmalert_sandbox::clip;

use super::PullError;

/// Of the only kind of manifest that is taken.
pub(super) const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// Of a list of manifests, one for each kind of machine.
const INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// What tools call a layer that is a module.
const WASM_MEDIA_TYPES: [&str; 3] = [
    "application/wasm",
    "application/vnd.wasm.content.layer.v1+wasm",
    "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",
];

/// The module among the layers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layer {
    /// `sha256:` and 64 hexadecimal digits.
    pub(super) digest: String,
    pub(super) bytes: u64,
}

/// Finds the one layer that is a module of at most `wasm_bytes_max`.
///
/// # Errors
/// There is none, or more than one, or it is too large; or this is no manifest.
pub(super) fn wasm_layer(
    content_type: Option<&str>,
    bytes: &[u8],
    wasm_bytes_max: u64,
) -> Result<Layer, PullError> {
    let wrong = |why: String| PullError::Manifest(clip(&why));
    let content_type = content_type.unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if kind == INDEX_MEDIA_TYPE {
        let why = "is an index of several: give the digest of one manifest, as REGISTRY/REPOSITORY@sha256:…";
        return Err(wrong(why.to_owned()));
    }
    if kind != MEDIA_TYPE {
        return Err(wrong(format!("has the media type {kind:?}, not {MEDIA_TYPE}")));
    }
    let manifest: ImageManifest =
        serde_json::from_slice(bytes).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if let Some(own) = manifest.media_type().as_ref().map(ToString::to_string)
        && own != MEDIA_TYPE
    {
        return Err(wrong(format!("calls itself {own:?}, not {MEDIA_TYPE}")));
    }
    let is_wasm = |kind: &str| WASM_MEDIA_TYPES.contains(&kind);
    let kinds = manifest
        .layers()
        .iter()
        .map(|layer| layer.media_type().to_string());
    let kinds: Vec<String> = kinds.collect();
    let mut modules = manifest
        .layers()
        .iter()
        .zip(&kinds)
        .filter(|(_, kind)| is_wasm(kind));
    let (Some((layer, _)), None) = (modules.next(), modules.next()) else {
        return Err(wrong(format!(
            "needs one layer that is a module, of the media type {}; its layers are {kinds:?}",
            WASM_MEDIA_TYPES[0]
        )));
    };
    let digest = layer.digest().to_string();
    if !is_digest(&digest) {
        return Err(wrong(format!(
            "names its module by {digest:?}, which is no sha256"
        )));
    }
    if layer.size() > wasm_bytes_max {
        return Err(PullError::TooLarge {
            what: "the module, by the setting module_bytes,",
            bytes_max: wasm_bytes_max,
        });
    }
    Ok(Layer {
        digest,
        bytes: layer.size(),
    })
}
