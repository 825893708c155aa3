//! The two worlds of the contract, and whether a component is of one.

use wit_parser::{
    Function, Handle, InterfaceId, PackageId, Resolve, SourceMap, Type, TypeDefKind, TypeId, WorldId,
    WorldItem,
};

use crate::model::World;

/// The contract's files, by name.
const FILES: [(&str, &str); 4] = [
    ("package.wit", include_str!("../../../wit/package.wit")),
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("rule.wit", include_str!("../../../wit/rule.wit")),
    ("notifier.wit", include_str!("../../../wit/notifier.wit")),
];
const STUB_FILE: (&str, &str) = ("wasi.wit", include_str!("../wit/wasi.wit"));
const STUB_WORLD: &str = "wasi-stub";
/// What the WASI stub imports, and nobody else may.
pub(crate) const STUB_HOST: &str = "wasmalert:host/wasi@0.1.0";
/// Problems that are named at most.
const PROBLEMS_MAX: usize = 50;

/// The interface that a world's components export.
pub(crate) fn export_of(world: World) -> &'static str {
    match world {
        World::Rule => "wasmalert:rules/rules@0.1.0",
        World::Notifier => "wasmalert:rules/notifications@0.1.0",
    }
}

/// The world of a component with those exports.
pub(crate) fn of(exports: impl Fn(&str) -> bool) -> Option<World> {
    World::ALL.into_iter().find(|world| exports(export_of(*world)))
}

/// Parses the contract.
fn contract() -> Result<(Resolve, PackageId), String> {
    parse(&FILES)
}

/// A world of the contract.
pub(crate) fn contract_of(world: World) -> Result<(Resolve, WorldId), String> {
    let (resolve, package) = contract()?;
    let id = resolve.packages[package].worlds.get(world.as_str()).copied();
    Ok((resolve, id.ok_or("a world is missing")?))
}

/// The world of the WASI stub.
pub(crate) fn stub() -> Result<(Resolve, WorldId), String> {
    let (resolve, package) = parse(&[STUB_FILE])?;
    let world = resolve.packages[package].worlds.get(STUB_WORLD).copied();
    Ok((resolve, world.ok_or("a world is missing")?))
}

fn parse(texts: &[(&str, &str)]) -> Result<(Resolve, PackageId), String> {
    let mut files = SourceMap::new();
    for (name, text) in texts {
        files.push_str(name, *text);
    }
    let group = files.parse().map_err(|(_, error)| error.to_string())?;
    let mut resolve = Resolve::new();
    let package = resolve.push_group(group).map_err(|error| error.to_string())?;
    Ok((resolve, package))
}

/// One side of the comparison.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) resolve: &'a Resolve,
    pub(crate) world: WorldId,
}

impl<'a> Side<'a> {
    pub(crate) fn imports(self) -> Vec<(String, &'a WorldItem)> {
        let items = self.resolve.worlds[self.world].imports.iter();
        items
            .map(|(key, item)| (self.resolve.name_world_key(key), item))
            .collect()
    }

    pub(crate) fn exports(self) -> Vec<(String, &'a WorldItem)> {
        let items = self.resolve.worlds[self.world].exports.iter();
        items
            .map(|(key, item)| (self.resolve.name_world_key(key), item))
            .collect()
    }
}

/// What keeps a component from being of a world: each export that is missing,
/// each import that there is not, but for one that is `hidden`, each function of
/// another type.
pub(crate) fn problems(contract: Side<'_>, found: Side<'_>, hidden: Option<&str>) -> Vec<String> {
    let mut problems = Vec::new();
    let exports = found.exports();
    for (name, expected) in contract.exports() {
        match exports.iter().find(|(found, _)| *found == name) {
            None => problems.push(format!("missing export `{name}`")),
            Some((_, item)) => {
                let pair = (contract.resolve, expected, found.resolve, *item);
                compare_exports(&name, pair, &mut problems);
            }
        }
    }
    let allowed = contract.imports();
    for (name, item) in found.imports() {
        match allowed.iter().find(|(allowed, _)| *allowed == name) {
            None if Some(name.as_str()) == hidden => {}
            None => problems.push(not_allowed(&name)),
            Some((_, expected)) => {
                let pair = (contract.resolve, *expected, found.resolve, item);
                compare_imports(&name, pair, &mut problems);
            }
        }
    }
    problems.truncate(PROBLEMS_MAX);
    problems
}

