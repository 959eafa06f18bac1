use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::{RegistryStore, RunStore};

/// How the suite gets at the stores of a backend. Each case asks for a store of its own, so cases may run
/// at the same time.
pub trait MetadataHarness {
    /// An empty store that nobody else uses.
    fn open(&self) -> Opened;

    /// Another handle on the same content, as another process would open it; for a store that lives in
    /// one object, that object.
    fn handle(&self, opened: &Opened) -> Opened;

    /// The same content after closing this handle, which is the only one, and opening it again; for a
    /// store that keeps nothing, the same handle.
    fn reopen(&self, opened: Opened) -> Opened;
}

/// A store under test.
#[derive(Clone)]
pub struct Opened {
    /// Its runs.
    pub runs: Arc<dyn RunStore>,
    /// Its registry.
    pub registry: Arc<dyn RegistryStore>,
    /// What must live as long as the content: a temporary folder, a schema.
    pub guard: Arc<dyn Any + Send + Sync>,
}

impl Opened {
    /// A store that is both, and what it stands on.
    pub fn new<S: RunStore + RegistryStore>(store: S, guard: Arc<dyn Any + Send + Sync>) -> Self {
        let store = Arc::new(store);
        Self { runs: Arc::clone(&store) as _, registry: store, guard }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("runs", &self.runs).field("registry", &self.registry).finish()
    }
}

/// One case of the suite.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct MetadataCase {
    /// `module::case`.
    pub name: &'static str,
    /// Runs it; panics if the backend does not do what the contract says.
    pub check: fn(&dyn MetadataHarness),
}

/// All cases, for harnesses that make their tests another way than [`metadata_conformance!`](crate::metadata_conformance).
#[must_use]
pub fn metadata_cases() -> &'static [MetadataCase] {
    TABLE
}

/// Runs the case of this name.
///
/// # Panics
/// If the backend does not do what the contract says, or there is no such case.
pub fn run_metadata_case(harness: &dyn MetadataHarness, name: &str) {
    let case = TABLE.iter().find(|case| case.name == name).expect("a case of this name");
    (case.check)(harness);
}

/// Makes one `#[test]` of each case of the metadata suite, for the harness of a backend.
///
/// ```
/// # mod suite {
/// use std::sync::Arc;
///
/// use expt_store::MemoryStore;
/// use expt_store::testkit::{MetadataHarness, Opened};
///
/// struct Memory;
///
/// impl MetadataHarness for Memory {
///     fn open(&self) -> Opened {
///         Opened::new(MemoryStore::new(), Arc::new(()))
///     }
///     fn handle(&self, opened: &Opened) -> Opened {
///         opened.clone()
///     }
///     fn reopen(&self, opened: Opened) -> Opened {
///         opened
///     }
/// }
///
/// expt_store::metadata_conformance!(Memory);
/// # }
/// ```
#[macro_export]
macro_rules! metadata_conformance {
    ($harness:expr) => {
        $crate::__metadata_cases! { __metadata_tests ($harness) }
    };
}

/// The only list of cases: tests and table are made from it. A case that is missing here is dead code,
/// which the compiler reports.
#[doc(hidden)]
#[macro_export]
macro_rules! __metadata_cases {
    ($then:ident $arguments:tt) => {
        $crate::$then! { $arguments
            run {
                experiment_reads_back
                experiment_may_be_registered_again
                experiments_come_in_pages
                missing_things_are_not_found
                run_reads_back_with_all_parts
                id_is_taken_once
                experiment_and_parent_must_be_there
                new_run_has_no_metrics
                status_only_moves_on
                params_are_written_once
                every_param_value_survives
                provenance_is_written_once
                artifacts_are_written_once
                ended_run_takes_tags_and_artifacts
                refused_update_changes_nothing
                update_may_be_repeated
                hostile_names_are_only_names
                reopening_keeps_runs
            }
            metric {
                summary_follows_the_points
                history_is_in_the_order_of_appending
                history_comes_in_pages
                history_may_grow_between_pages
                nan_and_infinities_survive
                extreme_steps_and_times_survive
                missing_metric_is_empty
                append_to_a_missing_run_is_refused
                append_of_nothing_does_nothing
                ended_run_takes_late_points
                one_append_may_have_many_metrics
                every_durability_is_taken
                single_points_add_up
                token_of_another_history_is_refused
                reopening_keeps_points
            }
            query {
                every_field_and_operator
                like_is_exact
                odd_trees
                not_finds_what_has_no_value
                in_takes_many_values
                order_by_every_kind_of_field
                missing_values_sort_last
                ties_are_newest_first
                pages_are_the_whole
                limit_counts_over_all_pages
                pages_go_on_while_runs_are_added
                selective_and_broad_filters_agree
                token_of_another_query_is_refused
                found_runs_are_complete
                children_of_a_parent
            }
            registry {
                versions_count_from_one
                registering_again_gives_the_same
                version_reads_back
                commit_is_all_or_nothing
                stage_is
                in_stage
                alias_is
                document_is
                production_has_one_version
                promotions_are_recorded
                evidence_survives
                own_stages
                missing_version_is_refused
                aliases_move_and_go
                documents_never_change
                documents_are_checked
                newest_document_is_found
                lists_come_in_pages
                tokens_of_other_lists_are_refused
                hostile_names_are_only_names
                reopening_keeps_the_registry
            }
            concurrency {
                appends_of_all_threads_arrive
                one_creator_wins
                one_compare_and_set_wins
                updates_are_not_lost
                versions_of_all_threads_count_on
                an_append_is_seen_whole
                handles_see_each_other
            }
            model {
                random_runs_agree_with_memory
                random_registry_agrees_with_memory
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __metadata_tests {
    (($harness:expr) $($module:ident { $($case:ident)* })*) => {$(
        mod $module {
            #[allow(unused_imports, reason = "what the harness is made of")]
            use super::*;

            $(
                #[test]
                fn $case() {
                    let name = concat!(stringify!($module), "::", stringify!($case));
                    $crate::testkit::run_metadata_case(&$harness, name);
                }
            )*
        }
    )*};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __metadata_table {
    (() $($module:ident { $($case:ident)* })*) => {
        const TABLE: &[MetadataCase] = &[$($(MetadataCase {
            name: concat!(stringify!($module), "::", stringify!($case)),
            check: super::$module::$case,
        },)*)*];
    };
}

crate::__metadata_cases! { __metadata_table () }
