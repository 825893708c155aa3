use super::*;

#[test]
fn numbers_are_written_as_go_writes_them() {
    for (value, written) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (999_999.0, "999999"),
        (999_999.999_999_999_9, "999999.9999999999"),
        (1e6, "1e+06"),
        (-1_234_567.0, "-1.234567e+06"),
        (1e-100, "1e-100"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
    ] {
        assert_eq!(go(value), written);
    }
    for (value, written) in [
        (0.0, "0e+00"),
        (1.0, "1e+00"),
        (-12.5, "-1.25e+01"),
        (3e-7, "3e-07"),
    ] {
        assert_eq!(with_exponent(value), written);
    }
}
