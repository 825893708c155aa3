use super::*;

#[test]
fn names_match_as_in_a_shell() {
    for (pattern, name, expected) in [
        ("*.yaml", "a.yaml", true),
        ("*.yaml", "a.yml", false),
        ("a*b*c", "aXbbYc", true),
        ("a*b*c", "aXbbY", false),
        ("?.yml", "a.yml", true),
        ("?.yml", ".yml", false),
        ("[a-c]x", "bx", true),
        ("[a-c]x", "dx", false),
        ("[^a-c]x", "dx", true),
        ("[]]x", "]x", true),
        ("[x", "x", false),
        ("\\*", "*", true),
        ("\\*", "a", false),
        ("*", "", true),
    ] {
        assert_eq!(is_match(pattern, name), expected, "{pattern} {name}");
    }
}
