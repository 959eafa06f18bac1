//! The rules that turn readings into a verdict.

use super::design::{Design, Direction, Guardrail, Metric};
use super::eyes::{Eyes, Judged, Sight};
use super::outcome::{
    Decision, Harm, InvalidReason, MetricDecision, MetricStatus, Role, Rule, Step, Verdict,
};
use super::procedure::Procedure;
use super::readings::{MetricState, Readings};
use crate::effect::EffectState;
use crate::error::StatsError;
use crate::level::{Alpha, LnP};
use crate::srm::{SrmMethod, SrmVerdict};

impl Design {
    /// Decides at one look. Which looks there may be is up to the [`Procedure`](crate::Procedure); by default it may be
    /// called after every unit.
    ///
    /// The rules, first match wins:
    /// 1. `Invalid` if the sample-ratio test found a mismatch, or the readings say so.
    /// 2. `Stop` if a primary is inferior at alpha / primaries, or a guardrail is worse than its margin at
    ///    alpha / guardrails (Bonferroni, because any one of them stops). Needs no minimum runtime.
    /// 3. `Ship` if runtime and units have reached their minimum, a primary is superior at alpha / primaries
    ///    (Bonferroni, because any one of them ships), every guardrail is non-inferior at alpha (an
    ///    intersection-union test, so no correction: Berger 1982), and the sample-ratio test is healthy.
    /// 4. `Inconclusive` if the maximum is reached, unless only the minimum runtime is missing.
    /// 5. `Continue` otherwise.
    ///
    /// Intervals and p-values keep their level over all looks that the procedure allows, so all looks together keep
    /// alpha. Secondaries are corrected for their number, one without an interval counting as p = 1; their intervals
    /// are at alpha / secondaries.
    ///
    /// # Errors
    /// [`StatsError::MissingMetric`] and [`StatsError::UnknownMetric`] if the readings do not match the
    /// design; [`StatsError::OutOfRange`] if the units of group-sequential looks do not rise.
    pub fn decide(&self, readings: &Readings) -> Result<Decision, StatsError> {
        let units = match readings.metrics.get(&self.primary().name) {
            Some(MetricState::Effect(state)) => state.units(),
            _ => 0,
        };
        let eyes = Eyes::new(self, units, &readings.earlier_looks)?;
        Engine { design: self, readings, eyes, units, steps: Vec::new(), metrics: Vec::new() }.run()
    }
}

/// Collects the derivation while the rules are applied.
struct Engine<'a> {
    design: &'a Design,
    readings: &'a Readings,
    eyes: Eyes<'a>,
    /// The units of the first primary.
    units: u64,
    steps: Vec<Step>,
    metrics: Vec<MetricDecision>,
}