fn not_allowed(name: &str) -> String {
    let hint = if name.starts_with("wasi:") {
        ": components get no WASI; stub it when building (`--stub-wasi` of componentize-py), or upload the \
         core module, whose imports of `wasi_snapshot_preview1` the host answers with a stub"
    } else if name == STUB_HOST {
        ": only the WASI stub of this host may; upload the core module that it was put into"
    } else {
        ""
    };
    format!("import `{name}` is not allowed{hint}")
}

type Pair<'a> = (&'a Resolve, &'a WorldItem, &'a Resolve, &'a WorldItem);

/// Every function of the contract must be exported.
fn compare_exports(name: &str, (resolve, expected, found_in, found): Pair<'_>, problems: &mut Vec<String>) {
    let (Some(expected), Some(found)) = (interface(expected), interface(found)) else {
        return problems.push(format!("export `{name}` is no interface"));
    };
    let found = &found_in.interfaces[found].functions;
    for (function, expected) in &resolve.interfaces[expected].functions {
        match found.get(function) {
            None => problems.push(format!("export `{name}` has no function `{function}`")),
            Some(found) => problems.extend(
                mismatch((resolve, expected), (found_in, found))
                    .map(|what| format!("export `{name}`, function `{function}`: {what}")),
            ),
        }
    }
}

/// Every function that is imported must be one of the contract.
fn compare_imports(name: &str, (resolve, expected, found_in, found): Pair<'_>, problems: &mut Vec<String>) {
    let (Some(expected), Some(found)) = (interface(expected), interface(found)) else {
        return problems.push(format!("import `{name}` is no interface"));
    };
    let expected = &resolve.interfaces[expected].functions;
    for (function, found) in &found_in.interfaces[found].functions {
        match expected.get(function) {
            None => problems.push(format!("import `{name}` has no function `{function}`")),
            Some(expected) => problems.extend(
                mismatch((resolve, expected), (found_in, found))
                    .map(|what| format!("import `{name}`, function `{function}`: {what}")),
            ),
        }
    }
}

fn interface(item: &WorldItem) -> Option<InterfaceId> {
    match item {
        WorldItem::Interface { id, .. } => Some(*id),
        _ => None,
    }
}

/// How a function's type differs, with both types.
fn mismatch(expected: (&Resolve, &Function), found: (&Resolve, &Function)) -> Option<String> {
    let (expected_text, found_text) = (signature(expected.0, expected.1), signature(found.0, found.1));
    if expected_text != found_text {
        return Some(format!("expected `{expected_text}`, found `{found_text}`"));
    }
    let params = expected.1.params.iter().zip(&found.1.params);
    let mut pairs: Vec<(String, Type, Type)> = params.map(|(e, f)| (e.name.clone(), e.ty, f.ty)).collect();
    if let (Some(expected), Some(found)) = (expected.1.result, found.1.result) {
        pairs.push(("result".to_owned(), expected, found));
    }
    pairs
        .into_iter()
        .find_map(|(path, e, f)| differ(&path, (expected.0, e), (found.0, f)))
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let params = function
        .params
        .iter()
        .map(|param| format!("{}: {}", param.name, name(resolve, param.ty)));
    let params: Vec<String> = params.collect();
    let result = function.result.map(|ty| format!(" -> {}", name(resolve, ty)));
    format!("func({}){}", params.join(", "), result.unwrap_or_default())
}

/// The first place where two types differ. Follows the contract's type, so that
/// it ends whatever the other one is.
fn differ(path: &str, expected: (&Resolve, Type), found: (&Resolve, Type)) -> Option<String> {
    let (e, f) = (definition(expected.0, expected.1), definition(found.0, found.1));
    if e != f {
        return Some(format!("`{path}`: expected `{e}`, found `{f}`"));
    }
    let (inner_e, inner_f) = (inner(expected.0, expected.1), inner(found.0, found.1));
    inner_e.into_iter().zip(inner_f).find_map(|((part, e), (_, f))| {
        let path = if part.is_empty() {
            path.to_owned()
        } else {
            format!("{path}.{part}")
        };
        differ(&path, (expected.0, e), (found.0, f))
    })
}

