//! Checks of form.
fn main() {}
