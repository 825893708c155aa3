use super::*;

fn table() -> Table {
    let mut table = Table::new(["NAME", "STATE", "LABELS"]);
    table.row([
        "a".into(),
        "firing".into(),
        "{job=\"node\", instance=\"host-1:9100\"}".into(),
    ]);
    table.row(["日本".into(), "ok".into(), String::new()]);
    table
}

#[test]
fn columns_are_aligned_by_what_is_seen() {
    assert_eq!(
        table().render(None),
        "NAME  STATE   LABELS\n\
         a     firing  {job=\"node\", instance=\"host-1:9100\"}\n\
         日本  ok\n"
    );
}

#[test]
fn a_terminal_cuts_the_widest_column_only() {
    assert_eq!(
        table().render(Some(30)),
        "NAME  STATE   LABELS\n\
         a     firing  {job=\"node\", in…\n\
         日本  ok\n"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal_while_cells_have_room() {
    for width in 22..60 {
        let text = table().render(Some(width));
        assert!(text.lines().all(|line| line.width() <= width), "{width}:\n{text}");
    }
}

#[test]
fn a_tiny_terminal_keeps_every_column() {
    let text = table().render(Some(1));
    assert_eq!(text.lines().next(), Some("NAME  STATE   LABELS"));
}

#[test]
fn equal_columns_give_way_together() {
    let mut widths = [20, 20, 4];
    fit(&mut widths, 24);
    assert_eq!(widths, [10, 10, 4]);
}

#[test]
fn wide_characters_are_never_halved() {
    assert_eq!(cut("日本語", 4), "日…");
    assert_eq!(cut("日本語", 6), "日本語");
}