impl Engine<'_> {
    fn run(mut self) -> Result<Decision, StatsError> {
        self.check_names()?;
        self.health();
        let (superior, mut harmed) = self.primaries()?;
        let (mut guarded, design) = (true, self.design);
        for guardrail in design.guardrails() {
            let status = self.guardrail(guardrail)?;
            guarded &= status == MetricStatus::NonInferior || status == MetricStatus::Superior;
            if status == MetricStatus::Inferior {
                harmed.push(guardrail.metric.name.clone());
            }
        }
        self.secondaries()?;
        let verdict = self.verdict(superior, guarded, harmed);
        Ok(Decision { verdict, metrics: self.metrics, derivation: self.steps })
    }

    /// Demands that readings and design name the same metrics.
    fn check_names(&self) -> Result<(), StatsError> {
        let known = |name: &str| self.design.metrics().any(|metric| metric.name == name);
        if let Some(metric) = self.design.metrics().find(|m| !self.readings.metrics.contains_key(&m.name)) {
            return Err(StatsError::MissingMetric { name: metric.name.clone() });
        }
        match self.readings.metrics.keys().find(|name| !known(name)) {
            Some(name) => Err(StatsError::UnknownMetric { name: name.clone() }),
            None => Ok(()),
        }
    }

    fn health(&mut self) {
        let srm = &self.readings.srm;
        let test = match srm.method {
            SrmMethod::ChiSquare { statistic, df } => {
                format!("chi-square {statistic:.3} with {df} degrees of freedom (valid at one look)")
            }
            SrmMethod::LikelihoodRatio { statistic, df } => {
                format!("likelihood ratio {statistic:.3} on {df} degrees of freedom (valid at one look)")
            }
            SrmMethod::Stratified { statistic, df } | SrmMethod::Pooled { statistic, df } => {
                format!(
                    "chi-square {statistic:.3} on {df} degrees of freedom over periods (valid at one look)"
                )
            }
            SrmMethod::Sequential { ln_bayes_factor } => {
                format!("ln Bayes factor {ln_bayes_factor:.3} (valid at all looks)")
            }
        };
        let outcome = match srm.verdict {
            SrmVerdict::Healthy => "the arms have the units they were promised",
            SrmVerdict::Mismatch => "sample-ratio mismatch, no metric can be trusted",
            SrmVerdict::NoUnits => "there are no units yet",
        };
        let (counts, p, alpha) = (list(&srm.counts), srm.ln_p, srm.alpha);
        self.say(Rule::Health, format!("units {counts}, {test}, p = {p} at alpha = {alpha}: {outcome}"));
    }

    /// Whether a primary is superior, and which ones are harmed.
    fn primaries(&mut self) -> Result<(bool, Vec<String>), StatsError> {
        let (design, alpha) = (self.design, self.design.alpha_per_primary());
        let count = design.primaries().count();
        let correction = match count {
            1 => "no correction because one metric decides".to_owned(),
            _ => format!("which is {} / {count} (Bonferroni) because any of them decides", design.alpha()),
        };
        let (mut superior, mut harmed) = (false, Vec::new());
        for metric in design.primaries() {
            let look = self.look(metric, alpha, 0.0)?;
            let status = look.status(metric.direction, 0.0);
            superior |= status == MetricStatus::Superior;
            if status == MetricStatus::Inferior {
                harmed.push(metric.name.clone());
            }
            let words = look.words(metric, &status);
            let tuned = match design.procedure() {
                Procedure::Anytime => format!(", tuned to {} units", design.tuned_units()),
                _ => String::new(),
            };
            let procedure = design.procedure();
            self.say(
                Rule::Primary,
                format!("{words}; {procedure}{tuned}, two-sided at alpha = {alpha}, {correction}"),
            );
            let adjusted = look.ready().filter(|_| count > 1).map(|ready| ready.ln_p.times(count as f64));
            self.record(metric, Role::Primary, status, &look, adjusted);
        }
        Ok((superior, harmed))
    }

    fn guardrail(&mut self, guardrail: &Guardrail) -> Result<MetricStatus, StatsError> {
        let (design, metric, margin) = (self.design, &guardrail.metric, guardrail.margin);
        // In the metric's own units: the difference at which the guardrail counts as broken.
        let worst = sign(metric.direction) * -margin;
        let look = self.look(metric, design.alpha(), worst)?;
        let harm_level = design.alpha().split(design.guardrails().len());
        let harm_look = self.look(metric, harm_level, worst)?;
        let status = match look.status(metric.direction, 0.0) {
            MetricStatus::Superior => MetricStatus::Superior,
            MetricStatus::Inferior | MetricStatus::Undecided => {
                if harm_look.status(metric.direction, worst) == MetricStatus::Inferior {
                    MetricStatus::Inferior
                } else if look.status(metric.direction, worst) == MetricStatus::Superior {
                    MetricStatus::NonInferior
                } else {
                    MetricStatus::Undecided
                }
            }
            other => other,
        };
        let (words, alpha) = (look.words(metric, &status), design.alpha());
        self.say(
            Rule::Guardrail,
            format!(
                "{words}; margin {margin}, so non-inferior if the whole interval is on the good side of {worst}, \
                 at alpha = {alpha} without correction because all guardrails must pass; harm at alpha = \
                 {harm_level} (Bonferroni over {} guardrails, because any of them stops)",
                design.guardrails().len()
            ),
        );
        self.record(metric, Role::Guardrail { margin }, status, &look, None);
        Ok(status)
    }

    fn secondaries(&mut self) -> Result<(), StatsError> {
        let (design, count) = (self.design, self.design.secondaries().len());
        if count == 0 {
            return Ok(());
        }
        let (alpha, level) = (design.alpha(), design.alpha().split(count));
        // Evidence comes from the sequence at alpha; the interval is the simultaneous one.
        let mut looks = Vec::with_capacity(count);
        for metric in design.secondaries() {
            looks.push((metric, self.look(metric, alpha, 0.0)?, self.look(metric, level, 0.0)?));
        }
        let ln_p: Vec<LnP> =
            looks.iter().map(|(_, look, _)| look.ready().map_or(LnP::ONE, |r| r.ln_p)).collect();
        let adjusted = design.correction().adjust(&ln_p);
        self.say(
            Rule::Multiplicity,
            format!(
                "{count} secondaries: p-values corrected by {} at alpha = {alpha}, intervals at alpha / {count} = \
                 {level}; secondaries never decide",
                design.correction()
            ),
        );
        for ((metric, look, simultaneous), adjusted_ln_p) in looks.into_iter().zip(adjusted.ln_p) {
            let status = match look.ready() {
                Some(ready) if adjusted_ln_p.is_at_most(alpha) => {
                    let good = sign(metric.direction) * ready.estimate > 0.0;
                    if good { MetricStatus::Superior } else { MetricStatus::Inferior }
                }
                Some(_) => MetricStatus::Undecided,
                None => look.status(metric.direction, 0.0),
            };
            let (words, p) = (simultaneous.words(metric, &status), look.ready().map_or(LnP::ONE, |r| r.ln_p));
            self.say(Rule::Secondary, format!("{words}; p = {p}, adjusted p = {adjusted_ln_p}"));
            let shown = simultaneous.with_evidence_of(&look);
            self.record(metric, Role::Secondary, status, &shown, Some(adjusted_ln_p));
        }
        Ok(())
    }

    fn verdict(&mut self, superior: bool, guarded: bool, harmed: Vec<String>) -> Verdict {
        let (design, units) = (self.design, self.units);
        let srm = &self.readings.srm;
        let healthy = srm.verdict == SrmVerdict::Healthy;
        let (runtime, enough) = (self.readings.runtime_reached, units >= design.min_units());
        let runtime_words = if runtime { "has passed" } else { "has not passed" };
        let minimum = match design.min_units() {
            0 => format!("minimum runtime {runtime_words}; no minimum of units"),
            least => format!("minimum runtime {runtime_words}; {units} of at least {least} units"),
        };
        self.say(Rule::Minimum, minimum);
        let at_maximum = units >= design.max_units();
        let maximum = match design.max_units() {
            u64::MAX => "no maximum of units".to_owned(),
            most => format!("{units} of at most {most} units"),
        };
        self.say(Rule::Maximum, maximum);
        let (verdict, why) = if srm.verdict == SrmVerdict::Mismatch {
            let reason = InvalidReason::SampleRatioMismatch { ln_p: srm.ln_p };
            (
                Verdict::Invalid { reason },
                "invalid, because the arms do not have their promised shares".to_owned(),
            )
        } else if let Some(what) = &self.readings.invalid {
            let why = format!("invalid, because the readings say so: {what}");
            (Verdict::Invalid { reason: InvalidReason::Declared { what: what.clone() } }, why)
        } else if !harmed.is_empty() {
            let why =
                format!("stop, because of harm to {}; harm needs no minimum runtime", harmed.join(", "));
            (Verdict::Stop { harm: Harm { metrics: harmed } }, why)
        } else if superior && guarded && healthy && enough && runtime {
            let why = "ship: a primary is superior, all guardrails hold, units healthy, minimum passed";
            (Verdict::Ship, why.to_owned())
        } else if superior && guarded && healthy && enough {
            (Verdict::Continue, "continue, because only the minimum runtime is missing".to_owned())
        } else if at_maximum {
            (
                Verdict::Inconclusive,
                "inconclusive, because the maximum was reached without a decision".to_owned(),
            )
        } else {
            let missing = [
                (!superior, "no primary is superior"),
                (!guarded, "not every guardrail holds"),
                (!healthy, "the sample ratio is not confirmed"),
                (!enough, "the minimum of units is not reached"),
            ];
            let missing: Vec<&str> =
                missing.into_iter().filter_map(|(is, what)| is.then_some(what)).collect();
            (Verdict::Continue, format!("continue, because {}", missing.join(" and ")))
        };
        self.say(Rule::Verdict, why);
        verdict
    }

    fn look(&self, metric: &Metric, alpha: Alpha, null: f64) -> Result<Look, StatsError> {
        let Some(MetricState::Effect(state)) = self.readings.metrics.get(&metric.name) else {
            return Ok(Look { state: None, sight: None });
        };
        Ok(Look { state: Some(*state), sight: Some(self.eyes.look(state, alpha, null)?) })
    }

    fn record(
        &mut self,
        metric: &Metric,
        role: Role,
        status: MetricStatus,
        look: &Look,
        adjusted: Option<LnP>,
    ) {
        let ready = look.ready();
        let null = match role {
            Role::Guardrail { margin } => sign(metric.direction) * -margin,
            Role::Primary | Role::Secondary => 0.0,
        };
        self.metrics.push(MetricDecision {
            metric: metric.name.clone(),
            role,
            direction: metric.direction,
            status,
            estimate: look.state.map(|state| state.estimate()),
            interval: ready.map(|ready| ready.interval),
            null,
            ln_p: ready.map(|ready| ready.ln_p),
            adjusted_ln_p: adjusted,
            ln_e: ready.and_then(|ready| ready.ln_e),
        });
    }

    fn say(&mut self, rule: Rule, detail: String) {
        self.steps.push(Step { rule, detail });
    }
}

