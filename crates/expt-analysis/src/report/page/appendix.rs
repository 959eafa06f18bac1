//! Notes of the readout, and the methods behind it.

use super::nothing;
use crate::readout::Readout;
use crate::report::markup::Markup;

pub(super) fn notes(out: &mut Markup, readout: &Readout) {
    if readout.notes.is_empty() {
        return nothing(out, "There is nothing to add.");
    }
    out.tag("ul").nest(|out| {
        for note in &readout.notes {
            out.tag("li").text(note);
        }
    });
}

pub(super) fn methods(out: &mut Markup) {
    out.tag("dl").class("methods").nest(|out| {
        for (name, text, source) in METHODS {
            out.tag("dt").text(name);
            out.tag("dd").nest(|out| {
                out.text(text);
                if !source.is_empty() {
                    out.text(' ');
                    out.tag("cite").text(source);
                }
            });
        }
    });
}

const METHODS: [(&str, &str, &str); 8] = [
    (
        "What the interval means",
        "A confidence sequence at level 1 − α contains the true difference at all looks at once with probability \
         at least 1 − α, in large samples. So one may look whenever one likes and stop at any look. It is wider \
         than an interval for one look whose time is fixed beforehand: that is the price of looking.",
        "",
    ),
    (
        "Confidence sequence",
        "estimate ± √v · √( 2 (1 + g) / g · ln( √(1 + g) / α ) ), with v the variance of the estimate at n units \
         and g = n ρ². The scale ρ makes it narrowest near the number of units in the plan; at any other number it \
         is valid, only wider.",
        "Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, eq. 4 and Theorem 2.2",
    ),
    (
        "p-value",
        "p = min(1, 1/e), with e = exp( z² g / (2 (1 + g)) ) / √(1 + g) and z the distance of the estimate from \
         the null value in standard errors. Valid at every stopping time.",
        "Ville 1939",
    ),
    (
        "Ratios",
        "A metric per prediction is a ratio of two sums over units; its variance comes from the delta method with \
         the randomised unit as the cluster.",
        "Deng, Knoblich and Lu 2018",
    ),
    (
        "Relative lift",
        "treatment / control − 1. The intervals of this page are about the difference, not about the lift.",
        "",
    ),
    (
        "Guardrails",
        "Non-inferiority: a guardrail holds when the interval excludes a difference that is worse than the margin. \
         Its p-value is about the margin, not about zero.",
        "",
    ),
    (
        "Many metrics",
        "Holm controls the chance of any false rejection in a family, under any dependence. Benjamini-Hochberg \
         controls the expected share of false rejections, under independence or positive dependence. Which one the \
         plan chose is in the derivation.",
        "Holm 1979; Benjamini and Hochberg 1995",
    ),
    (
        "Sample ratio",
        "If the arms differ from their planned shares by more than chance, units were lost or doubled, and no \
         difference can be trusted.",
        "Fabijan et al. 2019",
    ),
];
