//! Changes to a core module's bytes that no compiler would make.

/// A section: its number and its content.
type Section = (u8, Vec<u8>);

const PREAMBLE_BYTES: usize = 8;
const CUSTOM: u8 = 0;
const FUNCTION: u8 = 3;
const EXPORT: u8 = 7;
const START: u8 = 8;
const CODE: u8 = 10;
/// Sections of components.
const COMPONENT: u8 = 4;
const INSTANCE: u8 = 5;

/// The module with the exported function of that name as its start function.
pub(crate) fn with_start(module: &[u8], function: &str) -> Vec<u8> {
    let mut sections = sections(module);
    let exports = sections
        .iter()
        .position(|(id, _)| *id == EXPORT)
        .expect("a guest has exports");
    let index = exported_function(&sections[exports].1, function);
    let mut content = Vec::new();
    write(&mut content, index);
    sections.insert(exports + 1, (START, content));
    join(module, &sections)
}

/// The second module with the world of the first.
pub(crate) fn copy_component_type(from: &[u8], module: &[u8]) -> Vec<u8> {
    let is_world = |(id, content): &Section| *id == CUSTOM && content[1..].starts_with(b"component-type");
    let world: Vec<_> = sections(from).into_iter().filter(is_world).collect();
    assert!(!world.is_empty(), "a guest has a section `component-type`");
    [module, &join(b"", &world)].concat()
}

/// The component with one more within it, and an instance of that.
pub(crate) fn with_component(component: &[u8], inner: &[u8]) -> Vec<u8> {
    let mut sections = sections(component);
    let index = sections.iter().filter(|(id, _)| *id == COMPONENT).count();
    sections.push((COMPONENT, inner.to_vec()));
    // One instance: instantiate, the component's index, no arguments.
    let mut instance = vec![1, 0];
    write(&mut instance, u32::try_from(index).expect("a component has few"));
    instance.push(0);
    sections.push((INSTANCE, instance));
    join(component, &sections)
}

/// A section of its own for anybody to read.
pub(crate) fn custom_section(name: &str, content: &[u8]) -> Vec<u8> {
    let mut section = Vec::new();
    write(&mut section, u32::try_from(name.len()).expect("a name is short"));
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    join(b"", &[(CUSTOM, section)])
}

/// The module with so many more functions, which only trap.
pub(crate) fn with_functions(module: &[u8], count: u32) -> Vec<u8> {
    // The first type; an unreachable body fits any.
    const TYPE: &[u8] = &[0];
    // Three bytes: no locals, unreachable, end.
    const BODY: &[u8] = &[3, 0x00, 0x00, 0x0b];
    let mut sections = sections(module);
    for (id, content) in &mut sections {
        match *id {
            FUNCTION => append(content, count, TYPE),
            CODE => append(content, count, BODY),
            _ => {}
        }
    }
    join(module, &sections)
}

/// The module with so many locals in each function that declares one of type `i64`.
pub(crate) fn with_locals(module: &[u8], count: u32) -> Vec<u8> {
    // One group of locals: one of type i64.
    const ONE: &[u8] = &[1, 1, 0x7e];
    let mut many = vec![1];
    write(&mut many, count);
    many.push(0x7e);
    let mut sections = sections(module);
    let code = sections.iter_mut().find(|(id, _)| *id == CODE);
    let (_, content) = code.expect("a guest has code");
    let mut at = 0;
    let bodies = read(content, &mut at);
    let mut changed = Vec::new();
    write(&mut changed, bodies);
    for _ in 0..bodies {
        let length = read(content, &mut at) as usize;
        let body = &content[at..at + length];
        at += length;
        let body = match body.strip_prefix(ONE) {
            Some(rest) => [&many, rest].concat(),
            None => body.to_vec(),
        };
        write(
            &mut changed,
            u32::try_from(body.len()).expect("a function is small"),
        );
        changed.extend_from_slice(&body);
    }
    *content = changed;
    join(module, &sections)
}

