//! What a program that links `expt-assign` takes in: crates, and bytes of the binary.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ours;
use crate::Figure;

pub(crate) fn figures() -> Result<Vec<Figure>, Box<dyn Error>> {
    let [without, with] = [binary("size-without")?, binary("size-with")?];
    Ok(vec![
        ours(
            "third-party crates below expt-assign, no features",
            crates(&["--no-default-features"])?,
            "crates",
            20.0,
        ),
        ours("third-party crates below expt-assign, default features", crates(&[])?, "crates", 50.0),
        ours(
            "third-party crates below expt-assign, all features",
            crates(&["--all-features"])?,
            "crates",
            50.0,
        ),
        ours("what a serving binary grows by, stripped", (with - without) / 1e3, "KB", None),
        ours("the binary before", without / 1e3, "KB", None),
    ])
}

/// Everything counted: build scripts and procedural macros too.
fn crates(arguments: &[&str]) -> Result<f64, Box<dyn Error>> {
    let tree = [
        "tree",
        "--package",
        "expt-assign",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let output = cargo().args(tree).args(arguments).output()?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let listed = String::from_utf8(output.stdout)?;
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    Ok(names.filter(|name| !name.starts_with("expt")).collect::<BTreeSet<_>>().len() as f64)
}

/// Builds one of the two programs in `src/bin` and says how many bytes it has.
fn binary(name: &str) -> Result<f64, Box<dyn Error>> {
    let strip = ["--", "-C", "strip=symbols"];
    let mut command = cargo();
    command.args(["rustc", "--release", "--quiet", "--package", "expt-benches", "--bin", name]);
    run(command.arg("--target-dir").arg(target()).args(strip))?;
    Ok(std::fs::metadata(target().join("release").join(name))?.len() as f64)
}

/// Runs a command and gives back what it prints; what it complains about is shown.
pub(crate) fn run(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} failed: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The cargo that runs this, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    command.current_dir(folder());
    command
}

/// The folder of the benches.
pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where this was built, so that nothing is built twice.
pub(crate) fn target() -> PathBuf {
    let ours = std::env::current_exe().ok();
    // The program is in `release` or `debug` of it.
    let found = ours.as_deref().and_then(Path::parent).and_then(Path::parent).map(Path::to_owned);
    found.unwrap_or_else(|| folder().join("../target"))
}
