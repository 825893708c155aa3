//! Changes to a core module's bytes that no compiler would make.

/// A section: its number and its content.
type Section = (u8, Vec<u8>);

const PREAMBLE_BYTES: usize = 8;
const FUNCTION: u8 = 3;
const EXPORT: u8 = 7;
const START: u8 = 8;
const CODE: u8 = 10;

/// The module with the exported function of that name as its start function.
pub(super) fn with_start(module: &[u8], function: &str) -> Vec<u8> {
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

/// The module with so many more functions, which only trap.
pub(super) fn with_functions(module: &[u8], count: u32) -> Vec<u8> {
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
    let mut joined = module[..PREAMBLE_BYTES].to_vec();
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
