//! Boot configuration stores.
