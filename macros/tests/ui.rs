//! What `#[task]` refuses, and with which words.

/// The compiler whose words stand around ours in `tests/ui/words`.
const WORDS_OF: &str = "rustc 1.95.";

#[test]
fn what_cannot_work_says_what_to_do() {
    let cases = trybuild::TestCases::new();
    cases.pass("../tests/ui/pass/*.rs");
    cases.compile_fail("../tests/ui/fail/*.rs");
    if compiler().starts_with(WORDS_OF) {
        cases.compile_fail("../tests/ui/words/*.rs");
    }
}

fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = std::process::Command::new(rustc).arg("--version").output();
    String::from_utf8(version.expect("the compiler is there").stdout).expect("it says its version")
}
