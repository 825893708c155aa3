//! What the contract's imports are to JavaScript: `contract.d.ts` of its SDK.

use std::error::Error;
use std::fmt::Write;

use wit_bindgen_core::wit_parser::{
    Function, Handle, Interface, InterfaceId, Resolve, Type, TypeDefKind, TypeId, WorldId, WorldItem,
};

use crate::File;

const HEAD: &str = "\
// Made of the contract in wit/ by guest-sdk/bindgen; not to be edited.
//
// The interfaces that a component imports, as componentize-qjs shows them to JavaScript: names in camel case,
// `list<u8>` as `Uint8Array`, 64-bit integers as numbers, a result's error thrown with the error as `payload`.
// A wrong type traps without a word, so nothing but the SDK should call them.
";
/// Names of functions that a declaration may not have.
const RESERVED: [&str; 1] = ["delete"];

/// # Errors
/// The contract has something that is not told of here.
pub(crate) fn bindings(resolve: &Resolve, world: WorldId) -> Result<File, Box<dyn Error>> {
    let world = &resolve.worlds[world];
    let package = world.package.ok_or("a world of no package")?;
    let name = &resolve.packages[package].name;
    let imports: Vec<InterfaceId> = world
        .imports
        .values()
        .filter_map(|item| match item {
            WorldItem::Interface { id, .. } => Some(*id),
            _ => None,
        })
        .collect();
    let mut text = HEAD.to_owned();
    for id in &imports {
        for (name, ty) in &resolve.interfaces[*id].types {
            record(&mut text, resolve, name, *ty)?;
        }
    }
    for id in &imports {
        let interface = &resolve.interfaces[*id];
        let version = name.version.as_ref().map(|version| format!("@{version}"));
        let of = interface.name.as_deref().unwrap_or_default();
        let module = format!(
            "{}:{}/{of}{}",
            name.namespace,
            name.name,
            version.unwrap_or_default()
        );
        functions(&mut text, resolve, interface, &module)?;
    }
    Ok(("javascript/lib/contract.d.ts".to_owned(), text))
}

/// Types of other interfaces, and resources, are left out.
fn record(text: &mut String, resolve: &Resolve, name: &str, id: TypeId) -> Result<(), Box<dyn Error>> {
    match &resolve.types[id].kind {
        TypeDefKind::Record(record) => {
            writeln!(text, "\ninterface Wit{} {{", upper(name))?;
            for field in &record.fields {
                writeln!(
                    text,
                    "  {}: {};",
                    camel(&field.name),
                    result_type(resolve, field.ty)?
                )?;
            }
            text.push_str("}\n");
        }
        TypeDefKind::Enum(cases) => {
            let cases: Vec<String> = cases.cases.iter().map(|it| format!("{:?}", it.name)).collect();
            writeln!(text, "\ntype Wit{} = {};", upper(name), cases.join(" | "))?;
        }
        _ => {}
    }
    Ok(())
}

fn functions(
    text: &mut String,
    resolve: &Resolve,
    interface: &Interface,
    module: &str,
) -> Result<(), Box<dyn Error>> {
    if interface.functions.is_empty() {
        return Ok(());
    }
    writeln!(text, "\ndeclare module {module:?} {{")?;
    for (name, id) in &interface.types {
        if !matches!(resolve.types[*id].kind, TypeDefKind::Resource) {
            continue;
        }
        writeln!(text, "  class {} {{", upper(name))?;
        let functions = interface.functions.values();
        for method in functions.filter(|it| it.kind.resource() == Some(*id)) {
            writeln!(
                text,
                "    {}{};",
                camel(method.item_name()),
                signature(resolve, method)?
            )?;
        }
        text.push_str("  }\n");
    }
    let mut exports = Vec::new();
    let mut renamed = false;
    for function in interface.functions.values() {
        if function.kind.resource().is_some() {
            continue;
        }
        let name = camel(function.item_name());
        let (declared, export) = match RESERVED.contains(&name.as_str()) {
            true => (format!("{name}_"), format!("{name}_ as {name}")),
            false => (name.clone(), name.clone()),
        };
        renamed |= declared != name;
        writeln!(text, "  function {declared}{};", signature(resolve, function)?)?;
        exports.push(export);
    }
    if renamed {
        writeln!(text, "  export {{ {} }};", exports.join(", "))?;
    }
    text.push_str("}\n");
    Ok(())
}

fn signature(resolve: &Resolve, function: &Function) -> Result<String, Box<dyn Error>> {
    // The first parameter of a method is what it is called on.
    let own = usize::from(function.kind.resource().is_some());
    let mut params = Vec::new();
    for param in function.params.iter().skip(own) {
        params.push(format!(
            "{}: {}",
            camel(&param.name),
            param_type(resolve, param.ty)?
        ));
    }
    let result = function.result.map(|ty| result_type(resolve, ty)).transpose()?;
    Ok(format!(
        "({}): {}",
        params.join(", "),
        result.unwrap_or_else(|| "void".to_owned())
    ))
}

/// A list of numbers may also be given as the array of that type.
fn param_type(resolve: &Resolve, ty: Type) -> Result<String, Box<dyn Error>> {
    match element(resolve, ty) {
        Some(Type::U32) => Ok("number[] | Uint32Array".to_owned()),
        _ => result_type(resolve, ty),
    }
}

fn element(resolve: &Resolve, ty: Type) -> Option<Type> {
    match ty {
        Type::Id(id) => match resolve.types[id].kind {
            TypeDefKind::List(of) => Some(of),
            _ => None,
        },
        _ => None,
    }
}

fn result_type(resolve: &Resolve, ty: Type) -> Result<String, Box<dyn Error>> {
    let id = match ty {
        Type::Bool => return Ok("boolean".to_owned()),
        Type::String => return Ok("string".to_owned()),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::S64 | Type::F64 => {
            return Ok("number".to_owned());
        }
        Type::Id(id) => id,
        other => return Err(format!("the type {other:?} is not known to the types of JavaScript").into()),
    };
    let def = &resolve.types[id];
    Ok(match (&def.name, &def.kind) {
        (_, TypeDefKind::Type(ty)) => result_type(resolve, *ty)?,
        (Some(name), TypeDefKind::Resource) => upper(name),
        (Some(name), _) => format!("Wit{}", upper(name)),
        (None, TypeDefKind::List(Type::U8)) => "Uint8Array".to_owned(),
        (None, TypeDefKind::List(of)) => format!("{}[]", result_type(resolve, *of)?),
        (None, TypeDefKind::Option(of)) => format!("{} | null", result_type(resolve, *of)?),
        (None, TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id))) => {
            result_type(resolve, Type::Id(*id))?
        }
        // The error is thrown.
        (None, TypeDefKind::Result(result)) => match result.ok {
            Some(ok) => result_type(resolve, ok)?,
            None => "void".to_owned(),
        },
        (None, kind) => {
            return Err(format!("a {} is not known to the types of JavaScript", kind.as_str()).into());
        }
    })
}

/// `start-ms` as `startMs`.
fn camel(name: &str) -> String {
    let mut parts = name.split('-');
    let first = parts.next().unwrap_or_default();
    first.to_owned() + &parts.map(upper).collect::<String>()
}

/// `label-column` as `LabelColumn`.
fn upper(name: &str) -> String {
    let parts = name.split('-').map(|part| {
        let (head, tail) = part.split_at(usize::from(!part.is_empty()));
        head.to_ascii_uppercase() + tail
    });
    parts.collect()
}
