//! Bindings for Zig: `zig/contract.zig`, the types of the contract as they lie in
//! memory, and its functions as WebAssembly has them.

use std::error::Error;
use std::fmt::Write;

use wit_bindgen_core::wit_parser::abi::AbiVariant;
use wit_bindgen_core::wit_parser::{
    Docs, Function, Handle, Interface, InterfaceId, PackageId, Resolve, Type, TypeDef, TypeDefKind, TypeId,
    TypeOwner, WorldId, WorldKey,
};

use crate::File;

const HEAD: &str = "\
//! The contract as WebAssembly sees it. Made by wasmalert-bindgen; do not edit.

/// A list; the text of a `string` is a list of bytes.
pub fn List(comptime T: type) type {
    return extern struct {
        ptr: [*]const T,
        len: usize,

        pub fn of(from: []const T) @This() {
            return .{ .ptr = place(T, from), .len = from.len };
        }

        pub fn slice(list: @This()) []const T {
            return list.ptr[0..list.len];
        }
    };
}

/// Where a slice lies. An empty one may lie outside of all memory, which the host does not take.
pub fn place(comptime T: type, slice: []const T) [*]const T {
    return if (slice.len > 0) slice.ptr else @ptrFromInt(@alignOf(T));
}

pub fn Option(comptime T: type) type {
    return extern struct { is_some: bool, val: T };
}

pub fn Result(comptime T: type, comptime E: type) type {
    return extern struct { is_err: bool, val: extern union { ok: T, err: E } };
}
";

/// What came of a part of the contract, or why nothing did.
type Made<T> = Result<T, Box<dyn Error>>;

pub(crate) fn bindings(resolve: &Resolve, package: PackageId) -> Made<File> {
    let package = &resolve.packages[package];
    let exported: Vec<InterfaceId> = package
        .worlds
        .values()
        .flat_map(|world| exports(resolve, *world))
        .collect();
    let mut zig = HEAD.to_owned();
    for id in package.interfaces.values() {
        interface(&mut zig, resolve, *id, exported.contains(id))?;
    }
    Ok(("zig/contract.zig".to_owned(), zig))
}

fn exports(resolve: &Resolve, world: WorldId) -> Vec<InterfaceId> {
    let keys = resolve.worlds[world].exports.keys();
    let ids = keys.filter_map(|key| match key {
        WorldKey::Interface(id) => Some(*id),
        WorldKey::Name(_) => None,
    });
    ids.collect()
}

fn interface(zig: &mut String, resolve: &Resolve, id: InterfaceId, is_exported: bool) -> Made<()> {
    let interface = &resolve.interfaces[id];
    let module = resolve.id_of(id).ok_or("an interface without a name")?;
    writeln!(zig)?;
    docs(zig, "", &interface.docs)?;
    writeln!(zig, "pub const {} = struct {{", name_of(interface)?)?;
    for id in interface.types.values() {
        definition(zig, resolve, &resolve.types[*id])?;
    }
    if interface.functions.is_empty() {
        zig.truncate(zig.trim_end().len());
        zig.push('\n');
    }
    for function in interface.functions.values() {
        docs(zig, "    ", &function.docs)?;
        if is_exported {
            export(zig, resolve, &module, function)?;
        } else {
            import(zig, resolve, &module, function)?;
        }
    }
    writeln!(zig, "}};")?;
    Ok(())
}

fn name_of(interface: &Interface) -> Made<&str> {
    Ok(interface.name.as_deref().ok_or("an interface without a name")?)
}

fn docs(zig: &mut String, indent: &str, docs: &Docs) -> Made<()> {
    for line in docs.contents.as_deref().unwrap_or_default().trim_end().lines() {
        let space = if line.is_empty() { "" } else { " " };
        writeln!(zig, "{indent}///{space}{line}")?;
    }
    Ok(())
}

fn definition(zig: &mut String, resolve: &Resolve, definition: &TypeDef) -> Made<()> {
    let name = upper_camel(definition.name.as_deref().ok_or("a type without a name")?);
    match &definition.kind {
        // Another interface's type, which is used by its own name.
        TypeDefKind::Type(_) => return Ok(()),
        TypeDefKind::Resource => {
            docs(zig, "    ", &definition.docs)?;
            writeln!(zig, "    pub const {name} = extern struct {{ handle: i32 }};\n")?;
        }
        TypeDefKind::Record(record) => {
            docs(zig, "    ", &definition.docs)?;
            writeln!(zig, "    pub const {name} = extern struct {{")?;
            for field in &record.fields {
                docs(zig, "        ", &field.docs)?;
                writeln!(
                    zig,
                    "        {}: {},",
                    snake(&field.name),
                    stored(resolve, field.ty)?
                )?;
            }
            writeln!(zig, "    }};\n")?;
        }
        TypeDefKind::Enum(cases) => {
            docs(zig, "    ", &definition.docs)?;
            let cases: Vec<String> = cases.cases.iter().map(|case| identifier(&case.name)).collect();
            writeln!(
                zig,
                "    pub const {name} = enum(u8) {{ {} }};\n",
                cases.join(", ")
            )?;
        }
        kind => return Err(format!("{name}: no Zig is made for {}", kind.as_str()).into()),
    }
    Ok(())
}

