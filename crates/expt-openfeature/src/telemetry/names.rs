//! The names of attributes: those that are written, and the older ones that are read.

/// `feature_flag.key`: the decision point.
pub const KEY: &str = "feature_flag.key";
/// `feature_flag.result.variant`: the arm.
pub const VARIANT: &str = "feature_flag.result.variant";
/// `feature_flag.result.value`: what was given; written where there is no variant.
pub const VALUE: &str = "feature_flag.result.value";
/// `feature_flag.result.reason`: in lower case, such as `split`.
pub const REASON: &str = "feature_flag.result.reason";
/// `feature_flag.context.id`: the unit.
pub const CONTEXT_ID: &str = "feature_flag.context.id";
/// `feature_flag.set.id`: the layer.
pub const SET_ID: &str = "feature_flag.set.id";
/// `feature_flag.version`: the version of the config.
pub const VERSION: &str = "feature_flag.version";
/// `feature_flag.provider.name`: `expt`.
pub const PROVIDER_NAME: &str = "feature_flag.provider.name";
/// `error.type`: in lower case, such as `type_mismatch`.
pub const ERROR_TYPE: &str = "error.type";
/// `feature_flag.error.message`.
pub const ERROR_MESSAGE: &str = "feature_flag.error.message";

/// Names that the conventions have given up, each with the one that replaces it.
pub const OLDER: [(&str, &str); 6] = [
    // 1.32
    ("feature_flag.variant", VARIANT),
    ("feature_flag.evaluation.reason", REASON),
    // 1.33; appendix D of the OpenFeature specification still has the second.
    ("feature_flag.provider_name", PROVIDER_NAME),
    ("error.message", ERROR_MESSAGE),
    ("feature_flag.evaluation.error.message", ERROR_MESSAGE),
    // 1.34
    ("value", VALUE),
];
