//! The experiment platform for machine learning that you link, not host.
