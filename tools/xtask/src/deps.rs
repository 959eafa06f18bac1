//! The arrows between crates, and how many crates a crate brings along.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::Outcome;

/// Which of our crates each of our crates may name, in any kind of dependency but `dev`.
const ARROWS: [(&str, &[&str]); 15] = [
    ("expt-core", &[]),
    ("expt-stats", &[]),
    ("expt-assign", &["expt-core", "expt-stats"]),
    ("expt-store", &["expt-core"]),
    ("expt-track", &["expt-core", "expt-store"]),
    ("expt-hpo", &["expt-core", "expt-store", "expt-track"]),
    ("expt-serve", &["expt-core", "expt-store", "expt-assign"]),
    ("expt-analysis", &["expt-core", "expt-store", "expt-assign", "expt-stats"]),
    ("expt-openfeature", &["expt-core", "expt-assign"]),
    (
        "expt",
        &[
            "expt-core",
            "expt-store",
            "expt-track",
            "expt-hpo",
            "expt-serve",
            "expt-analysis",
            "expt-assign",
            "expt-stats",
        ],
    ),
    ("expt-examples", &["expt"]),
    ("expt-benches", &["expt"]),
    ("calibration", &["expt"]),
    ("conformance", &["expt"]),
    ("xtask", &[]),
];

/// Third-party crates below a crate, everything counted (build scripts and procedural macros too).
const LIMITS: [(&str, &[&str], usize); 5] = [
    ("expt-core", &[], 25),
    ("expt-stats", &[], 25),
    ("expt-assign", &["--no-default-features"], 20),
    ("expt-assign", &[], 50),
    ("expt-assign", &["--all-features"], 50),
];

/// What must never be below the pure crates, in any feature set.
const IMPURE: [&str; 9] =
    ["async-trait", "futures", "hyper", "libsqlite3-sys", "mio", "reqwest", "rusqlite", "socket2", "tokio"];

pub(crate) fn check() -> Outcome {
    let mut faults = Vec::new();
    arrows(&mut faults)?;
    for (name, arguments, limit) in LIMITS {
        let below = below(name, arguments)?;
        let with = match arguments {
            [] => "with default features",
            ["--all-features"] => "with all features",
            _ => "without default features",
        };
        println!("{name:<12} {with:<25} {:>3} third-party crates, at most {limit}", below.len());
        if below.len() > limit {
            faults.push(format!(
                "{name} {with} has {} crates below it, allowed are {limit}: {below:?}",
                below.len()
            ));
        }
    }
    for name in ["expt-core", "expt-stats", "expt-assign"] {
        let below = below(name, &["--all-features"])?;
        for found in below.iter().filter(|found| IMPURE.contains(&found.as_str())) {
            faults.push(format!("{name} is pure and has {found} below it"));
        }
    }
    let serving = below("expt-serve", &[])?;
    if serving.contains("rusqlite") {
        faults.push("expt-serve has SQLite below it; only the facade turns it on".into());
    }
    if below("expt", &["--all-features"])?.contains("open-feature") {
        faults.push("expt has the SDK of OpenFeature below it; who wants it names expt-openfeature".into());
    }
    println!(
        "{:<12} {:<25} {:>3} third-party crates, without SQLite",
        "expt-serve",
        "with default features",
        serving.len()
    );
    Ok(faults)
}

fn arrows(faults: &mut Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])?)?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).ok_or("cargo metadata has no packages")?;
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(|package| text(package, "name")).collect();
    let mut count = 0;
    for package in packages {
        let name = text(package, "name");
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            faults
                .push(format!("crate {name} is not drawn; add it to ARCHITECTURE.md and to ARROWS in xtask"));
            continue;
        };
        for dependency in package.get("dependencies").and_then(Value::as_array).into_iter().flatten() {
            let target = text(dependency, "name");
            if !ours.contains(&target) || text(dependency, "kind") == "dev" {
                continue;
            }
            count += 1;
            if !allowed.contains(&target.as_str()) {
                faults.push(format!("arrow {name} -> {target} is not allowed; {name} may use {allowed:?}"));
            }
        }
    }
    println!("{count} arrows between {} crates", packages.len());
    Ok(())
}

/// The names of the third-party crates that a build of the crate needs on this platform.
fn below(name: &str, arguments: &[&str]) -> Result<BTreeSet<String>, Box<dyn std::error::Error>> {
    let tree = ["tree", "--package", name, "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let listed = cargo(&[&tree, arguments].concat())?;
    let names = listed.lines().filter_map(|line| {
        let crate_name = line.split_whitespace().next()?;
        (!crate_name.starts_with("expt")).then(|| crate_name.to_owned())
    });
    Ok(names.collect())
}

fn cargo(arguments: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo).args(arguments).output()?;
    if !output.status.success() {
        return Err(format!(
            "cargo {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
