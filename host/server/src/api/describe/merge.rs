//! Schemas of structs that are flattened into others, or tagged.
//!
//! They come as "all of" a schema by its name and some more properties. Where the named one
//! refuses what it does not know, nothing would be valid: so the properties of all become one
//! schema's.

use std::collections::BTreeMap;

use utoipa::openapi::schema::{AllOf, Object};
use utoipa::openapi::{RefOr, Schema};

type Schemas = BTreeMap<String, RefOr<Schema>>;

pub(super) fn merge_all(schemas: &mut Schemas) {
    let named = schemas.clone();
    for schema in schemas.values_mut() {
        merge(schema, &named);
    }
}

fn merge(schema: &mut RefOr<Schema>, named: &Schemas) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::OneOf(one_of) => {
            for schema in &mut one_of.items {
                merge(schema, named);
            }
        }
        Schema::AllOf(all_of) => {
            if let Some(merged) = merged(all_of, named) {
                *schema = Schema::Object(merged);
            }
        }
        _ => {}
    }
}

/// None where a part is no object.
fn merged(all_of: &AllOf, named: &Schemas) -> Option<Object> {
    let mut merged = Object::new();
    for part in &all_of.items {
        let part = match part {
            RefOr::Ref(name) => named.get(name.ref_location.rsplit('/').next()?)?,
            part => part,
        };
        let RefOr::T(Schema::Object(part)) = part else {
            return None;
        };
        merged.properties.extend(part.properties.clone());
        merged.required.extend(part.required.iter().cloned());
        let refuses = part.additional_properties.clone();
        merged.additional_properties = merged.additional_properties.or(refuses);
        let words = part.description.clone();
        merged.description = merged.description.or(words);
    }
    merged.description = all_of.description.clone().or(merged.description);
    Some(merged)
}
