//! From plan and events to a readout: the join, the ledger, the verdict, the report.
