//! Exposures of flags that another provider randomises.

use std::sync::Arc;

use expt_assign::Deduplicate;
use expt_core::{Exposure, ExposureTarget, Identity};
use expt_openfeature::{ExternalExposureHook, ExternalFlag};
use expt_store::blocking::wait;
use open_feature::provider::{FeatureProvider, ProviderMetadata, ResolutionDetails};
use open_feature::{
    EvaluationContext, EvaluationReason, EvaluationResult, FlagMetadata, StructValue, async_trait,
};

use crate::common::{Rows, all, client, kind, now, provider, unit};

/// Answers as the test says.
struct Other(ResolutionDetails<bool>, ProviderMetadata);

#[async_trait]
impl FeatureProvider for Other {
    fn metadata(&self) -> &ProviderMetadata {
        &self.1
    }

    async fn resolve_bool_value(
        &self,
        _: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<bool>> {
        Ok(self.0.clone())
    }

    async fn resolve_int_value(
        &self,
        _: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<i64>> {
        Ok(ResolutionDetails::new(0))
    }

    async fn resolve_float_value(
        &self,
        _: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<f64>> {
        Ok(ResolutionDetails::new(0.0))
    }

    async fn resolve_string_value(
        &self,
        _: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<String>> {
        Ok(ResolutionDetails::new(""))
    }

    async fn resolve_struct_value(
        &self,
        _: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<StructValue>> {
        Ok(ResolutionDetails::new(StructValue::default()))
    }
}

fn other(variant: Option<&str>, reason: EvaluationReason) -> Other {
    let variant = variant.map(str::to_owned);
    let details = ResolutionDetails { value: true, variant, reason: Some(reason), flag_metadata: None };
    Other(details, ProviderMetadata::new("other"))
}

fn colour() -> ExternalFlag {
    let names = ("checkout".parse().unwrap(), "colour".parse().unwrap(), "colour/ab".parse().unwrap());
    ExternalFlag::new(kind("user"), names.0, names.1, names.2)
        .with_arm("off", "control".parse().unwrap())
        .with_arm("on", "green".parse().unwrap())
        .with_epoch(3)
        .with_config_version(12)
}

fn hook() -> ExternalExposureHook<Arc<Deduplicate<Rows>>> {
    let sink = Arc::new(Deduplicate::new(Rows::default(), 1000));
    ExternalExposureHook::new(sink).with_flag("colour", colour()).with_clock(now)
}

#[test]
fn a_random_evaluation_of_a_declared_flag_is_logged_once() {
    let sink = Arc::new(Deduplicate::new(Rows::default(), 1000));
    let hook = ExternalExposureHook::new(Arc::clone(&sink)).with_flag("colour", colour()).with_clock(now);
    let client = client(other(Some("on"), EvaluationReason::Split)).with_hook(hook.clone());
    for _ in 0..3 {
        assert!(wait(client.get_bool_value("colour", Some(&unit("u-1")), None)).unwrap());
    }
    let expected = Exposure {
        at: now(),
        unit: "u-1".parse().unwrap(),
        unit_kind: kind("user"),
        identity: Identity::Own,
        target: ExposureTarget::Arm {
            experiment: "colour".parse().unwrap(),
            phase: "colour/ab".parse().unwrap(),
            arm: "green".parse().unwrap(),
            epoch: 3,
        },
        config_version: 12,
    };
    assert_eq!(sink.inner().rows(), [("checkout".parse().unwrap(), expected)]);
    assert_eq!((hook.counts().taken, hook.counts().known), (1, 2));
}

#[test]
fn the_context_id_of_the_provider_comes_before_the_targeting_key() {
    let mut provider = other(Some("off"), EvaluationReason::Split);
    provider.0.flag_metadata = Some(FlagMetadata::default().with_value("contextId", "hashed"));
    let sink = Arc::new(Rows::default());
    let hook = ExternalExposureHook::new(Arc::clone(&sink)).with_flag("colour", colour());
    let client = client(provider).with_hook(hook);
    wait(client.get_bool_value("colour", Some(&unit("u-1")), None)).unwrap();
    assert_eq!(sink.rows()[0].1.unit.as_str(), "hashed");
}

#[test]
fn everything_else_is_counted_and_left_out() {
    let check = |provider: Other, key: &str, context: &EvaluationContext| {
        let hook = hook();
        let client = client(provider).with_hook(hook.clone());
        wait(client.get_bool_value(key, Some(context), None)).unwrap();
        let counts = hook.counts();
        assert_eq!((counts.taken, counts.known, counts.dropped), (0, 0, 0));
        counts
    };
    let split = EvaluationReason::Split;
    let known = unit("u-1");
    for reason in [EvaluationReason::TargetingMatch, EvaluationReason::Default, EvaluationReason::Cached] {
        assert_eq!(check(other(Some("on"), reason), "colour", &known).not_random, 1);
    }
    assert_eq!(check(other(Some("blue"), split.clone()), "colour", &known).unknown_variant, 1);
    assert_eq!(check(other(None, split.clone()), "colour", &known).unknown_variant, 1);
    assert_eq!(check(other(Some("on"), split.clone()), "size", &known).undeclared, 1);
    let nobody = EvaluationContext::default();
    assert_eq!(check(other(Some("on"), split.clone()), "colour", &nobody).unidentified, 1);
    assert_eq!(check(other(Some("on"), split), "colour", &unit(" u")).unidentified, 1);
}

#[test]
fn a_reason_may_be_declared_random() {
    let sink = Arc::new(Rows::default());
    let flag = colour().with_reason(EvaluationReason::TargetingMatch);
    let hook = ExternalExposureHook::new(Arc::clone(&sink)).with_flag("colour", flag);
    let client = client(other(Some("on"), EvaluationReason::TargetingMatch)).with_hook(hook);
    wait(client.get_bool_value("colour", Some(&unit("u-1")), None)).unwrap();
    assert_eq!(sink.rows().len(), 1);
}

#[test]
fn the_provider_of_expt_is_left_to_its_own_hook() {
    let flag = colour().with_arm("a", "control".parse().unwrap()).with_arm("b", "green".parse().unwrap());
    let hook = hook().with_flag("page", flag);
    let client = client(provider(all())).with_hook(hook.clone());
    wait(client.get_string_value("page", Some(&unit("u-1")), None)).unwrap();
    assert_eq!((hook.counts().undeclared, hook.counts().taken), (1, 0));
}