/// One metric seen at one level.
struct Look {
    state: Option<EffectState>,
    sight: Option<Sight>,
}

impl Look {
    fn ready(&self) -> Option<&Judged> {
        match &self.sight {
            Some(Sight::Judged(ready)) => Some(ready),
            _ => None,
        }
    }

    /// Says on which side of `null` the whole interval lies, in the good direction.
    fn status(&self, direction: Direction, null: f64) -> MetricStatus {
        let interval = match &self.sight {
            None => return MetricStatus::NoData,
            Some(Sight::NotYet(not_yet)) => return MetricStatus::NotYet(*not_yet),
            Some(Sight::Closed(before_units)) => {
                return MetricStatus::NotLookedAt { before_units: *before_units };
            }
            Some(Sight::Judged(ready)) => &ready.interval,
        };
        match (direction, interval.is_above(null), interval.is_below(null)) {
            (Direction::HigherIsBetter, true, _) | (Direction::LowerIsBetter, _, true) => {
                MetricStatus::Superior
            }
            (Direction::HigherIsBetter, _, true) | (Direction::LowerIsBetter, true, _) => {
                MetricStatus::Inferior
            }
            _ => MetricStatus::Undecided,
        }
    }

    /// Keeps the interval but takes p-value and e-value from another look at the same data.
    fn with_evidence_of(self, other: &Self) -> Self {
        let sight = match (self.ready(), other.ready()) {
            (Some(ready), Some(evidence)) => {
                Some(Sight::Judged(Judged { ln_p: evidence.ln_p, ln_e: evidence.ln_e, ..*ready }))
            }
            _ => self.sight,
        };
        Self { sight, ..self }
    }

