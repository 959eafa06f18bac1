//! How long files are: code lines, which are neither blank nor a comment nor in a test module at the end.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;

const MAX_CODE: usize = 600;
const MAX_ROOT: usize = 120;

pub(crate) fn check() -> Outcome {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
        .output()?;
    let listed = String::from_utf8(output.stdout)?;
    let mut sizes: Vec<(usize, PathBuf)> = Vec::new();
    for path in listed.lines().map(PathBuf::from).filter(|path| path.exists()) {
        sizes.push((code_lines(&std::fs::read_to_string(&path)?), path));
    }
    sizes.sort();
    let at = |quantile: usize| {
        sizes.get((sizes.len().saturating_sub(1)) * quantile / 100).map_or(0, |(size, _)| *size)
    };
    println!(
        "{} files: median {}, p75 {}, p90 {}, longest {} code lines",
        sizes.len(),
        at(50),
        at(75),
        at(90),
        at(100)
    );
    let limit = |path: &Path| {
        let library_root = path.starts_with("crates") && path.ends_with("src/lib.rs");
        if library_root { MAX_ROOT } else { MAX_CODE }
    };
    let long = sizes.iter().filter(|(size, path)| *size > limit(path));
    let fault = |(size, path): &(usize, PathBuf)| {
        format!("{} has {size} code lines, allowed are {}; split it by concept", path.display(), limit(path))
    };
    Ok(long.map(fault).collect())
}

fn code_lines(text: &str) -> usize {
    let mut lines: Vec<&str> = text.lines().map(str::trim).collect();
    let tests = lines.iter().rposition(|line| *line == "#[cfg(test)]");
    if let Some(start) = tests {
        let inline = lines.get(start + 1).is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'));
        if inline {
            lines.truncate(start);
        }
    }
    lines.iter().filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts_code_only() {
        let text = "//! doc\n\nfn f() {\n    // why\n}\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n";
        assert_eq!(super::code_lines(text), 2);
    }
}
