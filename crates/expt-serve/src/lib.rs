//! What a serving binary links: verified models, stamps, shadow, events.
