//! From a prediction back to what made it.

use super::nothing;
use crate::readout::{ArmReadout, Readout, ServedModel};
use crate::report::markup::Markup;
use crate::report::number::count;

pub(super) fn all(out: &mut Markup, readout: &Readout) {
    if readout.arms.is_empty() {
        return nothing(out, "There is no arm.");
    }
    out.tag("p")
        .class("lead")
        .text("Each prediction that counts carries a stamp, from which one gets to all of this.");
    out.tag("div").class("cards").nest(|out| {
        for arm in &readout.arms {
            out.tag("div").class("card").nest(|out| {
                out.tag("h3").text(&arm.arm);
                match &arm.model {
                    Some(model) => chain(out, arm, model),
                    None => nothing(
                        out,
                        "The arm serves no single model version: it binds parameters, or many models.",
                    ),
                }
            });
        }
    });
}

fn chain(out: &mut Markup, arm: &ArmReadout, model: &ServedModel) {
    out.tag("ol").class("chain").nest(|out| {
        step(out, "Predictions", |out| {
            out.text(format_args!("{} stamped with this version", count(arm.predictions)));
        });
        step(out, "Model version", |out| {
            out.tag("bdi").text(&model.model);
            out.text(format_args!("@{}, stage ", model.version));
            out.tag("bdi").text(&model.stage);
            out.tag("code").class("id").text(model.digest);
        });
        step(out, "Run", |out| {
            out.tag("bdi").text(&model.run_name);
            out.text(" of ");
            out.tag("bdi").text(&model.experiment);
            out.tag("code").class("id").text(model.run);
        });
        for (name, value) in &model.lineage {
            out.tag("li").nest(|out| {
                out.tag("b").text(name);
                written(out, value);
            });
        }
    });
}

fn step(out: &mut Markup, name: &'static str, value: impl FnOnce(&mut Markup)) {
    out.tag("li").nest(|out| {
        out.tag("b").text(name);
        out.tag("span").nest(value);
    });
}

/// Words as words, digests and commits in a typewriter face.
fn written(out: &mut Markup, value: &str) {
    out.tag("span").nest(|out| {
        for (index, word) in value.split(' ').enumerate() {
            if index > 0 {
                out.text(' ');
            }
            let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            let digits = core.bytes().any(|byte| byte.is_ascii_digit());
            let is_code = core.len() >= 7 && digits && core.bytes().all(|byte| byte.is_ascii_hexdigit());
            match word.split_once(core).filter(|_| is_code) {
                Some((before, after)) => {
                    out.text(before);
                    out.tag("code").text(core);
                    out.text(after);
                }
                None => out.text(word),
            }
        }
    });
}
