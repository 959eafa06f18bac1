//! Hyper-parameter search for expt: a study is a run, its trials are child runs.