/// The type behind aliases; none for primitive types.
fn resolved(resolve: &Resolve, ty: Type) -> Option<TypeId> {
    let Type::Id(mut id) = ty else { return None };
    while let TypeDefKind::Type(Type::Id(next)) = resolve.types[id].kind {
        id = next;
    }
    Some(id)
}

/// Types that a type is made of, with the names of fields and cases.
fn inner(resolve: &Resolve, ty: Type) -> Vec<(String, Type)> {
    let part = |ty: &Type| (String::new(), *ty);
    let Some(id) = resolved(resolve, ty) else {
        return Vec::new();
    };
    match &resolve.types[id].kind {
        TypeDefKind::Record(record) => record
            .fields
            .iter()
            .map(|field| (field.name.clone(), field.ty))
            .collect(),
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter();
            cases
                .filter_map(|case| Some((case.name.clone(), case.ty?)))
                .collect()
        }
        TypeDefKind::Tuple(tuple) => tuple.types.iter().map(part).collect(),
        TypeDefKind::Option(ty) | TypeDefKind::List(ty) => vec![part(ty)],
        TypeDefKind::Result(result) => result.ok.iter().chain(&result.err).map(part).collect(),
        _ => Vec::new(),
    }
}

/// A type as text, one level deep.
fn definition(resolve: &Resolve, ty: Type) -> String {
    let Some(id) = resolved(resolve, ty) else {
        return name(resolve, ty);
    };
    match &resolve.types[id].kind {
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter();
            let fields = fields.map(|field| format!("{}: {}", field.name, name(resolve, field.ty)));
            format!("record {{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        TypeDefKind::Enum(cases) => {
            let cases: Vec<&str> = cases.cases.iter().map(|case| case.name.as_str()).collect();
            format!("enum {{ {} }}", cases.join(", "))
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter().map(|case| match case.ty {
                Some(ty) => format!("{}({})", case.name, name(resolve, ty)),
                None => case.name.clone(),
            });
            format!("variant {{ {} }}", cases.collect::<Vec<_>>().join(", "))
        }
        TypeDefKind::Flags(flags) => {
            let flags: Vec<&str> = flags.flags.iter().map(|flag| flag.name.as_str()).collect();
            format!("flags {{ {} }}", flags.join(", "))
        }
        TypeDefKind::Resource => "resource".to_owned(),
        _ => name(resolve, Type::Id(id)),
    }
}

/// A type's name.
fn name(resolve: &Resolve, ty: Type) -> String {
    let Type::Id(id) = ty else {
        return primitive(ty).to_owned();
    };
    let def = &resolve.types[id];
    if let Some(name) = &def.name {
        return name.clone();
    }
    let optional = |ty: &Option<Type>| ty.map_or("_".to_owned(), |ty| name(resolve, ty));
    match &def.kind {
        TypeDefKind::Type(ty) => name(resolve, *ty),
        TypeDefKind::Option(ty) => format!("option<{}>", name(resolve, *ty)),
        TypeDefKind::List(ty) => format!("list<{}>", name(resolve, *ty)),
        TypeDefKind::Result(result) => match (&result.ok, &result.err) {
            (None, None) => "result".to_owned(),
            (ok, None) => format!("result<{}>", optional(ok)),
            (ok, err) => format!("result<{}, {}>", optional(ok), optional(err)),
        },
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<String> = tuple.types.iter().map(|ty| name(resolve, *ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        TypeDefKind::Handle(Handle::Own(id)) => name(resolve, Type::Id(*id)),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", name(resolve, Type::Id(*id))),
        other => other.as_str().to_owned(),
    }
}

fn primitive(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::ErrorContext => "error-context",
        Type::Id(_) => "type",
    }
}