    fn words(&self, metric: &Metric, status: &MetricStatus) -> String {
        let (name, direction) = (&metric.name, metric.direction);
        let status = match status {
            MetricStatus::NoData => return format!("{name} ({direction}): no data yet"),
            MetricStatus::NotYet(not_yet) => return format!("{name} ({direction}): not yet, {not_yet}"),
            MetricStatus::NotLookedAt { before_units } => {
                return format!("{name} ({direction}): not looked at before {before_units} units");
            }
            MetricStatus::Superior => "superior",
            MetricStatus::NonInferior => "non-inferior",
            MetricStatus::Inferior => "inferior",
            MetricStatus::Undecided => "undecided",
        };
        match self.ready() {
            Some(ready) => format!(
                "{name} ({direction}): difference {:.6} in {} at {} units, {status}",
                ready.estimate, ready.interval, ready.units
            ),
            None => format!("{name} ({direction}): {status}"),
        }
    }
}

/// Returns 1 if higher is better and -1 if lower is.
fn sign(direction: Direction) -> f64 {
    match direction {
        Direction::HigherIsBetter => 1.0,
        Direction::LowerIsBetter => -1.0,
    }
}

fn list(counts: &[u64]) -> String {
    counts.iter().map(u64::to_string).collect::<Vec<_>>().join(" / ")
}
