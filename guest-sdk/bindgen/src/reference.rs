//! The reference of the contract: `docs/contract.md`.

use std::fmt::Write;

use wit_bindgen_core::wit_parser::{
    Docs, Function, Handle, Interface, PackageId, Resolve, Type, TypeDef, TypeDefKind, WorldItem,
};

use crate::File;

const HEAD: &str = include_str!("contract.md");

pub(crate) fn reference(resolve: &Resolve, package: PackageId) -> File {
    let package = &resolve.packages[package];
    let mut text = HEAD.to_owned();
    for id in package.worlds.values() {
        let world = &resolve.worlds[*id];
        let _ = writeln!(text, "## World `{}`\n", world.name);
        write_docs(&mut text, &world.docs);
        let names = |items: &mut dyn Iterator<Item = &WorldItem>| {
            let names = items.filter_map(|item| match item {
                WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.as_deref(),
                _ => None,
            });
            let links: Vec<String> = names
                .map(|name| format!("[`{name}`](#interface-{name})"))
                .collect();
            links.join(", ")
        };
        let (imports, exports) = (
            names(&mut world.imports.values()),
            names(&mut world.exports.values()),
        );
        let _ = writeln!(text, "Imports {imports}. Exports {exports}.\n");
    }
    for id in package.interfaces.values() {
        interface(&mut text, resolve, &resolve.interfaces[*id]);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    ("../docs/contract.md".to_owned(), text)
}

fn interface(text: &mut String, resolve: &Resolve, interface: &Interface) {
    let name = interface.name.as_deref().unwrap_or_default();
    let _ = writeln!(text, "## Interface `{name}`\n");
    write_docs(text, &interface.docs);
    for (name, id) in &interface.types {
        let ty = &resolve.types[*id];
        // Types of other interfaces are told of there.
        if !matches!(ty.kind, TypeDefKind::Type(_)) {
            definition(text, resolve, name, ty);
            let methods = interface
                .functions
                .values()
                .filter(|function| function.kind.resource() == Some(*id));
            methods.for_each(|method| of_function(text, resolve, method));
        }
    }
    let free = interface
        .functions
        .values()
        .filter(|function| function.kind.resource().is_none());
    free.for_each(|function| of_function(text, resolve, function));
}

fn definition(text: &mut String, resolve: &Resolve, name: &str, ty: &TypeDef) {
    let rows: Vec<(String, String, &Docs)> = match &ty.kind {
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter();
            fields
                .map(|field| (field.name.clone(), type_name(resolve, field.ty), &field.docs))
                .collect()
        }
        TypeDefKind::Enum(cases) => {
            let cases = cases.cases.iter();
            cases
                .map(|case| (case.name.clone(), String::new(), &case.docs))
                .collect()
        }
        _ => Vec::new(),
    };
    let _ = writeln!(text, "### {} `{name}`\n", ty.kind.as_str());
    write_docs(text, &ty.docs);
    if rows.is_empty() {
        return;
    }
    text.push_str("| | | |\n| --- | --- | --- |\n");
    for (name, ty, docs) in rows {
        let ty = if ty.is_empty() { ty } else { format!("`{ty}`") };
        let docs = docs
            .contents
            .as_deref()
            .unwrap_or_default()
            .trim()
            .replace('\n', " ")
            .replace('|', "\\|");
        let _ = writeln!(text, "| `{name}` | {ty} | {docs} |");
    }
    text.push('\n');
}

fn of_function(text: &mut String, resolve: &Resolve, function: &Function) {
    // The first parameter of a method is what it is called on.
    let own = usize::from(function.kind.resource().is_some());
    let params = function.params.iter().skip(own);
    let params: Vec<String> = params
        .map(|it| format!("{}: {}", it.name, type_name(resolve, it.ty)))
        .collect();
    let result = function
        .result
        .map(|ty| format!(" -> {}", type_name(resolve, ty)));
    let name = function.item_name();
    let _ = writeln!(text, "### `{name}`\n");
    let _ = writeln!(
        text,
        "`{name}({}){}`\n",
        params.join(", "),
        result.unwrap_or_default()
    );
    write_docs(text, &function.docs);
}

fn write_docs(text: &mut String, docs: &Docs) {
    if let Some(contents) = &docs.contents {
        let _ = writeln!(text, "{}\n", contents.trim());
    }
}

fn type_name(resolve: &Resolve, ty: Type) -> String {
    let Type::Id(id) = ty else {
        return format!("{ty:?}").to_ascii_lowercase();
    };
    let def = &resolve.types[id];
    let optional = |ty: &Option<Type>| ty.map_or_else(|| "_".to_owned(), |ty| type_name(resolve, ty));
    match (&def.name, &def.kind) {
        (Some(name), _) => name.clone(),
        (None, TypeDefKind::Option(ty)) => format!("option<{}>", type_name(resolve, *ty)),
        (None, TypeDefKind::List(ty)) => format!("list<{}>", type_name(resolve, *ty)),
        (None, TypeDefKind::Result(result)) => {
            format!("result<{}, {}>", optional(&result.ok), optional(&result.err))
        }
        (None, TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id))) => {
            type_name(resolve, Type::Id(*id))
        }
        (None, kind) => kind.as_str().to_owned(),
    }
}