/// The module with other code in that exported function, which has no locals then. One that
/// exports an import under the name stays as it is.
pub(crate) fn with_body(module: &[u8], function: &str, code: &[u8]) -> Vec<u8> {
    let mut sections = sections(module);
    let Some(place) = function_index(&sections, function).checked_sub(imported_functions(module)) else {
        return module.to_vec();
    };
    let section = sections.iter_mut().find(|(id, _)| *id == CODE);
    let (_, content) = section.expect("the module has code");
    let mut at = 0;
    let count = read(content, &mut at);
    for _ in 0..place {
        at += read(content, &mut at) as usize;
    }
    let before = at;
    at += read(content, &mut at) as usize;
    assert!(place < count, "a function without code");
    let body = [&[0], code, &[0x0b]].concat();
    let mut changed = content[..before].to_vec();
    write(&mut changed, u32::try_from(body.len()).expect("a body is short"));
    changed.extend_from_slice(&body);
    changed.extend_from_slice(&content[at..]);
    *content = changed;
    join(module, &sections)
}

/// The instruction that calls that exported function.
pub(crate) fn call(module: &[u8], function: &str) -> Vec<u8> {
    let mut instruction = vec![0x10];
    write(&mut instruction, function_index(&sections(module), function));
    instruction
}

fn function_index(sections: &[Section], function: &str) -> u32 {
    let exports = sections.iter().find(|(id, _)| *id == EXPORT);
    exported_function(&exports.expect("the module has exports").1, function)
}

fn imported_functions(module: &[u8]) -> u32 {
    let mut count = 0;
    for part in wasmparser::Parser::new(0).parse_all(module) {
        if let wasmparser::Payload::ImportSection(imports) = part.expect("the module is valid") {
            let is_function = |ty| {
                matches!(
                    ty,
                    wasmparser::TypeRef::Func(_) | wasmparser::TypeRef::FuncExact(_)
                )
            };
            count += imports
                .into_imports()
                .flatten()
                .filter(|import| is_function(import.ty))
                .count();
        }
    }
    u32::try_from(count).expect("a module has few imports")
}

/// The same sections, of which one is gone, one is there twice, or two have changed places.
pub(crate) fn shuffled(wasm: &[u8], mut below: impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut sections = sections(wasm);
    let (one, other) = (below(sections.len()), below(sections.len()));
    match below(3) {
        0 => drop(sections.remove(one)),
        1 => sections.insert(other, sections[one].clone()),
        _ => sections.swap(one, other),
    }
    join(wasm, &sections)
}

/// Adds `count` times `item` to a section that is a list.
fn append(content: &mut Vec<u8>, count: u32, item: &[u8]) {
    let mut at = 0;
    let length = read(content, &mut at);
    let mut longer = Vec::new();
    write(&mut longer, length + count);
    longer.extend_from_slice(&content[at..]);
    longer.extend_from_slice(&item.repeat(count as usize));
    *content = longer;
}

fn exported_function(exports: &[u8], name: &str) -> u32 {
    let mut at = 0;
    for _ in 0..read(exports, &mut at) {
        let length = read(exports, &mut at) as usize;
        let exported = &exports[at..at + length];
        at += length + 1;
        let is_function = exports[at - 1] == 0;
        let index = read(exports, &mut at);
        if is_function && exported == name.as_bytes() {
            return index;
        }
    }
    panic!("the guest exports no function {name}");
}

fn sections(module: &[u8]) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut at = PREAMBLE_BYTES;
    while at < module.len() {
        let id = module[at];
        at += 1;
        let length = read(module, &mut at) as usize;
        sections.push((id, module[at..at + length].to_vec()));
        at += length;
    }
    sections
}

fn join(module: &[u8], sections: &[Section]) -> Vec<u8> {
    let mut joined = module[..PREAMBLE_BYTES.min(module.len())].to_vec();
    for (id, content) in sections {
        joined.push(*id);
        write(
            &mut joined,
            u32::try_from(content.len()).expect("a section is below 4 GB"),
        );
        joined.extend_from_slice(content);
    }
    joined
}

/// Reads a number in LEB128.
fn read(bytes: &[u8], at: &mut usize) -> u32 {
    let mut value = 0;
    for shift in (0..32).step_by(7) {
        let byte = bytes[*at];
        *at += 1;
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// Writes a number in LEB128.
fn write(bytes: &mut Vec<u8>, mut value: u32) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}