fn import(zig: &mut String, resolve: &Resolve, module: &str, function: &Function) -> Made<()> {
    let mut params = flat_params(resolve, function)?;
    let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
    let mut result = "void".to_owned();
    if let Some(ty) = function.result {
        let ty = stored(resolve, ty)?;
        if signature.retptr {
            params.push(format!("ret: *{ty}"));
        } else {
            result = ty;
        }
    }
    if signature.indirect_params || params.len() != signature.params.len() {
        return Err(format!("{}: too many parameters", function.name).into());
    }
    let (name, params) = (&function.name, params.join(", "));
    let name = identifier(name);
    writeln!(zig, "    pub extern \"{module}\" fn {name}({params}) {result};")?;
    Ok(())
}

/// The function's type and the name of its export.
fn export(zig: &mut String, resolve: &Resolve, module: &str, function: &Function) -> Made<()> {
    let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
    let params = if signature.indirect_params {
        let [param] = &function.params[..] else {
            return Err(format!("{}: several parameters by reference", function.name).into());
        };
        vec![format!(
            "{}: *const {}",
            snake(&param.name),
            stored(resolve, param.ty)?
        )]
    } else {
        flat_params(resolve, function)?
    };
    if !signature.retptr || params.len() != signature.params.len() {
        return Err(format!("{}: no Zig is made for such an export", function.name).into());
    }
    let result = stored(resolve, function.result.ok_or("an export without a result")?)?;
    let (camel, name, params) = (upper_camel(&function.name), &function.name, params.join(", "));
    writeln!(
        zig,
        "    pub const {camel} = fn ({params}) callconv(.c) *const {result};"
    )?;
    writeln!(zig, "    pub const {name}_export = \"{module}#{name}\";")?;
    Ok(())
}

/// A type as it lies in memory.
fn stored(resolve: &Resolve, ty: Type) -> Made<String> {
    Ok(match ty {
        Type::Bool => "bool".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::U16 => "u16".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::U64 => "u64".to_owned(),
        Type::S64 => "i64".to_owned(),
        Type::F64 => "f64".to_owned(),
        Type::String => "List(u8)".to_owned(),
        Type::Id(id) => match &resolve.types[id].kind {
            TypeDefKind::List(item) => format!("List({})", stored(resolve, *item)?),
            TypeDefKind::Option(some) => format!("Option({})", stored(resolve, *some)?),
            TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)) => named(resolve, *id)?,
            TypeDefKind::Type(ty) => stored(resolve, *ty)?,
            TypeDefKind::Result(result) => {
                let (ok, err) = (
                    result.ok.ok_or("a result of nothing")?,
                    result.err.ok_or("an error of nothing")?,
                );
                format!("Result({}, {})", stored(resolve, ok)?, stored(resolve, err)?)
            }
            _ => named(resolve, id)?,
        },
        ty => return Err(format!("no Zig is made for {ty:?}").into()),
    })
}

/// `interface.Type`.
fn named(resolve: &Resolve, id: TypeId) -> Made<String> {
    let definition = &resolve.types[id];
    let name = definition.name.as_deref().ok_or("a type without a name")?;
    let TypeOwner::Interface(owner) = definition.owner else {
        return Err(format!("{name}: a type of no interface").into());
    };
    Ok(format!(
        "{}.{}",
        name_of(&resolve.interfaces[owner])?,
        upper_camel(name)
    ))
}

fn flat_params(resolve: &Resolve, function: &Function) -> Made<Vec<String>> {
    let mut flat = Vec::new();
    for param in &function.params {
        flatten(&mut flat, resolve, &snake(&param.name), param.ty)?;
    }
    Ok(flat)
}

/// A parameter as WebAssembly takes it: records and lists in pieces.
fn flatten(flat: &mut Vec<String>, resolve: &Resolve, name: &str, ty: Type) -> Made<()> {
    let list = |item: &str| {
        [
            format!("{name}_ptr: [*]const {item}"),
            format!("{name}_len: usize"),
        ]
    };
    let Type::Id(id) = ty else {
        if ty == Type::String {
            flat.extend(list("u8"));
        } else {
            flat.push(format!("{name}: {}", stored(resolve, ty)?));
        }
        return Ok(());
    };
    match &resolve.types[id].kind {
        TypeDefKind::Type(ty) => flatten(flat, resolve, name, *ty)?,
        TypeDefKind::List(item) => flat.extend(list(&stored(resolve, *item)?)),
        TypeDefKind::Handle(_) | TypeDefKind::Enum(_) => {
            flat.push(format!("{name}: {}", stored(resolve, ty)?))
        }
        TypeDefKind::Option(some) => {
            flat.push(format!("{name}_is_some: bool"));
            flatten(flat, resolve, name, *some)?;
        }
        TypeDefKind::Record(record) => {
            for field in &record.fields {
                flatten(flat, resolve, &format!("{name}_{}", snake(&field.name)), field.ty)?;
            }
        }
        kind => return Err(format!("{name}: no Zig is made for {}", kind.as_str()).into()),
    }
    Ok(())
}

/// A name that need not be one of Zig's own, as it is in the contract.
fn identifier(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase()) && name != "error";
    if is_plain {
        name.to_owned()
    } else {
        format!("@\"{name}\"")
    }
}

fn snake(name: &str) -> String {
    name.replace('-', "_")
}

fn upper_camel(name: &str) -> String {
    let words = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect()
}
